//! Alice, who sends a camera and a microphone, and Bob, who gets both.

use std::time::Instant;

use rotunda_media_core::Path;
use rotunda_media_core::event::Event;

use super::Call;
use super::camera::Camera;
use super::peer::Got;
use super::source::Source;

/// SSRCs of what Bob gets.
pub const VIDEO: u32 = 20_000;
pub const SOUND: u32 = 21_000;

pub struct Viewing {
    pub call: Call,
    pub bob: Path,
    pub camera: Camera,
    microphone: Source,
    /// Packets of the microphone so far.
    pub sounds: usize,
}

impl Viewing {
    pub fn new(seed: u64, layers: usize) -> Self {
        let mut call = Call::new(seed);
        let (alice, bob) = (call.join(1), call.join(2));
        call.add_video(1, 10, layers);
        call.add_audio(1, 11);
        call.add_consumer(2, 20, 10);
        call.add_consumer(2, 21, 11);
        let camera = Camera::new(alice, 10, 5000, layers);
        let mut microphone = Source::audio(7000, 11);
        // Of the camera's numbers, which its feedback counts, none is taken twice.
        microphone.transport_sequence = 40_000;
        Self { call, bob, camera, microphone, sounds: 0 }
    }

    /// Alice's packets arrive with a sound of hers, and 33 ms pass; what was told meanwhile.
    pub fn frame(&mut self, mut packets: Vec<(Path, Vec<u8>)>) -> Vec<Event> {
        let sound = self.microphone.sound(40);
        self.sounds += 1;
        let alice = self.camera.path;
        packets.push((alice, self.call.peer(alice).protect(sound)));
        self.call.receive(packets);
        self.call.pass_ms(33);
        self.call.take_events()
    }

    /// What Bob got under an SSRC since then.
    pub fn got_since(&mut self, since: Instant, ssrc: u32) -> Vec<Got> {
        let mut got = self.call.peer(self.bob).of(ssrc);
        got.retain(|got| got.at >= since);
        got
    }
}
