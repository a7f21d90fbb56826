//! Forwarding in its steady state takes no memory: not for a packet, and not for a batch.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use rotunda_media_core::id::TransportId;
use rotunda_media_core::{Output, Path, Received};
use support::Call;
use support::camera::Camera;
use support::source::Source;

thread_local! {
    // Each thread its own: the test harness allocates meanwhile.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed on to the system's allocator unchanged. `realloc` and `alloc_zeroed`
// come here by their provided forms, which call `alloc`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Packets are written into one buffer, and counted.
struct Sink {
    buffer: [u8; 4096],
    sent: usize,
}

impl Output for Sink {
    fn send(&mut self, _: Path, capacity: usize, write: impl FnOnce(&mut [u8]) -> Option<usize>) {
        self.sent += usize::from(write(&mut self.buffer[..capacity]).is_some());
    }

    fn dtls(&mut self, _: TransportId, _: &[u8]) {}
}

type Datagrams = Vec<(Path, Vec<u8>)>;

const SUBSCRIBERS: u64 = 5;
const FRAMES: usize = 240;
/// Of these, a second's: queues and lists grow to what they need.
const WARM_UP: usize = 40;

/// A simulcast camera and a voice to five subscribers, all of whom have begun; and what Alice sends
/// afterwards, a batch each 33 ms: three streams of one to five packets a frame, and sound.
fn call() -> (Call, Vec<Datagrams>) {
    let mut call = Call::new(51);
    let alice = call.join(1);
    call.add_video(1, 10, 3);
    call.add_audio(1, 11);
    for subscriber in 0..SUBSCRIBERS {
        call.join(2 + subscriber);
        call.add_consumer(2 + subscriber, 20 + subscriber, 10);
        call.add_consumer(2 + subscriber, 40 + subscriber, 11);
    }
    let mut camera = Camera::new(alice, 10, 5000, 3);
    let mut voice = Source::audio(7000, 11);
    voice.transport_sequence = 40_000;
    let mut batch = |call: &mut Call| {
        let mut packets = camera.frame(call);
        let sound = voice.sound(40);
        packets.push((alice, call.peer(alice).protect(sound)));
        packets
    };
    for _ in 0..60 {
        let packets = batch(&mut call);
        call.receive(packets);
        call.pass_ms(33);
    }
    let batches = (0..FRAMES).map(|_| batch(&mut call)).collect();
    (call, batches)
}

#[test]
fn a_batch_is_forwarded_without_allocation() {
    let (mut call, mut batches) = call();
    let mut sink = Sink { buffer: [0; 4096], sent: 0 };
    let mut now = call.now;
    let mut taken = Vec::with_capacity(FRAMES);
    for batch in &mut batches {
        let mut received: Vec<Received<'_>> =
            batch.iter_mut().map(|(path, data)| Received { path: *path, data }).collect();
        let before = ALLOCATIONS.get();
        call.worker.receive(now, &mut received, &mut sink);
        taken.push(ALLOCATIONS.get() - before);
        now += Duration::from_millis(33);
    }
    // The highest of the three streams has five packets a frame.
    assert!(sink.sent >= FRAMES * SUBSCRIBERS as usize * 6, "{} packets", sink.sent);
    let steady = &taken[WARM_UP..];
    assert!(steady.iter().all(|count| *count == 0), "allocations by batch: {steady:?}");
}
