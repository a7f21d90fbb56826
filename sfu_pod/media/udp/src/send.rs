//! Handing a batch to `sendmmsg`.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use crate::Counters;
use crate::address::RawAddress;
use crate::batch::{MAX_DATAGRAMS, Message, SendBatch};
use crate::raw::{Control, Scratch, set_segment_size};

/// So many refusals of joined messages without one that went out: give joining up.
const MAX_REFUSALS: u32 = 8;
/// An error of an earlier datagram may be told to a later one: try that so often.
const MAX_ATTEMPTS: u32 = 3;

/// Memory for send calls, and whether joining works.
pub(crate) struct Sender {
    slices: Scratch<libc::iovec>,
    headers: Scratch<libc::mmsghdr>,
    addresses: Vec<RawAddress>,
    controls: Vec<Control>,
    segments: bool,
    refusals: u32,
}

/// What to do about an error of `sendmmsg`'s first message.
enum Verdict {
    TryAgain,
    /// The socket's buffer is full.
    Full,
    /// This message cannot go out as it is.
    Refused,
}

impl Sender {
    pub(crate) fn new(segments: bool) -> Self {
        Self {
            slices: Scratch::with_capacity(MAX_DATAGRAMS),
            headers: Scratch::with_capacity(MAX_DATAGRAMS),
            addresses: vec![RawAddress::zeroed(); MAX_DATAGRAMS],
            controls: vec![Control::zeroed(); MAX_DATAGRAMS],
            segments,
            refusals: 0,
        }
    }

    pub(crate) fn segments(&self) -> bool {
        self.segments
    }

    /// Sends what can be sent now; the rest is counted as dropped.
    pub(crate) fn send(
        &mut self,
        socket: BorrowedFd<'_>,
        batch: &SendBatch,
        counters: &mut Counters,
    ) {
        let (mut rest, mut attempts) = (batch.messages(), 0);
        while let Some((first, others)) = rest.split_first() {
            if first.count > 1 && !self.segments {
                send_apart(socket, batch, first, counters);
                rest = others;
                continue;
            }
            // Without joining only single datagrams get here together.
            let together = rest.iter().take_while(|message| self.segments || message.count == 1);
            let run = &rest[..together.count()];
            counters.send_calls += 1;
            let error = match self.call(socket, batch, run) {
                Ok(sent) => {
                    self.note_sent(&run[..sent], counters);
                    (rest, attempts) = (&rest[sent..], 0);
                    continue;
                }
                Err(error) => error,
            };
            attempts += 1;
            match verdict(&error, attempts) {
                Verdict::TryAgain => {}
                Verdict::Full => {
                    counters.dropped_would_block += datagrams(rest);
                    return;
                }
                Verdict::Refused if first.count > 1 => {
                    self.note_refusal(&error);
                    send_apart(socket, batch, first, counters);
                    (rest, attempts) = (others, 0);
                }
                Verdict::Refused => {
                    counters.dropped_refused += 1;
                    (rest, attempts) = (others, 0);
                }
            }
        }
    }

    fn note_sent(&mut self, sent: &[Message], counters: &mut Counters) {
        if sent.iter().any(|message| message.count > 1) {
            self.refusals = 0;
        }
        counters.messages_sent += sent.len() as u64;
        counters.datagrams_sent += datagrams(sent);
        counters.bytes_sent += sent.iter().map(|message| message.bytes as u64).sum::<u64>();
    }

    /// EIO tells that the device cannot do it; anything else may be this message's own fault,
    /// such as segments larger than its path takes.
    fn note_refusal(&mut self, error: &io::Error) {
        self.refusals += 1;
        if error.raw_os_error() == Some(libc::EIO) || self.refusals >= MAX_REFUSALS {
            self.segments = false;
        }
    }

    /// One `sendmmsg`; returns how many of the messages went out, or what is wrong with the first.
    fn call(
        &mut self,
        socket: BorrowedFd<'_>,
        batch: &SendBatch,
        messages: &[Message],
    ) -> io::Result<usize> {
        let Self { slices, headers, addresses, controls, .. } = self;
        slices.lend(|slices| {
            headers.lend(|headers| {
                for (index, message) in messages.iter().enumerate() {
                    let first = slices.len();
                    slices.extend(batch.pieces(message).map(to_iovec));
                    let (address, control) = (&mut addresses[index], &mut controls[index]);
                    headers.push(describe(message, address, control, slices.len() - first));
                }
                // Only now, as the list may have moved while it grew.
                let mut at = slices.as_mut_ptr();
                for header in headers.iter_mut() {
                    header.msg_hdr.msg_iov = at;
                    at = at.wrapping_add(header.msg_hdr.msg_iovlen);
                }
                // SAFETY: every header points to an address, a control buffer and a part of
                // `slices` that outlive the call, and those to parts of the batch's arena, which
                // is borrowed; the kernel only reads them.
                let sent = unsafe {
                    libc::sendmmsg(
                        socket.as_raw_fd(),
                        headers.as_mut_ptr(),
                        headers.len() as libc::c_uint,
                        libc::MSG_DONTWAIT as _,
                    )
                };
                usize::try_from(sent).map_err(|_| io::Error::last_os_error())
            })
        })
    }
}

fn verdict(error: &io::Error, attempts: u32) -> Verdict {
    match error.raw_os_error() {
        Some(libc::EINTR) => Verdict::TryAgain,
        Some(libc::EAGAIN | libc::ENOBUFS) => Verdict::Full,
        Some(libc::ECONNREFUSED) if attempts < MAX_ATTEMPTS => Verdict::TryAgain,
        _ => Verdict::Refused,
    }
}

/// Sends a message's datagrams one by one: slow, for what could not go out joined.
fn send_apart(
    socket: BorrowedFd<'_>,
    batch: &SendBatch,
    message: &Message,
    counters: &mut Counters,
) {
    let (address, address_len) = RawAddress::new(message.remote);
    for datagram in batch.datagrams(message) {
        counters.send_calls += 1;
        // SAFETY: the kernel only reads the datagram and the address, with their lengths.
        let sent = unsafe {
            libc::sendto(
                socket.as_raw_fd(),
                datagram.as_ptr().cast(),
                datagram.len(),
                libc::MSG_DONTWAIT,
                ptr::from_ref(&address).cast(),
                address_len,
            )
        };
        if sent >= 0 {
            counters.messages_sent += 1;
            counters.datagrams_sent += 1;
            counters.bytes_sent += datagram.len() as u64;
        } else if matches!(verdict(&io::Error::last_os_error(), MAX_ATTEMPTS), Verdict::Full) {
            counters.dropped_would_block += 1;
        } else {
            counters.dropped_refused += 1;
        }
    }
}

/// A header but for its iovec pointer.
fn describe(
    message: &Message,
    address: &mut RawAddress,
    control: &mut Control,
    pieces: usize,
) -> libc::mmsghdr {
    // SAFETY: a header is made of integers and pointers, for which zero is a value.
    let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
    let (raw, len) = RawAddress::new(message.remote);
    *address = raw;
    header.msg_hdr.msg_name = ptr::from_mut(address).cast();
    header.msg_hdr.msg_namelen = len;
    header.msg_hdr.msg_iovlen = pieces as _;
    if message.count > 1 {
        header.msg_hdr.msg_control = control.as_mut_ptr();
        // SAFETY: that is the control buffer of the line above.
        unsafe { set_segment_size(&mut header.msg_hdr, message.segment as u16) };
    }
    header
}

/// The kernel only reads what is sent, so the pointer's mutability is its interface's alone.
fn to_iovec(piece: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() }
}

fn datagrams(messages: &[Message]) -> u64 {
    messages.iter().map(|message| message.count as u64).sum()
}
