//! A path that carries not even the lowest layer: video waits, sound goes on.

mod support;

use std::time::{Duration, Instant};

use rotunda_media_core::event::{Event, Layers};
use support::camera::Camera;
use support::viewing::{SOUND, VIDEO, Viewing};

/// Enough for the sound of about 21 kbit/s, not for a quarter of the frames of about 25 besides.
const SCARCE: u64 = 30_000;

/// Bob tells what his path bears. Alice's camera has encodings of about 100 and 400 kbit/s.
struct Narrow {
    viewing: Viewing,
    /// Another one of Alice's, where there is one.
    screen: Option<Camera>,
    changes: Vec<(Instant, Option<Layers>)>,
}

impl Narrow {
    fn new() -> Self {
        let mut viewing = Viewing::new(81, 2);
        viewing.camera.sizes = vec![vec![400], vec![830; 2]];
        Self { viewing, screen: None, changes: Vec::new() }
    }

    fn now(&self) -> Instant {
        self.viewing.call.now
    }

    /// Lets seconds pass; Bob tells each of them what his path bears, if he knows.
    fn run(&mut self, seconds: u64, bitrate: Option<u64>) {
        for frame in 0..seconds * 30 {
            let Viewing { call, camera, bob, .. } = &mut self.viewing;
            if frame % 150 == 0 {
                call.keep_alive();
            }
            if let Some(bitrate) = bitrate.filter(|_| frame % 30 == 0) {
                let remb = call.peer(*bob).remb(bitrate);
                call.receive(vec![remb]);
            }
            let mut packets = camera.frame(call);
            if let Some(screen) = &mut self.screen {
                packets.extend(screen.frame(call));
            }
            for event in self.viewing.frame(packets) {
                if let Event::LayersChanged { layers, .. } = event {
                    self.changes.push((self.viewing.call.now, layers));
                }
            }
        }
    }

    /// When video began to wait.
    fn waits(&self) -> Vec<Instant> {
        let none = self.changes.iter().filter(|(_, layers)| layers.is_none());
        none.map(|(at, _)| *at).collect()
    }

    fn pictures(&mut self, since: Instant) -> usize {
        self.viewing.got_since(since, VIDEO).len()
    }
}

#[test]
fn video_waits_before_sound_starves_and_comes_back_when_the_path_recovers() {
    let mut narrow = Narrow::new();
    narrow.run(5, Some(2_000_000));
    assert_eq!(narrow.waits(), []);
    narrow.run(4, Some(SCARCE));
    assert_eq!(narrow.waits().len(), 1);
    assert_eq!(narrow.changes.last().map(|(_, layers)| *layers), Some(None));
    let quiet = narrow.now();
    narrow.run(2, Some(SCARCE));
    assert_eq!(narrow.pictures(quiet), 0);

    narrow.run(10, Some(2_000_000));
    let highest = narrow.changes.last().and_then(|(_, layers)| *layers);
    assert_eq!(highest.map(|layers| layers.spatial), Some(1));
    let start = narrow.viewing.call.start;
    assert_eq!(narrow.viewing.got_since(start, SOUND).len(), narrow.viewing.sounds);
}

#[test]
fn it_is_tried_again_less_and_less_often_but_at_least_twice_a_minute() {
    let mut narrow = Narrow::new();
    narrow.run(5, Some(2_000_000));
    narrow.run(200, Some(SCARCE));
    let waits = narrow.waits();
    let gaps: Vec<u64> = waits.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    // Looked at each second, so one more or less.
    assert!(gaps.len() >= 6 && gaps[0] <= 9 && gaps[..4].is_sorted(), "{gaps:?}");
    assert!(gaps[3..].iter().all(|gap| (30..36).contains(gap)), "{gaps:?}");
    // Long after trouble it is as at first.
    narrow.run(60, Some(2_000_000));
    let before = narrow.waits().len();
    narrow.run(20, Some(SCARCE));
    let again = narrow.waits().split_off(before);
    assert!(again[1] - again[0] < Duration::from_secs(9), "{again:?}");
}

#[test]
fn a_short_shortage_is_none() {
    let mut narrow = Narrow::new();
    narrow.run(5, Some(2_000_000));
    for _ in 0..5 {
        narrow.run(1, Some(SCARCE));
        narrow.run(3, Some(2_000_000));
    }
    assert_eq!(narrow.waits(), []);
}

#[test]
fn where_no_limit_is_known_any_more_nothing_waits() {
    let mut narrow = Narrow::new();
    narrow.run(5, Some(2_000_000));
    narrow.run(4, Some(SCARCE));
    assert_eq!(narrow.waits().len(), 1);
    let quiet = narrow.now();
    // Bob falls silent, and his last word is too old to believe.
    narrow.run(7, None);
    assert!(narrow.pictures(quiet) > 0);
    assert_eq!(narrow.waits().len(), 1);
}

#[test]
fn where_some_fits_the_rest_alone_waits() {
    let mut narrow = Narrow::new();
    narrow.viewing.call.add_video(1, 12, 1);
    narrow.viewing.call.add_consumer(2, 22, 12);
    let mut screen = Camera::new(narrow.viewing.camera.path, 12, 9000, 1);
    screen.sizes = vec![vec![400]];
    narrow.screen = Some(screen);
    narrow.run(5, Some(2_000_000));
    narrow.run(5, Some(55_000));
    let start = narrow.now();
    narrow.run(2, Some(55_000));
    assert!(narrow.pictures(start) > 0, "the camera");
    assert_eq!(narrow.viewing.got_since(start, 22_000).len(), 0, "the screen");
}
