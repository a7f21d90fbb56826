//! What waits in a socket, readable by others than who receives from it.

use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError, Weak};

use socket2::Socket;

/// Numbers of the kernel's answer to SO_MEMINFO (linux/sock_diag.h).
const NUMBERS: usize = libc::SK_MEMINFO_DROPS as usize + 1;

/// The receive buffer of a socket at one moment, in bytes of kernel memory: what a datagram takes
/// there is more than its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// What has arrived and was not received. While any is left, the kernel may count up to a quarter
    /// of the limit of what was received.
    pub waiting_bytes: u64,
    /// How much may wait.
    pub limit_bytes: u64,
    /// Datagrams that the kernel dropped since the socket was opened, nearly always because the
    /// buffer was full; a wrong checksum counts as well.
    pub dropped: u64,
}

impl Backlog {
    /// The share of the buffer that is full, 0 to 1.
    pub fn share(&self) -> f64 {
        match self.limit_bytes {
            0 => 0.0,
            limit => (self.waiting_bytes as f64 / limit as f64).min(1.0),
        }
    }
}

/// Reads one socket's backlog, from any thread. Does not keep the socket open.
pub struct BacklogGauge {
    socket: Weak<Socket>,
    dropped: Mutex<u64>,
}

impl BacklogGauge {
    pub(crate) fn new(socket: Weak<Socket>) -> Self {
        Self { socket, dropped: Mutex::new(0) }
    }

    /// The backlog now. Nothing waits in a socket that is closed, and what a kernel before 4.12
    /// does not tell is 0.
    pub fn read(&self) -> Backlog {
        // Held while the kernel is asked: an older answer must not come after a newer one.
        let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = self.socket.upgrade().and_then(|socket| memory_of(&socket).ok());
        let Some(answer) = answer else {
            return Backlog { dropped: *dropped, ..Backlog::default() };
        };
        let number = |index: libc::c_int| answer[index as usize];
        *dropped = counted_on(*dropped, number(libc::SK_MEMINFO_DROPS));
        Backlog {
            waiting_bytes: number(libc::SK_MEMINFO_RMEM_ALLOC).into(),
            limit_bytes: number(libc::SK_MEMINFO_RCVBUF).into(),
            dropped: *dropped,
        }
    }
}

/// A total whose lower 32 bits are the kernel's counter, which begins anew after 2³².
fn counted_on(total: u64, counter: u32) -> u64 {
    total + u64::from(counter.wrapping_sub(total as u32))
}

fn memory_of(socket: &Socket) -> io::Result<[u32; NUMBERS]> {
    let mut numbers = [0; NUMBERS];
    let mut len = mem::size_of_val(&numbers) as libc::socklen_t;
    // SAFETY: the kernel writes at most the length told.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            numbers.as_mut_ptr().cast(),
            &mut len,
        )
    };
    if result == 0 { Ok(numbers) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_began_anew_goes_on() {
        assert_eq!(counted_on(0, 5), 5);
        assert_eq!(counted_on(5, 5), 5);
        assert_eq!(counted_on(u64::from(u32::MAX), 2), (1 << 32) + 2);
        assert_eq!(counted_on((1 << 32) + 2, 9), (1 << 32) + 9);
    }
}
