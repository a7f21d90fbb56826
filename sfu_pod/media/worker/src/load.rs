//! What a worker has done so far and what waits for it, readable from any thread at any time.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use rotunda_udp::{Backlog, BacklogGauge};

/// Totals since the start of a worker, and what waits for it now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Load {
    /// CPU time of the thread.
    pub busy: Duration,
    /// Payload bytes of the datagrams received; over TCP with their lengths.
    pub bytes_received: u64,
    /// Payload bytes of the datagrams sent.
    pub bytes_sent: u64,
    /// Media packets sent to consumers.
    pub packets_forwarded: u64,
    /// Received datagrams that led nowhere, and those that could not be sent: refused by the kernel,
    /// meant for a TCP peer that does not keep up, or in a queue to a peer that was full.
    pub packets_dropped: u64,
    /// Datagrams that the kernel dropped before the thread could receive them: the receive buffer
    /// of their socket was full.
    pub packets_overflowed: u64,
    /// Received video packets refused because their peer sends more than it may.
    pub packets_refused: u64,
    /// System calls that sent.
    pub send_calls: u64,
    /// Messages handed to the kernel: one may carry many segments, over TCP any number.
    pub messages_sent: u64,
    /// Datagrams sent.
    pub segments_sent: u64,
    /// RTP padding sent so that packets fit one message.
    pub padding_bytes: u64,
    /// Open connections now.
    pub tcp_connections: u64,
    /// What waits now in the UDP sockets to be received, in bytes of kernel memory.
    pub backlog_bytes: u64,
    /// The share of its receive buffer that this fills in the fullest of them, 0 to 1.
    pub backlog_share: f64,
    /// Commands posted and not taken by the thread.
    pub commands_waiting: u64,
}

/// Written by the thread once a turn; readers see each number whole, but not all of one turn.
#[derive(Default)]
pub(crate) struct LoadCounters {
    pub(crate) bytes_received: AtomicU64,
    pub(crate) bytes_sent: AtomicU64,
    pub(crate) packets_forwarded: AtomicU64,
    pub(crate) packets_dropped: AtomicU64,
    pub(crate) packets_refused: AtomicU64,
    pub(crate) send_calls: AtomicU64,
    pub(crate) messages_sent: AtomicU64,
    pub(crate) segments_sent: AtomicU64,
    pub(crate) padding_bytes: AtomicU64,
    pub(crate) tcp_connections: AtomicU64,
    clock: ThreadClock,
    sockets: Vec<BacklogGauge>,
}

impl LoadCounters {
    /// All zero, of a thread that receives from these sockets.
    pub(crate) fn new(sockets: Vec<BacklogGauge>) -> Self {
        Self { sockets, ..Self::default() }
    }

    /// From now on the calling thread's CPU time is the worker's.
    pub(crate) fn thread_starts(&self) {
        self.clock.start();
    }

    /// The thread is about to end: its clock ends with it.
    pub(crate) fn thread_ends(&self) {
        self.clock.stop();
    }

    /// The CPU time of the thread alone.
    pub(crate) fn busy(&self) -> Duration {
        self.clock.read()
    }

    /// All but the commands that wait.
    pub(crate) fn read(&self) -> Load {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let backlogs: Vec<_> = self.sockets.iter().map(BacklogGauge::read).collect();
        Load {
            busy: self.clock.read(),
            bytes_received: get(&self.bytes_received),
            bytes_sent: get(&self.bytes_sent),
            packets_forwarded: get(&self.packets_forwarded),
            packets_dropped: get(&self.packets_dropped),
            packets_overflowed: backlogs.iter().map(|backlog| backlog.dropped).sum(),
            packets_refused: get(&self.packets_refused),
            send_calls: get(&self.send_calls),
            messages_sent: get(&self.messages_sent),
            segments_sent: get(&self.segments_sent),
            padding_bytes: get(&self.padding_bytes),
            tcp_connections: get(&self.tcp_connections),
            backlog_bytes: backlogs.iter().map(|backlog| backlog.waiting_bytes).sum(),
            backlog_share: backlogs.iter().map(Backlog::share).fold(0.0, f64::max),
            commands_waiting: 0,
        }
    }
}

/// One thread's CPU clock, read by others without its help: an idle thread need not wake to say
/// how idle it is.
#[derive(Default)]
struct ThreadClock {
    /// The clock's id while the thread runs; 0, which is no thread's clock, before and after.
    id: AtomicI32,
    /// Nanoseconds at its end.
    last: AtomicU64,
}

impl ThreadClock {
    fn start(&self) {
        let mut id = 0;
        // SAFETY: the calling thread lives, and `id` is a valid place for the answer.
        let error = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut id) };
        if error == 0 {
            self.id.store(id, Ordering::Release);
        }
    }

    fn stop(&self) {
        self.last.store(self.read().as_nanos() as u64, Ordering::Relaxed);
        self.id.store(0, Ordering::Release);
    }

    fn read(&self) -> Duration {
        let last = || Duration::from_nanos(self.last.load(Ordering::Relaxed));
        match self.id.load(Ordering::Acquire) {
            0 => last(),
            id => clock_time(id).unwrap_or_else(last),
        }
    }
}

fn clock_time(id: libc::clockid_t) -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer; an id without a thread is an error.
    let result = unsafe { libc::clock_gettime(id, &mut time) };
    (result == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rotunda_udp::{SocketOptions, UdpSocket};

    use super::*;

    #[test]
    fn the_fullest_socket_is_told_and_what_waits_in_all() {
        let options = SocketOptions { segmentation_offload: false, buffer_bytes: 1 << 14 };
        let open = || UdpSocket::bind("127.0.0.1:0".parse().unwrap(), options).unwrap();
        let sockets = [open(), open(), open()];
        let load = LoadCounters::new(sockets.iter().map(UdpSocket::backlog_gauge).collect());
        assert_eq!((load.read().backlog_bytes, load.read().backlog_share), (0, 0.0));
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let send = |socket: &UdpSocket, count| {
            (0..count).for_each(|_| {
                peer.send_to(&[0; 1000], socket.local_addr().unwrap()).unwrap();
            });
        };
        send(&sockets[0], 1);
        let one = load.read();
        assert!(one.backlog_bytes >= 1000 && one.backlog_share > 0.0 && one.backlog_share < 0.5);
        send(&sockets[1], 100);
        let full = load.read();
        assert!(full.backlog_share > 0.5, "{full:?}");
        assert!(full.backlog_bytes > 4 * one.backlog_bytes, "{full:?}");
        assert!(full.packets_overflowed > 0 && full.packets_overflowed < 100, "{full:?}");
        assert_eq!(full.packets_dropped, 0, "nothing that was received");
    }

    #[test]
    fn another_thread_reads_the_cpu_time_and_it_stays_after_the_end() {
        let load = LoadCounters::default();
        assert_eq!(load.read().busy, Duration::ZERO);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                load.thread_starts();
                let start = Instant::now();
                while load.read().busy == Duration::ZERO && start.elapsed().as_secs() < 5 {}
                load.thread_ends();
            });
        });
        let busy = load.read().busy;
        assert!(busy > Duration::ZERO);
        assert_eq!(load.read().busy, busy);
    }
}
