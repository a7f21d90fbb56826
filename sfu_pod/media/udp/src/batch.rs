//! Datagrams that wait to be sent in one go.

use std::net::SocketAddr;
use std::ops::Range;

use rustc_hash::FxHashMap;

/// Datagrams in one batch: also the most that the kernel takes in one call.
pub(crate) const MAX_DATAGRAMS: usize = 1024;
/// Segments in one message (UDP_MAX_SEGMENTS of older kernels).
const MAX_SEGMENTS: usize = 64;
/// Bytes in one message: what fits in an IPv4 packet after its headers.
const MAX_MESSAGE_BYTES: usize = 65_507;

/// Datagrams written side by side into one arena, used again and again.
pub struct SendBatch {
    arena: Vec<u8>,
    used: usize,
    datagrams: Vec<Datagram>,
    messages: Vec<Message>,
    /// The message of each remote that the next datagram may join.
    open: FxHashMap<SocketAddr, usize>,
    joins: bool,
}

/// A place in the arena, and the next datagram of the same message.
#[derive(Clone, Copy)]
struct Datagram {
    start: usize,
    len: usize,
    next: Option<usize>,
}

/// Datagrams to one remote: all of `segment` bytes, the last one perhaps less.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    pub(crate) remote: SocketAddr,
    pub(crate) segment: usize,
    pub(crate) count: usize,
    pub(crate) bytes: usize,
    first: usize,
    last: usize,
}

impl SendBatch {
    /// An arena of `bytes`; it holds at most 1,024 datagrams.
    pub fn new(bytes: usize) -> Self {
        Self {
            arena: vec![0; bytes],
            used: 0,
            datagrams: Vec::with_capacity(MAX_DATAGRAMS),
            messages: Vec::with_capacity(MAX_DATAGRAMS),
            open: FxHashMap::default(),
            joins: true,
        }
    }

    /// A datagram of up to `capacity` bytes can still be pushed.
    pub fn fits(&self, capacity: usize) -> bool {
        capacity <= self.arena.len() - self.used && self.datagrams.len() < MAX_DATAGRAMS
    }

    /// No datagrams wait.
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Adds a datagram: `fill` writes it into the buffer of `capacity` bytes and returns its
    /// length, or `None` for no datagram after all. Datagrams to one remote keep their order;
    /// those of equal size are joined, no matter what is pushed for others in between.
    /// False: nothing was added, because `fill` declined or [`SendBatch::fits`] is false.
    pub fn push(
        &mut self,
        remote: SocketAddr,
        capacity: usize,
        fill: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> bool {
        if !self.fits(capacity) {
            return false;
        }
        let start = self.used;
        let len = match fill(&mut self.arena[start..start + capacity]) {
            Some(len) if (1..=capacity).contains(&len) => len,
            _ => return false,
        };
        self.used += len;
        let datagram = self.datagrams.len();
        self.datagrams.push(Datagram { start, len, next: None });
        match self.joinable(remote, len) {
            Some(index) => self.join(index, datagram),
            None => self.begin(remote, datagram),
        }
        true
    }

    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The bytes of each datagram of a message, in order.
    pub(crate) fn datagrams(&self, message: &Message) -> impl Iterator<Item = &[u8]> {
        self.ranges(message).map(|range| &self.arena[range])
    }

    /// Where in the arena a message lies, as few pieces as possible.
    pub(crate) fn pieces(&self, message: &Message) -> impl Iterator<Item = &[u8]> {
        let mut ranges = self.ranges(message).peekable();
        std::iter::from_fn(move || {
            let mut piece = ranges.next()?;
            while let Some(next) = ranges.next_if(|next| next.start == piece.end) {
                piece.end = next.end;
            }
            Some(&self.arena[piece])
        })
    }

    /// Whether datagrams to one remote are joined from now on.
    pub(crate) fn set_joining(&mut self, joins: bool) {
        self.joins = joins;
    }

    pub(crate) fn clear(&mut self) {
        self.used = 0;
        self.datagrams.clear();
        self.messages.clear();
        self.open.clear();
    }

    fn ranges(&self, message: &Message) -> impl Iterator<Item = Range<usize>> {
        let mut at = Some(message.first);
        std::iter::from_fn(move || {
            let datagram = self.datagrams[at?];
            at = datagram.next;
            Some(datagram.start..datagram.start + datagram.len)
        })
    }

    fn joinable(&self, remote: SocketAddr, len: usize) -> Option<usize> {
        if !self.joins {
            return None;
        }
        let newest = self.messages.len().checked_sub(1)?;
        let index = match &self.messages[newest] {
            message if message.remote == remote => newest,
            _ => *self.open.get(&remote)?,
        };
        let message = &self.messages[index];
        // A shorter datagram ends its message: then its size is no multiple of the segment.
        let open = message.bytes == message.count * message.segment;
        let fits = message.count < MAX_SEGMENTS && message.bytes + len <= MAX_MESSAGE_BYTES;
        (open && fits && len <= message.segment).then_some(index)
    }

    fn join(&mut self, index: usize, datagram: usize) {
        let message = &mut self.messages[index];
        self.datagrams[message.last].next = Some(datagram);
        message.last = datagram;
        message.count += 1;
        message.bytes += self.datagrams[datagram].len;
    }

    fn begin(&mut self, remote: SocketAddr, datagram: usize) {
        let len = self.datagrams[datagram].len;
        if self.joins {
            self.open.insert(remote, self.messages.len());
        }
        let (first, last) = (datagram, datagram);
        self.messages.push(Message { remote, segment: len, count: 1, bytes: len, first, last });
    }
}

#[cfg(test)]
mod tests {
    use super::SendBatch;
    use std::net::SocketAddr;

    fn push(batch: &mut SendBatch, port: u16, len: usize) {
        let remote = SocketAddr::from(([127, 0, 0, 1], port));
        assert!(batch.push(remote, len, |buffer| {
            buffer.fill(port as u8);
            Some(len)
        }));
    }

    /// (port, segment size, datagrams, pieces) of each message.
    fn shape(batch: &SendBatch) -> Vec<(u16, usize, usize, usize)> {
        let messages = batch.messages().iter();
        messages
            .map(|message| {
                let pieces = batch.pieces(message).count();
                assert_eq!(batch.datagrams(message).count(), message.count);
                (message.remote.port(), message.segment, message.count, pieces)
            })
            .collect()
    }

    #[test]
    fn equal_sizes_join_and_a_shorter_one_ends_the_message() {
        let mut batch = SendBatch::new(1 << 16);
        for len in [100, 100, 60, 60, 100, 99] {
            push(&mut batch, 1, len);
        }
        assert_eq!(shape(&batch), [(1, 100, 3, 1), (1, 60, 1, 1), (1, 100, 2, 1)]);
    }

    #[test]
    fn remotes_may_take_turns() {
        let mut batch = SendBatch::new(1 << 16);
        for port in [1, 2, 3, 1, 2, 3, 3] {
            push(&mut batch, port, 100);
        }
        assert_eq!(shape(&batch), [(1, 100, 2, 2), (2, 100, 2, 2), (3, 100, 3, 2)]);
    }

    #[test]
    fn messages_stay_within_what_the_kernel_takes() {
        let mut batch = SendBatch::new(1 << 18);
        (0..65).for_each(|_| push(&mut batch, 1, 10));
        (0..50).for_each(|_| push(&mut batch, 2, 1400));
        assert_eq!(
            shape(&batch),
            [(1, 10, 64, 1), (1, 10, 1, 1), (2, 1400, 46, 1), (2, 1400, 4, 1)]
        );
    }

    #[test]
    fn what_does_not_fit_or_is_declined_is_not_there() {
        let mut batch = SendBatch::new(100);
        let remote = SocketAddr::from(([127, 0, 0, 1], 1));
        assert!(!batch.push(remote, 100, |_| None));
        assert!(!batch.push(remote, 100, |_| Some(0)));
        assert!(!batch.push(remote, 101, |_| panic!("there is no room to fill")));
        assert!(batch.is_empty() && batch.messages().is_empty());
        push(&mut batch, 1, 60);
        assert!(batch.fits(40) && !batch.fits(41));
        batch.clear();
        assert!(batch.fits(100) && batch.is_empty());
    }

    #[test]
    fn a_batch_is_bounded_in_datagrams() {
        let mut batch = SendBatch::new(1 << 16);
        (0..1024).for_each(|_| push(&mut batch, 1, 1));
        assert!(!batch.fits(1));
    }
}
