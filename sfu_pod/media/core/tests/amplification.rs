//! What one viewer does costs others little: neither bytes of the past nor key frames for nothing.

mod support;

use rotunda_media_core::id::ConsumerId;
use rotunda_media_core::{Command, Path};
use support::Call;
use support::camera::Camera;

const SSRC: u32 = 20_000;
/// What a transport may be sent of the past before it was sent anything.
const NEWCOMER: usize = 128 * 1024;

fn call(cameras: u64) -> (Call, Path, Vec<Camera>) {
    let mut call = Call::new(71);
    let bob = call.join(2);
    let cameras = (0..cameras)
        .map(|n| {
            let path = call.join(100 + n);
            call.add_video(100 + n, 10 + n, 1);
            let mut camera = Camera::new(path, 10 + n, 5000, 1);
            camera.sizes[0] = vec![1000; 6];
            camera
        })
        .collect();
    (call, bob, cameras)
}

fn pause(call: &mut Call, consumer: u64, paused: bool) {
    call.command(Command::SetConsumerPaused { consumer: ConsumerId(consumer), paused });
}

fn bytes(call: &mut Call, path: Path) -> usize {
    call.peer(path).media.iter().map(|got| got.datagram_len).sum()
}

/// A second of pictures during which `act` is called 90 times; bytes sent to Bob.
fn second(
    call: &mut Call,
    bob: Path,
    camera: &mut Camera,
    mut act: impl FnMut(&mut Call),
) -> usize {
    let before = bytes(call, bob);
    for _ in 0..30 {
        for _ in 0..3 {
            act(call);
            call.pass_ms(11);
        }
        let packets = camera.frame(call);
        call.receive(packets);
    }
    bytes(call, bob) - before
}

#[test]
fn pausing_and_resuming_is_answered_with_little_of_the_past() {
    let (mut call, bob, mut cameras) = call(1);
    call.add_consumer(2, 20, 10);
    let quiet = second(&mut call, bob, &mut cameras[0], |_| {});
    for _ in 0..5 {
        let busy = second(&mut call, bob, &mut cameras[0], |call| {
            pause(call, 20, true);
            pause(call, 20, false);
        });
        assert!(busy <= quiet * 3 / 2 + NEWCOMER, "{busy} bytes for {quiet} of media");
    }
    let total = bytes(&mut call, bob);
    assert!(total <= 6 * quiet * 3 / 2 + NEWCOMER, "{total} bytes for {} of media", 6 * quiet);
    // Whoever stops doing so sees pictures again.
    let calm = second(&mut call, bob, &mut cameras[0], |_| {});
    let calm = calm + second(&mut call, bob, &mut cameras[0], |_| {});
    let calm = calm + second(&mut call, bob, &mut cameras[0], |_| {});
    assert!(calm >= quiet, "{calm} bytes in three seconds, {quiet} in a quiet one");
}

#[test]
fn consuming_and_closing_is_answered_with_little_of_the_past() {
    let (mut call, bob, mut cameras) = call(1);
    call.add_consumer(2, 20, 10);
    let quiet = second(&mut call, bob, &mut cameras[0], |_| {});
    let mut consumer = 20;
    let mut total = 0;
    for _ in 0..5 {
        total += second(&mut call, bob, &mut cameras[0], |call| {
            call.command(Command::RemoveConsumer { consumer: ConsumerId(consumer) });
            consumer += 1;
            call.add_consumer(2, consumer, 10);
        });
    }
    assert!(total <= 5 * quiet * 3 / 2 + NEWCOMER, "{total} bytes for {} of media", 5 * quiet);
}

/// Twenty seconds of pictures; key frames that each camera made in them.
fn key_frames(
    call: &mut Call,
    cameras: &mut [Camera],
    mut act: impl FnMut(&mut Call),
) -> Vec<usize> {
    let before: Vec<usize> = cameras.iter().map(|camera| camera.key_frames[0]).collect();
    for n in 0..600 {
        for camera in cameras.iter_mut() {
            let packets = camera.frame(call);
            call.receive(packets);
        }
        act(call);
        call.pass_ms(33);
        if n % 100 == 0 {
            call.keep_alive();
        }
    }
    cameras.iter().zip(before).map(|(camera, before)| camera.key_frames[0] - before).collect()
}

#[test]
fn a_viewer_who_asks_without_end_gets_a_key_frame_every_other_second() {
    let (mut call, bob, mut cameras) = call(3);
    for n in 0..3 {
        call.add_consumer(2, 20 + n, 10 + n);
    }
    let carol = call.join(3);
    call.add_consumer(3, 30, 10);
    let mut number = 0;
    let made = key_frames(&mut call, &mut cameras, |call| {
        for n in 0..3 {
            let request = call.peer(bob).fir(SSRC + 1000 * n, number);
            call.receive(vec![request]);
        }
        number = number.wrapping_add(1);
    });
    assert!(made.iter().all(|made| (10..=15).contains(made)), "{made:?} in 20 s");
    // That is this viewer's own limit: another one's wish is served at once.
    let before = call.peer(cameras[0].path).plis().len();
    let request = call.peer(carol).pli(30_000);
    call.receive(vec![request]);
    call.pass_ms(500);
    assert!(call.peer(cameras[0].path).plis().len() > before);
}

#[test]
fn neither_pausing_nor_consuming_anew_asks_more_often() {
    let (mut call, _, mut cameras) = call(1);
    call.add_consumer(2, 20, 10);
    let made = key_frames(&mut call, &mut cameras, |call| {
        pause(call, 20, true);
        pause(call, 20, false);
    });
    assert!((9..=15).contains(&made[0]), "{made:?} in 20 s");
    let mut consumer = 20;
    let made = key_frames(&mut call, &mut cameras, |call| {
        call.command(Command::RemoveConsumer { consumer: ConsumerId(consumer) });
        consumer += 1;
        call.add_consumer(2, consumer, 10);
    });
    assert!((9..=12).contains(&made[0]), "{made:?} in 20 s");
}

#[test]
fn a_wish_beyond_the_allowance_is_served_later() {
    let (mut call, bob, mut cameras) = call(1);
    call.add_consumer(2, 20, 10);
    let mut number = 0;
    key_frames(&mut call, &mut cameras, |call| {
        let request = call.peer(bob).fir(SSRC, number);
        call.receive(vec![request]);
        number = number.wrapping_add(1);
    });
    let before = cameras[0].key_frames[0];
    for _ in 0..100 {
        let packets = cameras[0].frame(&mut call);
        call.receive(packets);
        call.pass_ms(33);
    }
    assert_eq!(cameras[0].key_frames[0], before + 1, "the last wish, once");
}
