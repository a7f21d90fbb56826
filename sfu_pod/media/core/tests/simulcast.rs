//! Layer choice: what a consumer gets is one clean stream, whatever it is made of.

mod support;

use rotunda_media_core::event::{Event, Layers};
use rotunda_media_core::id::{ConsumerId, TransportId};
use rotunda_media_core::{Command, Path};
use support::Call;
use support::camera::Camera;
use support::peer::Got;

const SSRC: u32 = 20_000;

fn call() -> (Call, Path, Camera) {
    let mut call = Call::new(3);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_video(1, 10, 3);
    (call, bob, Camera::new(alice, 10, 5000, 3))
}

fn prefer(call: &mut Call, spatial: u8, temporal: Option<u8>) {
    let consumer = ConsumerId(20);
    call.command(Command::SetPreferredLayers { consumer, spatial, temporal });
}

/// Which layer a packet is of: sources fill payloads with the low byte of their SSRC.
fn layer(got: &Got) -> u8 {
    got.payload[got.payload.len() - 1] - (5000u32 as u8)
}

fn layers_of(got: &[Got]) -> Vec<u8> {
    let mut layers: Vec<u8> = got.iter().map(layer).collect();
    layers.dedup();
    layers
}

/// One stream without a seam: sequence numbers without gaps, every frame's timestamp, picture id and
/// tl0picidx right after the one before, and a key frame at every change of layer.
fn assert_seamless(got: &[Got]) {
    for (n, pair) in got.windows(2).enumerate() {
        let (before, after) = (&pair[0], &pair[1]);
        let (old, new) = (before.vp8(), after.vp8());
        assert_eq!(after.sequence, before.sequence.wrapping_add(1), "packet {n}");
        let (old_id, new_id) = (old.picture_id.unwrap().value(), new.picture_id.unwrap().value());
        if !new.is_frame_start() {
            assert_eq!((after.timestamp, new_id), (before.timestamp, old_id), "packet {n}");
            assert_eq!(layer(after), layer(before), "packet {n}");
            continue;
        }
        assert_eq!(new_id, (old_id + 1) & 0x7fff, "packet {n}");
        let step = after.timestamp.wrapping_sub(before.timestamp);
        assert!((1..100_000).contains(&step), "packet {n}: timestamp step {step}");
        let base = new.temporal.unwrap().index == 0;
        let expected = old.tl0_picture_index.unwrap().wrapping_add(u8::from(base));
        assert_eq!(new.tl0_picture_index, Some(expected), "packet {n}");
        if layer(after) != layer(before) {
            assert!(new.is_key_frame(&after.payload), "packet {n}: changed without a key frame");
        }
    }
}

#[test]
fn the_highest_layer_is_sent_and_a_switch_waits_for_its_key_frame() {
    let (mut call, bob, mut camera) = call();
    call.add_consumer(2, 20, 10);
    camera.run(&mut call, 30);
    assert_eq!(call.peer(bob).of(SSRC).last().map(layer), Some(2));
    prefer(&mut call, 0, None);
    camera.run(&mut call, 30);
    assert_eq!(call.peer(bob).of(SSRC).last().map(layer), Some(0));
    prefer(&mut call, 1, None);
    camera.run(&mut call, 30);
    let got = call.peer(bob).of(SSRC);
    assert_seamless(&got);
    let layers = layers_of(&got);
    assert!(layers.ends_with(&[2, 0, 1]), "{layers:?}");
    let told: Vec<_> = call
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::LayersChanged { layers, .. } => layers.map(|layers| layers.spatial),
            _ => None,
        })
        .collect();
    assert!(told.ends_with(&[2, 0, 1]), "{told:?}");
    assert_eq!(call.stats().consumers[0].layers, Some(Layers { spatial: 1, temporal: 2 }));
}

#[test]
fn a_late_joiner_starts_with_a_key_frame_within_two_frames() {
    let (mut call, bob, mut camera) = call();
    camera.run(&mut call, 60);
    call.add_consumer(2, 20, 10);
    let made = camera.key_frames.clone();
    camera.run(&mut call, 2);
    assert_eq!(camera.key_frames, made.iter().map(|n| n + 1).collect::<Vec<_>>());
    let got = call.peer(bob).of(SSRC);
    assert!(got[0].vp8().is_key_frame(&got[0].payload));
    assert_seamless(&got);
}

#[test]
fn a_fresh_key_frame_serves_the_next_joiner_from_the_history() {
    let (mut call, bob, mut camera) = call();
    call.add_consumer(2, 20, 10);
    camera.run(&mut call, 10);
    let carol = call.join(3);
    let made = camera.key_frames.clone();
    let so_far = call.peer(bob).of(SSRC).len();
    call.add_consumer(3, 30, 10);
    let replayed = call.peer(carol).of(30_000);
    assert_eq!(replayed.len(), so_far, "all since the key frame, before anything new came");
    camera.run(&mut call, 10);
    let got = call.peer(carol).of(30_000);
    assert!(got[0].vp8().is_key_frame(&got[0].payload));
    assert!(got.len() > replayed.len());
    assert_seamless(&got);
    assert_eq!(camera.key_frames, made, "nobody was asked for another one");
}

#[test]
fn the_key_frame_that_a_resume_asked_for_waits_for_the_keys() {
    let (mut call, _, mut camera) = call();
    camera.run(&mut call, 60);
    let (carol, keys) = call.join_without_keys(3);
    call.add_consumer(3, 30, 10);
    camera.run(&mut call, 5);
    assert_eq!(call.peer(carol).of(30_000).len(), 0);
    let made = camera.key_frames.clone();
    call.command(Command::SetSrtp { transport: TransportId(3), keys });
    let got = call.peer(carol).of(30_000);
    assert!(got[0].vp8().is_key_frame(&got[0].payload));
    camera.run(&mut call, 5);
    assert_seamless(&call.peer(carol).of(30_000));
    assert_eq!(camera.key_frames, made);
}

#[test]
fn more_than_a_path_takes_at_once_is_not_replayed() {
    let (mut call, _, mut camera) = call();
    camera.sizes = vec![vec![1100; 20]; 3];
    camera.run(&mut call, 10);
    let carol = call.join(3);
    let made = camera.key_frames[2];
    call.add_consumer(3, 30, 10);
    assert_eq!(call.peer(carol).of(30_000).len(), 0);
    call.pass_ms(500);
    camera.run(&mut call, 2);
    assert_eq!(camera.key_frames[2], made + 1);
    assert_seamless(&call.peer(carol).of(30_000));
}

#[test]
fn joiners_in_a_row_share_throttled_key_frames_and_none_is_forgotten() {
    let (mut call, _, mut camera) = call();
    camera.run(&mut call, 30);
    let before = camera.key_frames[0];
    let mut paths = Vec::new();
    for n in 0..20 {
        paths.push(call.join(100 + n));
        call.add_consumer(100 + n, 100 + n, 10);
        camera.run(&mut call, 3);
    }
    camera.run(&mut call, 20);
    let made = camera.key_frames[0] - before;
    assert!((2..=6).contains(&made), "{made} key frames in 2.6 s");
    for (path, ssrc) in paths.into_iter().zip((100_000..).step_by(1000)) {
        assert!(call.peer(path).of(ssrc).len() > 20, "consumer {ssrc}");
    }
}

#[test]
fn a_temporal_layer_less_leaves_no_trace() {
    let (mut call, bob, mut camera) = call();
    call.add_consumer(2, 20, 10);
    prefer(&mut call, 2, Some(1));
    camera.run(&mut call, 40);
    let frames = |got: &[Got]| got.iter().filter(|got| got.vp8().is_frame_start()).count();
    let half = call.peer(bob).of(SSRC);
    assert_seamless(&half[half.len() / 2..]);
    let highest = half[10..].iter().map(|got| got.vp8().temporal.unwrap().index).max();
    assert_eq!(highest, Some(1));
    assert!((19..=22).contains(&frames(&half)), "{} of 40 frames", frames(&half));
    let key_frames = camera.key_frames.clone();
    prefer(&mut call, 2, None);
    camera.run(&mut call, 40);
    let got = call.peer(bob).of(SSRC);
    assert_seamless(&got);
    let more = frames(&got) - frames(&half);
    assert!((36..=40).contains(&more), "{more} of 40 frames");
    assert_eq!(camera.key_frames, key_frames, "temporal layers come back without a key frame");
}

#[test]
fn a_layer_that_dies_is_left_and_taken_up_again() {
    let (mut call, bob, mut camera) = call();
    call.add_consumer(2, 20, 10);
    camera.run(&mut call, 30);
    camera.off = vec![2];
    camera.run(&mut call, 60);
    assert_eq!(call.peer(bob).of(SSRC).last().map(layer), Some(1));
    let stalled = call.peer(bob).of(SSRC).windows(2).map(|pair| pair[1].at - pair[0].at).max();
    assert!(stalled.unwrap().as_millis() < 800, "{stalled:?}");
    camera.off.clear();
    camera.run(&mut call, 60);
    let got = call.peer(bob).of(SSRC);
    assert_eq!(got.last().map(layer), Some(2));
    assert_seamless(&got);
}

#[test]
fn a_small_remb_lowers_the_layer_and_a_large_one_raises_it() {
    let (mut call, bob, mut camera) = call();
    call.add_consumer(2, 20, 10);
    camera.run(&mut call, 60);
    for (bitrate, expected) in [(60_000, 0), (50_000_000, 2)] {
        for _ in 0..6 {
            let remb = call.peer(bob).remb(bitrate);
            call.receive(vec![remb]);
            camera.run(&mut call, 15);
        }
        assert_eq!(call.peer(bob).of(SSRC).last().map(layer), Some(expected));
    }
    assert_seamless(&call.peer(bob).of(SSRC));
}

#[test]
fn packets_of_nearly_equal_size_are_padded_to_fit_one_gso_message() {
    let (mut call, bob, mut camera) = call();
    camera.sizes[2] = vec![1000, 1001, 1001, 1002, 700];
    call.add_consumer(2, 20, 10);
    camera.run(&mut call, 10);
    let got = call.peer(bob).of(SSRC);
    // The key frame that Bob begins with, and the last frame.
    for frame in [&got[..5], &got[got.len() - 5..]] {
        let sizes: Vec<usize> = frame.iter().map(|got| got.payload.len()).collect();
        assert_eq!(sizes, [1000, 1001, 1001, 1002, 700]);
        let padding: Vec<usize> = frame.iter().map(|got| got.padding).collect();
        assert_eq!(padding, [2, 1, 1, 0, 0]);
        let first = frame[0].datagram_len;
        assert!(frame[..4].iter().all(|got| got.datagram_len == first));
    }
    assert!(call.worker.counters().padding_bytes > 0);
}
