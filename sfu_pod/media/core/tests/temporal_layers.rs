//! Where the frame rate of a VP8 stream may rise: only at a frame that says so.

mod support;

use rotunda_media_core::id::ConsumerId;
use rotunda_media_core::{Command, Path};
use support::Call;
use support::source::Source;

const SSRC: u32 = 20_000;

/// Alice's encoder, whose temporal pattern each test writes down, and Bob.
struct Viewing {
    call: Call,
    alice: Path,
    bob: Path,
    source: Source,
}

impl Viewing {
    /// Bob wants the lowest frame rate, and has begun.
    fn at_the_lowest_rate() -> Self {
        let mut call = Call::new(41);
        let (alice, bob) = (call.join(1), call.join(2));
        call.add_video(1, 10, 1);
        call.add_consumer(2, 20, 10);
        let mut viewing = Self { call, alice, bob, source: Source::video(5000, 10, None) };
        viewing.prefer(0);
        viewing.frame(true, 0, true);
        viewing
    }

    fn prefer(&mut self, temporal: u8) {
        self.call.command(Command::SetPreferredLayers {
            consumer: ConsumerId(20),
            spatial: 0,
            temporal: Some(temporal),
        });
    }

    /// Sends a frame of one packet; returns whether Bob got it.
    fn frame(&mut self, key: bool, temporal: u8, sync: bool) -> bool {
        let source = &mut self.source;
        source.timestamp = source.timestamp.wrapping_add(3000);
        source.picture_id = (source.picture_id + 1) & 0x7fff;
        source.tl0 = source.tl0.wrapping_add(u8::from(temporal == 0));
        let [high, low] = source.picture_id.to_be_bytes();
        let layers = temporal << 6 | u8::from(sync) << 5;
        let payload = [0x90, 0xe0, 0x80 | high, low, source.tl0, layers, u8::from(!key), 0];
        let packet = source.packet(true, &payload, &[]);
        let before = self.call.peer(self.bob).of(SSRC).len();
        let packet = self.call.peer(self.alice).protect(packet);
        self.call.receive(vec![(self.alice, packet)]);
        self.call.pass_ms(33);
        self.call.peer(self.bob).of(SSRC).len() > before
    }
}

#[test]
fn a_higher_temporal_layer_begins_at_a_frame_with_the_sync_bit() {
    let mut viewing = Viewing::at_the_lowest_rate();
    assert!(!viewing.frame(false, 1, true), "not wanted yet");
    assert!(viewing.frame(false, 0, false));
    viewing.prefer(1);
    assert!(!viewing.frame(false, 1, false), "it depends on one that Bob was not sent");
    assert!(viewing.frame(false, 0, false));
    assert!(!viewing.frame(false, 1, false), "as above");
    assert!(viewing.frame(false, 0, false));
    assert!(viewing.frame(false, 1, true), "it depends on the base layer alone");
    assert!(viewing.frame(false, 0, false));
    assert!(viewing.frame(false, 1, false), "it may depend on the one before, which Bob has");
}

#[test]
fn one_step_up_does_not_bring_the_layer_above_without_its_own_sync_bit() {
    let mut viewing = Viewing::at_the_lowest_rate();
    viewing.prefer(2);
    assert!(!viewing.frame(false, 2, false));
    assert!(viewing.frame(false, 1, true));
    assert!(!viewing.frame(false, 2, false), "it depends on the layer 2 before it");
    assert!(viewing.frame(false, 0, false));
    assert!(viewing.frame(false, 2, true));
    assert!(viewing.frame(false, 1, false));
    assert!(viewing.frame(false, 2, false));
}

#[test]
fn a_key_frame_brings_all_temporal_layers_without_a_sync_bit() {
    let mut viewing = Viewing::at_the_lowest_rate();
    viewing.prefer(2);
    assert!(viewing.frame(true, 0, false));
    assert!(viewing.frame(false, 2, false));
    assert!(viewing.frame(false, 1, false));
}
