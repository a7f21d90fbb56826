//! One connection.

use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::Socket;

use crate::frame::{Deframer, FrameTooLong, Frames, LENGTH_BYTES, MAX_FRAME};
use crate::outgoing::{Outgoing, Pushed};

/// What one read brings at most, beside what was left over from the one before.
const READ_BYTES: usize = 64 << 10;

/// Memory for reads, shared by all connections of a thread.
pub struct ReadBuffer(Box<[u8]>);

impl ReadBuffer {
    /// An empty one.
    pub fn new() -> Self {
        Self(vec![0; LENGTH_BYTES + MAX_FRAME + READ_BYTES].into())
    }
}

impl Default for ReadBuffer {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a connection is over.
#[derive(Debug)]
pub enum Closed {
    /// The peer ended it.
    End,
    /// It broke.
    Broken(io::Error),
    /// What came is no frame.
    NoFrame(FrameTooLong),
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the peer ended it"),
            Self::Broken(error) => write!(f, "it broke: {error}"),
            Self::NoFrame(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Closed {}

/// What one connection, or all of them, did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Bytes of frames received, their lengths included.
    pub bytes_received: u64,
    /// Bytes of frames that were queued, without their lengths.
    pub bytes_sent: u64,
    /// Frames that were queued.
    pub frames_sent: u64,
    /// Frames for which there was no room.
    pub frames_dropped: u64,
    /// System calls that sent.
    pub send_calls: u64,
}

/// A peer's connection.
#[derive(Debug)]
pub struct Connection {
    socket: Socket,
    remote: SocketAddr,
    deframer: Deframer,
    outgoing: Outgoing,
    /// The kernel takes nothing more for now.
    blocked: bool,
}

impl Connection {
    pub(crate) fn new(socket: Socket, remote: SocketAddr) -> Self {
        let (deframer, outgoing) = (Deframer::default(), Outgoing::default());
        Self { socket, remote, deframer, outgoing, blocked: false }
    }

    /// The peer's address.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Something waits for the kernel to take it.
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Reads once; the frames that are whole by now, none where nothing came.
    pub fn receive<'b>(
        &mut self,
        buffer: &'b mut ReadBuffer,
        counters: &mut Counters,
    ) -> Result<Frames<'b>, Closed> {
        let start = self.deframer.begin(&mut buffer.0);
        let count = match self.socket.read(&mut buffer.0[start..start + READ_BYTES]) {
            Ok(0) => return Err(Closed::End),
            Ok(count) => count,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => 0,
                _ => return Err(Closed::Broken(error)),
            },
        };
        counters.bytes_received += count as u64;
        self.deframer.finish(&mut buffer.0[..start + count]).map_err(Closed::NoFrame)
    }

    /// Lets a frame wait for the next flush, which happens at once where there are many. See
    /// [`Outgoing::push`].
    pub(crate) fn push(
        &mut self,
        capacity: usize,
        fill: impl FnOnce(&mut [u8]) -> Option<usize>,
        counters: &mut Counters,
    ) -> Pushed {
        if self.outgoing.is_crowded() && !self.blocked {
            // An error comes again, and is told, at the next flush.
            let _ = self.flush(counters);
        }
        let mut len = 0;
        let pushed = self.outgoing.push(capacity, |buffer| {
            let written = fill(buffer);
            len = written.unwrap_or(0);
            written
        });
        match pushed {
            Pushed::Queued => {
                counters.bytes_sent += len as u64;
                counters.frames_sent += 1;
            }
            Pushed::Dropped => counters.frames_dropped += 1,
            Pushed::Nothing => {}
        }
        pushed
    }

    /// Sends what waits, as far as the kernel takes it.
    pub(crate) fn flush(&mut self, counters: &mut Counters) -> Result<(), Closed> {
        let mut socket = Counted { socket: &self.socket, calls: &mut counters.send_calls };
        self.blocked = !self.outgoing.flush(&mut socket).map_err(Closed::Broken)?;
        Ok(())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Counts the calls.
struct Counted<'a> {
    socket: &'a Socket,
    calls: &'a mut u64,
}

impl io::Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.calls += 1;
        // Unlike `write` of a stream this never raises SIGPIPE.
        self.socket.send_with_flags(bytes, libc::MSG_NOSIGNAL)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
