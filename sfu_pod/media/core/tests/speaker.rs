//! Who speaks, from the levels that the senders declare.

mod support;

use rotunda_media_core::Command;
use rotunda_media_core::event::Event;
use rotunda_media_core::id::ProducerId;
use support::source::Source;
use support::{Call, ROUTER};

/// A room of people with microphones, each named by its producer.
struct Room {
    call: Call,
    people: Vec<(rotunda_media_core::Path, Source)>,
}

impl Room {
    fn new(count: u64) -> Self {
        let mut call = Call::new(9);
        let people = (1..=count)
            .map(|n| {
                let path = call.join(n);
                call.add_audio(n, n);
                (path, Source::audio(n as u32 * 100, n))
            })
            .collect();
        Self { call, people }
    }

    /// Everyone sends for so long at these levels; returns who spoke, as it changed.
    fn hear(&mut self, ms: u64, levels: &[u8]) -> Vec<Option<u64>> {
        for _ in 0..ms / 20 {
            for ((path, source), level) in self.people.iter_mut().zip(levels) {
                let packet = source.sound(*level);
                let packet = self.call.peer(*path).protect(packet);
                self.call.receive(vec![(*path, packet)]);
            }
            self.call.pass_ms(20);
        }
        self.changes()
    }

    fn changes(&mut self) -> Vec<Option<u64>> {
        let change = |event| match event {
            Event::ActiveSpeaker { router: ROUTER, producer } => Some(producer.map(|id| id.0)),
            _ => None,
        };
        self.call.take_events().into_iter().filter_map(change).collect()
    }
}

#[test]
fn the_speaker_follows_the_voice_and_silence_is_nobody() {
    let mut room = Room::new(3);
    assert_eq!(room.hear(1000, &[127, 127, 127]), []);
    assert_eq!(room.hear(1000, &[20, 127, 127]), [Some(1)]);
    assert_eq!(room.hear(2000, &[127, 25, 127]), [Some(2)]);
    assert_eq!(room.hear(1500, &[127, 127, 127]), [], "a pause for breath");
    assert_eq!(room.hear(3000, &[127, 127, 127]), [None]);
}

#[test]
fn a_cough_does_not_take_the_floor() {
    let mut room = Room::new(2);
    room.hear(2000, &[25, 127]);
    assert_eq!(room.hear(200, &[25, 10]), []);
    assert_eq!(room.hear(2000, &[25, 127]), []);
    assert_eq!(room.hear(2000, &[25, 24]), [], "hardly louder");
}

#[test]
fn noise_is_not_speech() {
    assert_eq!(Room::new(2).hear(3000, &[60, 70]), []);
}

#[test]
fn the_paused_and_the_gone_do_not_speak() {
    let mut room = Room::new(2);
    assert_eq!(room.hear(1000, &[20, 127]), [Some(1)]);
    room.call.command(Command::SetProducerPaused { producer: ProducerId(1), paused: true });
    assert_eq!(room.hear(1000, &[20, 127]), [None]);
    assert_eq!(room.hear(1000, &[20, 20]), [Some(2)]);
    room.call.command(Command::RemoveProducer { producer: ProducerId(2) });
    room.call.pass_ms(500);
    assert_eq!(room.changes(), [None]);
}
