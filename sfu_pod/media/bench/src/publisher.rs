//! A generated camera: VP8 in SRTP over a socket of its own, at the moments of a trace.

use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use rotunda_packet::rtp::RtpHeader;
use rotunda_packet::srtp::Sender;

use crate::trace::{Trace, TracePacket};

/// Payload type, extension ids and clock of what is generated, as Chromium numbers them.
pub const PAYLOAD_TYPE: u8 = 96;
/// Its retransmissions.
pub const RTX_PAYLOAD_TYPE: u8 = 97;
/// Extension id of the mid.
pub const MID_ID: u8 = 9;
/// Extension id of the transport-wide sequence number.
pub const TRANSPORT_CC_ID: u8 = 4;

/// Consumers can begin only with a key frame, so there is one in so many frames.
const KEY_FRAME_EVERY: u32 = 30;

/// One camera.
pub struct Publisher<'a> {
    socket: UdpSocket,
    srtp: Sender,
    trace: &'a Trace,
    start: Instant,
    ssrc: u32,
    feedback: bool,
    sent: u64,
    frame: u32,
    /// RTP time of the frame under way.
    timestamp: u32,
    frame_start: bool,
    buffer: Box<[u8; 2048]>,
}

impl<'a> Publisher<'a> {
    /// Begins `phase` into the trace. With `feedback` packets carry transport-wide numbers.
    pub fn new(
        socket: UdpSocket,
        srtp: Sender,
        trace: &'a Trace,
        ssrc: u32,
        phase: Duration,
        feedback: bool,
    ) -> Self {
        let start = Instant::now() - phase;
        let skipped = trace.packets.iter().filter(|packet| packet.at < phase).count() as u64;
        Self {
            socket,
            srtp,
            trace,
            start,
            ssrc,
            feedback,
            sent: skipped,
            frame: 0,
            timestamp: 0,
            frame_start: true,
            buffer: Box::new([0; 2048]),
        }
    }

    /// Sends what is due; the number of packets.
    pub fn send_due(&mut self, now: Instant) -> io::Result<u64> {
        let mut count = 0;
        while self.due() <= now {
            let length = self.write();
            self.socket.send(&self.buffer[..length])?;
            count += 1;
        }
        Ok(count)
    }

    fn due(&self) -> Instant {
        let loops = self.sent / self.trace.packets.len() as u64;
        self.start + self.trace.length * loops as u32 + self.packet().at
    }

    fn packet(&self) -> TracePacket {
        self.trace.packets[self.sent as usize % self.trace.packets.len()]
    }

    /// Writes the next packet; its length.
    fn write(&mut self) -> usize {
        let packet = self.packet();
        if self.frame_start {
            let time = self.due().duration_since(self.start);
            self.timestamp = (time.as_micros() * 90 / 1000) as u32;
        }
        let sequence_number = self.sent as u16;
        let header = RtpHeader {
            marker: packet.marker,
            payload_type: PAYLOAD_TYPE,
            sequence_number,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        let number = sequence_number.to_be_bytes();
        let extensions: &[(u8, &[u8])] = &[(MID_ID, b"0"), (TRANSPORT_CC_ID, &number)];
        let extensions = if self.feedback { extensions } else { &extensions[..1] };
        let at = header.write(&mut self.buffer[..], extensions).expect("there is room");
        self.write_vp8(at);
        let length = packet.bytes - self.srtp.profile().rtp_overhead();
        self.sent += 1;
        self.frame_start = packet.marker;
        self.frame += u32::from(packet.marker);
        self.srtp.protect_rtp(&mut self.buffer[..], length).expect("a fresh sequence number")
    }

    /// The payload descriptor that Chromium sends (RFC 7741 section 4.2: picture id of 15 bits,
    /// TL0PICIDX, TID), and at the start of a frame as much of its header as anybody reads.
    fn write_vp8(&mut self, at: usize) {
        let key_frame = self.frame.is_multiple_of(KEY_FRAME_EVERY);
        let start_bit = if self.frame_start { 0x10 } else { 0 };
        let [high, low] = ((self.frame & 0x7fff) as u16).to_be_bytes();
        let descriptor = [0x80 | start_bit, 0xe0, 0x80 | high, low, self.frame as u8, 0x20];
        self.buffer[at..at + 6].copy_from_slice(&descriptor);
        let key_header = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0xc0, 0x03, 0x1c, 0x02];
        let header: &[u8] = if key_frame { &key_header } else { &[0x11] };
        if self.frame_start {
            self.buffer[at + 6..at + 6 + header.len()].copy_from_slice(header);
        }
    }
}
