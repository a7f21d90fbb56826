//! What waits to be sent: nothing is lost by waiting, sound comes first, and what is forgotten
//! meanwhile is counted.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use rotunda_media_core::id::{ConsumerId, ProducerId, TransportId};
use rotunda_media_core::{Command, Config, Pacing, Path};
use support::Call;
use support::camera::Camera;
use support::peer::Got;
use support::source::Source;

const VIDEO: u32 = 20_000;
const RTX: u32 = 20_001;
const SOUND: u32 = 21_000;
const INTERVAL: Duration = Duration::from_millis(5);

/// Alice's camera and microphone go to Bob.
struct Scene {
    call: Call,
    bob: Path,
    camera: Camera,
    microphone: Source,
}

impl Scene {
    fn new(pacing: Option<Pacing>) -> Self {
        let mut call = Call::with(Config { seed: 91, pacing, ..Config::default() });
        let (alice, bob) = (call.join(1), call.join(2));
        call.add_video(1, 10, 1);
        call.add_audio(1, 11);
        call.add_consumer(2, 20, 10);
        call.add_consumer(2, 21, 11);
        let mut camera = Camera::new(alice, 10, 5000, 1);
        camera.sizes[0] = vec![1000; 10];
        Self { call, bob, camera, microphone: Source::audio(7000, 11) }
    }

    fn paced(bytes: usize) -> Self {
        Self::new(Some(Pacing { bytes, interval: INTERVAL }))
    }

    /// A picture and a sound arrive together, the picture first.
    fn arrive(&mut self) {
        let mut packets = self.camera.frame(&mut self.call);
        let sound = self.microphone.sound(40);
        packets.push((self.camera.path, self.call.peer(self.camera.path).protect(sound)));
        self.call.receive(packets);
    }

    fn got(&mut self) -> Vec<Got> {
        self.call.peer(self.bob).media.clone()
    }

    fn numbers(&mut self, ssrc: u32) -> Vec<u16> {
        self.call.peer(self.bob).of(ssrc).iter().map(|got| got.sequence).collect()
    }
}

/// SSRCs in the order in which their packets came.
fn order(got: &[Got]) -> Vec<u32> {
    got.iter().map(|got| got.ssrc).collect()
}

#[test]
fn without_pacing_everything_has_left_when_the_call_returns() {
    let mut scene = Scene::new(None);
    scene.arrive();
    assert_eq!(scene.got().len(), 11);
    let lost = scene.numbers(VIDEO)[3];
    let nack = scene.call.peer(scene.bob).nack(VIDEO, &[lost]);
    scene.call.receive(vec![nack]);
    assert_eq!(scene.numbers(RTX).len(), 1);
}

#[test]
fn sound_overtakes_pictures_that_are_held_back() {
    let mut scene = Scene::paced(3000);
    scene.arrive();
    let now = scene.call.now;
    assert_eq!(order(&scene.got()), [SOUND, VIDEO, VIDEO, VIDEO]);
    scene.call.pass_ms(30);
    let got = scene.got();
    assert_eq!(got.len(), 11);
    assert!(got.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert!(got.last().unwrap().at >= now + 2 * INTERVAL, "in three intervals");
}

#[test]
fn what_was_held_back_is_what_came() {
    let (mut paced, mut free) = (Scene::paced(2000), Scene::new(None));
    for _ in 0..20 {
        paced.arrive();
        free.arrive();
        paced.call.pass_ms(33);
        free.call.pass_ms(33);
    }
    let contents = |scene: &mut Scene| -> Vec<(u16, u32, bool, Vec<u8>)> {
        let of_video = scene.call.peer(scene.bob).of(VIDEO).into_iter();
        of_video.map(|got| (got.sequence, got.timestamp, got.marker, got.payload)).collect()
    };
    let (held, at_once) = (contents(&mut paced), contents(&mut free));
    assert_eq!(held.len(), 200);
    assert!(held == at_once, "order, numbers and payloads");
    let transport_numbers: Vec<u16> =
        paced.got().iter().map(|got| got.transport_sequence(5)).collect();
    assert!(transport_numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
    assert_eq!(paced.call.worker.counters().packets_unsent, 0);
}

#[test]
fn repairs_overtake_pictures_and_are_numbered_as_they_leave() {
    let mut scene = Scene::paced(3000);
    scene.arrive();
    scene.call.pass_ms(40);
    let before = scene.got().len();
    let lost: Vec<u16> = scene.numbers(VIDEO)[2..5].to_vec();
    scene.arrive();
    let nack = scene.call.peer(scene.bob).nack(VIDEO, &lost);
    scene.call.receive(vec![nack]);
    scene.call.pass_ms(40);
    let after = scene.got().split_off(before);
    let last_repair = order(&after).iter().rposition(|ssrc| *ssrc == RTX).unwrap();
    let last_picture = order(&after).iter().rposition(|ssrc| *ssrc == VIDEO).unwrap();
    assert!(last_repair < last_picture, "{:?}", order(&after));
    let numbers = scene.numbers(RTX);
    assert_eq!(numbers.len(), 3);
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
}

#[test]
fn who_waits_for_longer_than_the_history_lasts_is_not_sent_and_counted() {
    // One packet in a second: all others are too old when their turn comes.
    let pacing = Pacing { bytes: 1, interval: Duration::from_secs(1) };
    let mut scene = Scene::new(Some(pacing));
    scene.arrive();
    for _ in 0..12 {
        scene.call.pass_ms(1000);
    }
    let got = scene.got();
    assert_eq!(order(&got), [SOUND, VIDEO, VIDEO]);
    assert_eq!(scene.call.worker.counters().packets_unsent, 8);
}

#[test]
fn more_than_may_wait_is_not_sent_and_counted() {
    let pacing = Pacing { bytes: 1, interval: Duration::from_secs(1000) };
    let mut scene = Scene::new(Some(pacing));
    scene.camera.sizes[0] = vec![1000; 200];
    for _ in 0..40 {
        scene.arrive();
        scene.call.pass_ms(33);
    }
    let unsent = scene.call.worker.counters().packets_unsent;
    // 4 MiB of 8 MB.
    assert!((3500..5500).contains(&unsent), "{unsent} of {}", 40 * 201);
    assert_eq!(scene.got().len(), 1);
}

#[test]
fn what_waits_ends_with_its_consumer_producer_and_transport() {
    let slow = Pacing { bytes: 1, interval: Duration::from_millis(100) };
    let ends: [fn(&mut Scene); 3] = [
        |scene| scene.call.command(Command::RemoveConsumer { consumer: ConsumerId(20) }),
        |scene| scene.call.command(Command::RemoveProducer { producer: ProducerId(10) }),
        |scene| {
            scene.call.command(Command::RemoveTransport { transport: TransportId(2) });
            // One that takes its place gets nothing of it.
            scene.bob = scene.call.join(3);
        },
    ];
    for (end, expected) in ends.into_iter().zip([1, 1, 0]) {
        let mut scene = Scene::new(Some(slow));
        scene.arrive();
        end(&mut scene);
        // The sound that left before, and nothing else.
        scene.call.pass_ms(1000);
        assert_eq!(scene.got().len(), expected);
        assert!(scene.numbers(VIDEO).is_empty());
        assert_eq!(scene.call.worker.counters().packets_unsent, 0);
    }
}

#[test]
fn a_late_joiners_key_frame_waits_its_turn_as_well() {
    let mut scene = Scene::paced(3000);
    scene.arrive();
    scene.call.pass_ms(33);
    let carol = scene.call.join(3);
    scene.call.add_consumer(3, 30, 10);
    let at_once = scene.call.peer(carol).media.len();
    assert!((1..10).contains(&at_once), "{at_once} packets at once");
    scene.call.pass_ms(40);
    let got = scene.call.peer(carol).of(30_000);
    let numbers: BTreeSet<u16> = got.iter().map(|got| got.sequence).collect();
    assert_eq!((got.len(), numbers.len()), (10, 10));
    assert_eq!(got[0].payload[6..8], [0, 0], "from the first packet of the key frame on");
}
