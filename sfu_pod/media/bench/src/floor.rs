//! What no forwarder can go below: sealing the bytes, and sending them.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rotunda_udp::{SendBatch, SocketOptions, UdpSocket};

use crate::cpu;
use crate::trace::Trace;

/// RTP header and the usual extensions, authenticated but not encrypted.
const HEADER_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// CPU microseconds to seal one packet of a trace with AES-128-GCM.
pub fn seal(trace: &Trace, duration: Duration) -> f64 {
    let key = UnboundKey::new(&AES_128_GCM, &[7; 16]).expect("16 bytes are a key");
    let key = LessSafeKey::new(key);
    let mut buffer = [0u8; 2048];
    let (mut packets, mut nonce) = (0u64, [0u8; 12]);
    let (start, begun) = (cpu::of_this_thread(), Instant::now());
    while begun.elapsed() < duration {
        for packet in &trace.packets {
            nonce[..8].copy_from_slice(&packets.to_be_bytes());
            let (header, body) = buffer[..packet.bytes - TAG_BYTES].split_at_mut(HEADER_BYTES);
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = key.seal_in_place_separate_tag(nonce, Aad::from(&*header), body);
            let _ = std::hint::black_box(tag.expect("small enough"));
            packets += 1;
        }
    }
    (cpu::of_this_thread() - start).as_secs_f64() * 1e6 / packets as f64
}

/// How a worker was seen to send.
#[derive(Debug, Clone, Copy)]
pub struct SendPattern {
    pub segmentation_offload: bool,
    /// Datagrams in a message; only with segmentation offload.
    pub mean_segments: f64,
    /// Datagrams in a system call.
    pub mean_batch: f64,
    /// Datagrams a second.
    pub rate: f64,
}

/// CPU microseconds to send one datagram of a trace's sizes in the same pattern, from the same
/// address to the same sockets, and nothing else.
pub fn send(
    trace: &Trace,
    pattern: SendPattern,
    from: SocketAddr,
    sinks: &[SocketAddr],
    duration: Duration,
) -> io::Result<f64> {
    let SendPattern { segmentation_offload, .. } = pattern;
    let options = SocketOptions { segmentation_offload, ..SocketOptions::default() };
    let mut socket = UdpSocket::bind(from, options)?;
    let mut batch = SendBatch::new(1 << 20);
    let mut runs = Runs { trace, sinks, mean: pattern.mean_segments, run: 0, sent: 0.0 };
    let (mut busy, mut sent) = (Duration::ZERO, 0u64);
    let begun = Instant::now();
    while begun.elapsed() < duration {
        let start = cpu::of_this_thread();
        let mut count = 0.0;
        while count < pattern.mean_batch {
            count += runs.push(&mut batch);
        }
        socket.send(&mut batch);
        busy += cpu::of_this_thread() - start;
        sent += count as u64;
        let due = begun + Duration::from_secs_f64(sent as f64 / pattern.rate);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(busy.as_secs_f64() * 1e6 / sent as f64)
}

/// Runs of datagrams of one size to one remote, whose mean length is as asked for.
struct Runs<'a> {
    trace: &'a Trace,
    sinks: &'a [SocketAddr],
    mean: f64,
    run: usize,
    sent: f64,
}

impl Runs<'_> {
    /// Pushes the next run; its length.
    fn push(&mut self, batch: &mut SendBatch) -> f64 {
        let remote = self.sinks[self.run % self.sinks.len()];
        let bytes = self.trace.packets[self.run % self.trace.packets.len()].bytes;
        self.run += 1;
        let length = (self.run as f64 * self.mean - self.sent).round().max(1.0);
        for _ in 0..length as usize {
            batch.push(remote, bytes, |_| Some(bytes));
        }
        self.sent += length;
        length
    }
}
