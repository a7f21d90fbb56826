//! Subscribers' sockets: a filter in the kernel drops what comes, or a thread drains them.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rotunda_packet::rtcp::write_transport_feedback;
use rotunda_packet::rtp::RtpPacket;
use rotunda_packet::srtp::Sender;

use crate::peer::Peer;
use crate::publisher::TRANSPORT_CC_ID;

/// Header and extensions; the kernel throws the rest away uncopied.
const READ_BYTES: usize = 64;
/// How often sockets are drained: nobody waits on them, so that waking is not the sender's cost.
const DRAIN_EVERY: Duration = Duration::from_millis(2);
/// How often a browser sends feedback about 1 Mbit/s and more.
const FEEDBACK_EVERY: Duration = Duration::from_millis(100);

/// What becomes of packets at the subscribers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkMode {
    /// Dropped by a socket filter before any queue: the sender's own cost and nothing else.
    Dropped,
    /// Queued and read.
    Drained,
    /// Queued, read and answered with transport-wide feedback.
    Feedback,
}

impl SinkMode {
    /// Packets carry transport-wide numbers.
    pub fn feedback(self) -> bool {
        self == Self::Feedback
    }

    /// As the tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Drained => "drained",
            Self::Feedback => "feedback",
        }
    }
}

/// Lets the kernel drop whatever arrives at this socket.
pub fn drop_all(socket: &UdpSocket) -> io::Result<()> {
    // BPF_RET | BPF_K with 0: accept no byte (socket(7), SO_ATTACH_FILTER).
    let mut code = [libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: 0 }];
    let program = libc::sock_fprog { len: 1, filter: code.as_mut_ptr() };
    // SAFETY: `program` and the code it points to are valid for the call, which copies them.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Drains the subscribers' sockets until told to stop; answers if the mode says so.
pub fn drain(subscribers: &mut [Peer], mode: SinkMode, stop: &AtomicBool) {
    let start = Instant::now();
    let mut sinks: Vec<_> = subscribers.iter_mut().map(Sink::new).collect();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(DRAIN_EVERY);
        for sink in &mut sinks {
            sink.drain(mode.feedback().then_some(start));
            if mode.feedback() {
                sink.answer();
            }
        }
    }
}

struct Sink<'a> {
    socket: &'a UdpSocket,
    srtp: &'a mut Sender,
    /// Transport-wide numbers and their arrival in ticks of 250 µs.
    arrivals: Vec<(u16, u32)>,
    answered: Instant,
    count: u8,
}

impl<'a> Sink<'a> {
    fn new(peer: &'a mut Peer) -> Self {
        let Peer { socket, srtp, .. } = peer;
        Self { socket, srtp, arrivals: Vec::new(), answered: Instant::now(), count: 0 }
    }

    fn drain(&mut self, noted_since: Option<Instant>) {
        let mut buffer = [0; READ_BYTES];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let Some(start) = noted_since else { continue };
            if let Some(number) = transport_number(&buffer[..length]) {
                let ticks = start.elapsed().as_micros() / 250;
                self.arrivals.push((number, ticks as u32));
            }
        }
    }

    fn answer(&mut self) {
        if self.answered.elapsed() < FEEDBACK_EVERY {
            return;
        }
        self.answered = Instant::now();
        let mut rest = self.arrivals.as_slice();
        while !rest.is_empty() {
            let mut packet = Vec::with_capacity(1500);
            let taken = write_transport_feedback(&mut packet, 1, 1, self.count, rest);
            self.count = self.count.wrapping_add(1);
            let length = packet.len();
            packet.resize(length + self.srtp.profile().rtcp_overhead(), 0);
            self.srtp.protect_rtcp(&mut packet, length).expect("room for the tag");
            // A worker that is not there any more needs no answer.
            let _ = self.socket.send(&packet);
            rest = &rest[taken.max(1)..];
        }
        self.arrivals.clear();
    }
}

/// `None` for RTCP and STUN.
fn transport_number(datagram: &[u8]) -> Option<u16> {
    let is_rtp = datagram.first()? >> 6 == 2 && !(192..=223).contains(datagram.get(1)?);
    let packet = is_rtp.then(|| RtpPacket::parse_header(datagram).ok())??;
    let value = packet.extension(TRANSPORT_CC_ID)?;
    Some(u16::from_be_bytes(value.try_into().ok()?))
}
