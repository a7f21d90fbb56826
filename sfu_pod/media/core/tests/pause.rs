//! Pausing: producer and consumer each for itself, and a key frame when pictures go on.

mod support;

use rotunda_media_core::Command;
use rotunda_media_core::Path;
use rotunda_media_core::event::Event;
use rotunda_media_core::id::{ConsumerId, ProducerId};
use support::Call;
use support::camera::Camera;

const SSRC: u32 = 20_000;

fn call() -> (Call, Path, Camera) {
    let mut call = Call::new(7);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_video(1, 10, 1);
    call.add_consumer(2, 20, 10);
    let mut camera = Camera::new(alice, 10, 5000, 1);
    camera.run(&mut call, 40);
    (call, bob, camera)
}

fn pause_producer(call: &mut Call, paused: bool) {
    call.command(Command::SetProducerPaused { producer: ProducerId(10), paused });
}

fn pause_consumer(call: &mut Call, paused: bool) {
    call.command(Command::SetConsumerPaused { consumer: ConsumerId(20), paused });
}

#[test]
fn a_resumed_consumer_goes_on_seamlessly_with_a_key_frame() {
    let (mut call, bob, mut camera) = call();
    let before = call.peer(bob).of(SSRC).len();
    pause_consumer(&mut call, true);
    camera.run(&mut call, 40);
    assert_eq!(call.peer(bob).of(SSRC).len(), before);
    pause_consumer(&mut call, false);
    camera.run(&mut call, 10);
    let got = call.peer(bob).of(SSRC);
    let first = &got[before];
    assert!(first.vp8().is_key_frame(&first.payload));
    assert_eq!(first.sequence, got[before - 1].sequence.wrapping_add(1));
    assert_eq!(got.len() - before, 10, "the key frame was asked for at once");
    let changes: Vec<bool> = call
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::LayersChanged { layers, .. } => Some(layers.is_some()),
            _ => None,
        })
        .collect();
    assert!(changes.ends_with(&[true, false, true]) || changes.ends_with(&[false, true, true]));
}

#[test]
fn both_pauses_have_to_end() {
    let (mut call, bob, mut camera) = call();
    let before = call.peer(bob).of(SSRC).len();
    pause_producer(&mut call, true);
    pause_consumer(&mut call, true);
    pause_producer(&mut call, false);
    camera.run(&mut call, 20);
    assert_eq!(call.peer(bob).of(SSRC).len(), before);
    pause_producer(&mut call, true);
    pause_consumer(&mut call, false);
    camera.run(&mut call, 20);
    assert_eq!(call.peer(bob).of(SSRC).len(), before);
    pause_producer(&mut call, false);
    camera.run(&mut call, 20);
    assert!(call.peer(bob).of(SSRC).len() > before);
}

#[test]
fn nothing_is_asked_of_a_paused_producer() {
    let (mut call, bob, mut camera) = call();
    pause_producer(&mut call, true);
    let asked = call.peer(camera.path).plis().len();
    for _ in 0..20 {
        let mut packets = camera.frame(&mut call);
        packets.truncate(packets.len() - 1);
        call.receive(packets);
        let pli = call.peer(bob).pli(SSRC);
        call.receive(vec![pli]);
        call.pass_ms(100);
    }
    assert_eq!(call.peer(camera.path).plis().len(), asked);
    assert_eq!(call.stats().producers[0].nacks_sent, 0);
}

#[test]
fn requests_of_a_viewer_are_throttled_and_passed_on() {
    let (mut call, bob, mut camera) = call();
    let made = camera.key_frames[0];
    for n in 0..30 {
        let request =
            if n % 2 == 0 { call.peer(bob).pli(SSRC) } else { call.peer(bob).fir(SSRC, n) };
        call.receive(vec![request]);
        camera.run(&mut call, 1);
    }
    let more = camera.key_frames[0] - made;
    assert!((2..=3).contains(&more), "{more} key frames in a second of requests");
    assert_eq!(call.stats().consumers[0].plis_received, 30);
}
