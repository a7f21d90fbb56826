//! A narrow path gets fewer layers, found by the peer's transport-wide feedback.

mod support;

use std::time::{Duration, Instant};

use rotunda_media_core::Path;
use rotunda_media_core::event::Event;
use rotunda_packet::rtcp::write_transport_feedback;
use support::camera::Camera;
use support::peer::Got;
use support::{Call, SINK_IDS};

const SSRC: u32 = 20_000;
const FRAME: Duration = Duration::from_millis(33);

/// The way to Bob: a bottleneck with a queue, endless at first, and Bob's feedback about what came through.
struct Narrow {
    bob: Path,
    bits_per_second: f64,
    free_at: Instant,
    on_the_way: Vec<(u16, Instant)>,
    seen: usize,
    longest_queue: Duration,
    /// What would wait longer is lost.
    patience: Duration,
}

impl Narrow {
    fn new(call: &Call, bob: Path, bits_per_second: f64) -> Self {
        Self {
            bob,
            bits_per_second,
            free_at: call.now,
            on_the_way: Vec::new(),
            seen: 0,
            longest_queue: Duration::ZERO,
            patience: Duration::MAX,
        }
    }

    fn run(&mut self, call: &mut Call, camera: &mut Camera, seconds: u64) {
        for frame in 0..seconds * 30 {
            if frame % 150 == 0 {
                call.keep_alive();
            }
            let packets = camera.frame(call);
            call.receive(packets);
            call.pass(FRAME);
            self.carry(call);
            if frame % 3 == 0 {
                self.feed_back(call);
            }
        }
    }

    fn carry(&mut self, call: &mut Call) {
        let id = SINK_IDS.transport_cc.unwrap();
        for got in call.peer(self.bob).media.iter().skip(self.seen) {
            let wire =
                Duration::from_secs_f64(got.datagram_len as f64 * 8.0 / self.bits_per_second);
            if self.free_at.saturating_duration_since(got.at) > self.patience {
                continue;
            }
            self.free_at = self.free_at.max(got.at) + wire;
            self.longest_queue = self.longest_queue.max(self.free_at - got.at);
            self.on_the_way.push((got.transport_sequence(id), self.free_at));
        }
        self.seen = call.peer(self.bob).media.len();
    }

    fn feed_back(&mut self, call: &mut Call) {
        let (now, start) = (call.now, call.start);
        let arrived: Vec<(u16, u32)> = self
            .on_the_way
            .extract_if(.., |(_, at)| *at <= now)
            .map(|(sequence, at)| (sequence, ((at - start).as_micros() / 250) as u32))
            .collect();
        if !arrived.is_empty() {
            let packet = call.peer(self.bob).rtcp(|out| {
                write_transport_feedback(out, 1, SSRC, 0, &arrived);
            });
            call.receive(vec![packet]);
        }
    }
}

fn layer(got: &Got) -> u8 {
    got.payload[got.payload.len() - 1] - (5000u32 as u8)
}

/// A camera of about 100, 400 and 1,600 kbit/s.
fn call() -> (Call, Path, Camera) {
    let mut call = Call::new(41);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_video(1, 10, 3);
    call.add_consumer(2, 20, 10);
    let mut camera = Camera::new(alice, 10, 5000, 3);
    camera.sizes = vec![vec![400], vec![830; 2], vec![950; 7]];
    (call, bob, camera)
}

/// Changes of layer in `got`, and the share of its frames that are of the highest.
fn summary(got: &[Got]) -> (usize, f64) {
    let frames: Vec<u8> = got.iter().filter(|got| got.marker).map(layer).collect();
    let highest = frames.iter().filter(|layer| **layer == 2).count();
    let changes = frames.windows(2).filter(|pair| pair[0] != pair[1]).count();
    (changes, highest as f64 / frames.len() as f64)
}

#[test]
fn layers_follow_the_path_and_do_not_flap() {
    let (mut call, bob, mut camera) = call();
    let mut path = Narrow::new(&call, bob, 700_000.0);
    path.run(&mut call, &mut camera, 5);
    let start = call.peer(bob).of(SSRC).len();
    path.run(&mut call, &mut camera, 25);
    let (changes, highest) = summary(&call.peer(bob).of(SSRC)[start..]);
    assert!(highest < 0.1, "{highest} of the frames were of a layer that does not fit");
    assert!(changes <= 6, "{changes} changes in 25 s");
    assert!(path.longest_queue < Duration::from_secs(3), "{:?}", path.longest_queue);
    path.bits_per_second = 10e6;
    path.run(&mut call, &mut camera, 20);
    assert_eq!(call.peer(bob).of(SSRC).last().map(layer), Some(2));
}

#[test]
fn video_waits_where_the_path_carries_none_and_comes_back_by_itself() {
    let (mut call, bob, mut camera) = call();
    camera.sizes[0] = vec![1000];
    let mut path = Narrow::new(&call, bob, 10e6);
    path.run(&mut call, &mut camera, 3);
    path.patience = Duration::from_secs(1);
    // Not even a quarter of the lowest layer's frames.
    path.bits_per_second = 40_000.0;
    path.run(&mut call, &mut camera, 60);
    let layers = |event: &Event| matches!(event, Event::LayersChanged { layers: None, .. });
    let waits = call.take_events().iter().filter(|event| layers(event)).count();
    assert!((2..=5).contains(&waits), "{waits}");
    let carried = call.peer(bob).media.len();
    path.bits_per_second = 10e6;
    // Without sound nothing comes of which the estimate could grow until it is tried again.
    path.run(&mut call, &mut camera, 40);
    assert!(call.peer(bob).media.len() > carried);
    assert!(call.now - call.peer(bob).of(SSRC).last().unwrap().at < Duration::from_secs(1));
    path.run(&mut call, &mut camera, 50);
    assert_eq!(call.peer(bob).of(SSRC).last().map(layer), Some(2));
}

#[test]
fn a_wide_path_is_never_lowered() {
    let (mut call, bob, mut camera) = call();
    let mut path = Narrow::new(&call, bob, 20e6);
    path.run(&mut call, &mut camera, 20);
    let mut layers: Vec<u8> = call.peer(bob).of(SSRC).iter().map(layer).collect();
    layers.dedup();
    assert_eq!(layers.last(), Some(&2));
    assert!(layers.len() <= 3, "{layers:?}");
    assert_eq!(call.stats().transports[1].available_outgoing_bitrate, None);
}
