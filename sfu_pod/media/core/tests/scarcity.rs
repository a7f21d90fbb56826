//! A path that carries not even the lowest layer: video waits, sound goes on.

mod support;

use std::time::{Duration, Instant};

use rotunda_media_core::Path;
use rotunda_media_core::event::{Event, Layers};
use support::Call;
use support::camera::Camera;
use support::source::Source;

const VIDEO: u32 = 20_000;
const SOUND: u32 = 21_000;
/// Enough for the sound of about 21 kbit/s, not for a quarter of the frames of about 25 besides.
const SCARCE: u64 = 30_000;

/// Bob gets Alice's camera, of about 100 and 400 kbit/s, and her microphone.
struct Viewing {
    call: Call,
    bob: Path,
    camera: Camera,
    /// Another one of Alice's, where there is one.
    screen: Option<Camera>,
    microphone: Source,
    sounds: usize,
    changes: Vec<(Instant, Option<Layers>)>,
}

impl Viewing {
    fn new() -> Self {
        let mut call = Call::new(81);
        let (alice, bob) = (call.join(1), call.join(2));
        call.add_video(1, 10, 2);
        call.add_audio(1, 11);
        call.add_consumer(2, 20, 10);
        call.add_consumer(2, 21, 11);
        let mut camera = Camera::new(alice, 10, 5000, 2);
        camera.sizes = vec![vec![400], vec![830; 2]];
        let microphone = Source::audio(7000, 11);
        Self { call, bob, camera, screen: None, microphone, sounds: 0, changes: Vec::new() }
    }

    /// Lets seconds pass; Bob tells each of them what his path bears, if he knows.
    fn run(&mut self, seconds: u64, bitrate: Option<u64>) {
        for frame in 0..seconds * 30 {
            let call = &mut self.call;
            if frame % 150 == 0 {
                call.keep_alive();
            }
            if let Some(bitrate) = bitrate.filter(|_| frame % 30 == 0) {
                let remb = call.peer(self.bob).remb(bitrate);
                call.receive(vec![remb]);
            }
            let mut packets = self.camera.frame(call);
            if let Some(screen) = &mut self.screen {
                packets.extend(screen.frame(call));
            }
            let sound = self.microphone.sound(40);
            self.sounds += 1;
            packets.push((self.camera.path, call.peer(self.camera.path).protect(sound)));
            call.receive(packets);
            call.pass_ms(33);
            let now = call.now;
            self.changes.extend(call.take_events().into_iter().filter_map(|event| match event {
                Event::LayersChanged { layers, .. } => Some((now, layers)),
                _ => None,
            }));
        }
    }

    /// When video began to wait.
    fn waits(&self) -> Vec<Instant> {
        let none = self.changes.iter().filter(|(_, layers)| layers.is_none());
        none.map(|(at, _)| *at).collect()
    }

    fn pictures(&mut self, since: Instant) -> usize {
        let got = self.call.peer(self.bob).of(VIDEO);
        got.iter().filter(|got| got.at >= since).count()
    }
}

#[test]
fn video_waits_before_sound_starves_and_comes_back_when_the_path_recovers() {
    let mut viewing = Viewing::new();
    viewing.run(5, Some(2_000_000));
    assert_eq!(viewing.waits(), []);
    viewing.run(4, Some(SCARCE));
    assert_eq!(viewing.waits().len(), 1);
    assert_eq!(viewing.changes.last().map(|(_, layers)| *layers), Some(None));
    let quiet = viewing.call.now;
    viewing.run(2, Some(SCARCE));
    assert_eq!(viewing.pictures(quiet), 0);

    viewing.run(10, Some(2_000_000));
    let highest = viewing.changes.last().and_then(|(_, layers)| *layers);
    assert_eq!(highest.map(|layers| layers.spatial), Some(1));
    let sounds = viewing.sounds;
    assert_eq!(viewing.call.peer(viewing.bob).of(SOUND).len(), sounds);
}

#[test]
fn it_is_tried_again_less_and_less_often_but_at_least_twice_a_minute() {
    let mut viewing = Viewing::new();
    viewing.run(5, Some(2_000_000));
    viewing.run(200, Some(SCARCE));
    let waits = viewing.waits();
    let gaps: Vec<u64> = waits.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    // Looked at each second, so one more or less.
    assert!(gaps.len() >= 6 && gaps[0] <= 9 && gaps[..4].is_sorted(), "{gaps:?}");
    assert!(gaps[3..].iter().all(|gap| (30..36).contains(gap)), "{gaps:?}");
    // Long after trouble it is as at first.
    viewing.run(60, Some(2_000_000));
    let before = viewing.waits().len();
    viewing.run(20, Some(SCARCE));
    let again = viewing.waits().split_off(before);
    assert!(again[1] - again[0] < Duration::from_secs(9), "{again:?}");
}

#[test]
fn a_short_shortage_is_none() {
    let mut viewing = Viewing::new();
    viewing.run(5, Some(2_000_000));
    for _ in 0..5 {
        viewing.run(1, Some(SCARCE));
        viewing.run(3, Some(2_000_000));
    }
    assert_eq!(viewing.waits(), []);
}

#[test]
fn where_no_limit_is_known_any_more_nothing_waits() {
    let mut viewing = Viewing::new();
    viewing.run(5, Some(2_000_000));
    viewing.run(4, Some(SCARCE));
    assert_eq!(viewing.waits().len(), 1);
    let quiet = viewing.call.now;
    // Bob falls silent, and his last word is too old to believe.
    viewing.run(7, None);
    assert!(viewing.pictures(quiet) > 0);
    assert_eq!(viewing.waits().len(), 1);
}

#[test]
fn where_some_fits_the_rest_alone_waits() {
    let mut viewing = Viewing::new();
    viewing.call.add_video(1, 12, 1);
    viewing.call.add_consumer(2, 22, 12);
    let mut screen = Camera::new(viewing.camera.path, 12, 9000, 1);
    screen.sizes = vec![vec![400]];
    viewing.screen = Some(screen);
    viewing.run(5, Some(2_000_000));
    viewing.run(5, Some(55_000));
    let start = viewing.call.now;
    viewing.run(2, Some(55_000));
    assert!(viewing.pictures(start) > 0, "the camera");
    let got = viewing.call.peer(viewing.bob).of(22_000);
    assert_eq!(got.iter().filter(|got| got.at >= start).count(), 0, "the screen");
}
