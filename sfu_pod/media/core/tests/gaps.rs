//! A number of a source that is never sent leaves no gap at a viewer, or one that gets filled.

mod support;

use std::collections::BTreeSet;

use rotunda_media_core::command::{
    Codec, EncodingParameters, MediaKind, PayloadMapping, ProducerParameters,
};
use rotunda_media_core::id::ConsumerId;
use rotunda_media_core::{Command, Path};
use support::camera::Camera;
use support::peer::Got;
use support::source::Source;
use support::{Call, SOURCE_IDS};

const SSRC: u32 = 20_000;
const RTX: u32 = 20_001;
const SOURCE: u32 = 5000;
const SOURCE_RTX: u32 = 5001;

fn payload(codec: Codec, payload_type: u8, nack: bool) -> PayloadMapping {
    let rtx_payload_type = nack.then_some(payload_type + 1);
    PayloadMapping { codec, clock_rate: 90_000, payload_type, rtx_payload_type, nack }
}

/// Alice sends H.264 (payload type 96), without RTX and NACK unless `nack`; Bob has RTX if `rtx`.
struct Pair {
    call: Call,
    alice: Path,
    bob: Path,
    source: Source,
    pictures: u8,
}

impl Pair {
    fn new(nack: bool, rtx: bool) -> Self {
        let mut call = Call::new(51);
        let (alice, bob) = (call.join(1), call.join(2));
        let encoding = EncodingParameters {
            rid: None,
            ssrc: Some(SOURCE),
            rtx_ssrc: nack.then_some(SOURCE_RTX),
        };
        call.add_producer(
            1,
            10,
            ProducerParameters {
                kind: MediaKind::Video,
                mid: Some("m10".into()),
                payloads: vec![payload(Codec::H264, 96, nack), payload(Codec::Vp8, 99, false)],
                extensions: SOURCE_IDS,
                encodings: vec![encoding],
                cname: String::new(),
            },
        );
        let source = Source::video(SOURCE, 10, None);
        let mut pair = Self { call, alice, bob, source, pictures: 0 };
        pair.add_viewer(2, 20, rtx);
        pair
    }

    fn add_viewer(&mut self, transport: u64, consumer: u64, rtx: bool) {
        self.call.add_consumer_with(transport, consumer, 10, |parameters| {
            parameters.payloads = vec![(Codec::H264, 99, rtx.then_some(98))];
            parameters.rtx_ssrc = parameters.rtx_ssrc.filter(|_| rtx);
        });
    }

    /// A picture in two packets, which say which one it is; the first one is a key picture.
    fn picture(&mut self) -> [Vec<u8>; 2] {
        self.source.timestamp = self.source.timestamp.wrapping_add(3000);
        self.pictures += 1;
        let nal = if self.pictures == 1 { 0x67 } else { 0x41 };
        [0, 1].map(|n| self.source.packet(n == 1, &[nal, self.pictures, n], &[]))
    }

    fn key_picture(&mut self) -> [Vec<u8>; 2] {
        self.source.timestamp = self.source.timestamp.wrapping_add(3000);
        self.pictures += 1;
        [0, 1].map(|n| self.source.packet(n == 1, &[0x67, self.pictures, n], &[]))
    }

    fn send(&mut self, packets: impl IntoIterator<Item = Vec<u8>>) {
        let peer = self.call.peers.get_mut(&self.alice).unwrap();
        let packets = packets.into_iter().map(|packet| (self.alice, peer.protect(packet)));
        let batch = packets.collect();
        self.call.receive(batch);
        self.call.pass_ms(10);
    }

    fn bob(&mut self) -> Vec<Got> {
        self.call.peer(self.bob).of(SSRC)
    }

    fn nack(&mut self, numbers: &[u16]) {
        let nack = self.call.peer(self.bob).nack(SSRC, numbers);
        self.call.receive(vec![nack]);
    }
}

/// Numbers relative to the first, and of those the ones with a payload.
fn numbers(got: &[Got]) -> (BTreeSet<u16>, BTreeSet<u16>) {
    let first = got[0].sequence;
    let number = |got: &Got| got.sequence.wrapping_sub(first);
    let media = got.iter().filter(|got| !got.payload.is_empty()).map(number).collect();
    (got.iter().map(number).collect(), media)
}

fn pictures(got: &[Got]) -> Vec<(u8, u8)> {
    got.iter()
        .filter(|got| !got.payload.is_empty())
        .map(|got| (got.payload[1], got.payload[2]))
        .collect()
}

#[test]
fn padding_between_pictures_leaves_no_gap() {
    let mut pair = Pair::new(false, true);
    for _ in 0..200 {
        let picture = pair.picture();
        let padding = [200, 1, 255].map(|len| pair.source.padding(len));
        pair.send(picture.into_iter().chain(padding));
    }
    let got = pair.bob();
    assert_eq!(got.len(), 400);
    assert!(got.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
    assert_eq!(pair.call.stats().producers[0].packets_received, 400);
}

#[test]
fn a_newcomer_who_starts_in_the_past_gets_no_gap_for_padding_either() {
    let mut pair = Pair::new(false, true);
    for _ in 0..10 {
        let picture = pair.picture();
        let padding = pair.source.padding(9);
        pair.send(picture.into_iter().chain([padding]));
    }
    let carol = pair.call.join(3);
    pair.add_viewer(3, 30, true);
    let picture = pair.picture();
    pair.send(picture);
    let got = pair.call.peer(carol).of(30_000);
    assert_eq!(got.len(), 22);
    assert!(got.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
}

#[test]
fn padding_that_comes_late_fills_its_place() {
    let mut pair = Pair::new(false, false);
    let picture = pair.picture();
    pair.send(picture);
    let late = pair.source.padding(100);
    let also_late = pair.source.padding(100);
    let picture = pair.picture();
    pair.send(picture);
    let extra = pair.source.padding(100);
    pair.send([extra]);
    pair.send([also_late]);
    pair.send([late]);
    let picture = pair.picture();
    pair.send(picture);
    let got = pair.bob();
    let (all, media) = numbers(&got);
    assert_eq!(all, (0..8).collect(), "the one in time closed up, the late ones were filled");
    assert_eq!(media, [0, 1, 4, 5, 6, 7].into());
    assert!(got.iter().all(|got| got.payload.is_empty() == (got.padding > 0)));
}

#[test]
fn padding_that_was_lost_and_is_sent_again_fills_its_place() {
    let mut pair = Pair::new(true, true);
    let picture = pair.picture();
    pair.send(picture);
    let lost = pair.source.padding(100);
    let picture = pair.picture();
    pair.send(picture);
    let repair = pair.source.repair(SOURCE_RTX, 1, &lost);
    pair.send([repair]);
    let got = pair.bob();
    assert_eq!(numbers(&got).0, (0..5).collect());
    // The filler itself gets lost: over RTX there is nothing but the number that it is for.
    let filler = got.iter().find(|got| got.payload.is_empty()).unwrap().sequence;
    pair.nack(&[filler]);
    let again = pair.call.peer(pair.bob).of(RTX);
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].payload_type, &again[0].payload[..]), (98, &filler.to_be_bytes()[..]));
}

#[test]
fn payload_types_that_a_viewer_does_not_get_leave_no_gap() {
    let mut pair = Pair::new(false, true);
    for _ in 0..20 {
        let picture = pair.picture();
        pair.source.payload_type = 99;
        let other_codec = pair.source.packet(true, &[0x10, 0, 0, 0], &[]);
        pair.source.payload_type = 35;
        let unknown = pair.source.packet(true, &[0x10, 0, 0, 0], &[]);
        pair.source.payload_type = 96;
        pair.send(picture.into_iter().chain([other_codec, unknown]));
    }
    let got = pair.bob();
    assert_eq!(got.len(), 40);
    assert!(got.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
}

#[test]
fn an_unknown_payload_type_on_another_ssrc_is_not_the_source() {
    let mut pair = Pair::new(false, true);
    let picture = pair.picture();
    pair.send(picture);
    let mut correction = Source::video(7777, 10, None);
    (correction.payload_type, correction.sequence) = (35, 100);
    for _ in 0..4 {
        let packet = correction.packet(false, &[1, 2, 3], &[]);
        pair.send([packet]);
        let picture = pair.picture();
        pair.send(picture);
    }
    assert_eq!(numbers(&pair.bob()).0, (0..10).collect());
}

#[test]
fn what_was_lost_for_good_is_filled_once_a_key_picture_came() {
    for rtx in [false, true] {
        let mut pair = Pair::new(false, rtx);
        let picture = pair.picture();
        pair.send(picture);
        let [_lost, second] = pair.picture();
        pair.send([second]);
        let first = pair.bob()[0].sequence;
        pair.nack(&[first.wrapping_add(2)]);
        assert_eq!(pair.bob().len(), 3, "it may still come");
        let picture = pair.key_picture();
        pair.send(picture);
        let before_first = first.wrapping_sub(1);
        let not_yet = first.wrapping_add(6);
        for _ in 0..3 {
            pair.nack(&[before_first, first.wrapping_add(2), not_yet]);
            pair.call.pass_ms(200);
        }
        let got = pair.bob();
        assert_eq!(numbers(&got), ((0..6).collect(), [0, 1, 3, 4, 5].into()));
        assert_eq!(got.len(), 6);
        let again = pair.call.peer(pair.bob).of(RTX);
        assert_eq!(again.len(), if rtx { 2 } else { 0 }, "the filler was asked for again");
    }
}

#[test]
fn what_is_still_asked_for_is_not_filled_and_no_number_is_used_twice() {
    let mut pair = Pair::new(true, true);
    let picture = pair.picture();
    pair.send(picture);
    let [lost, second] = pair.picture();
    pair.send([second]);
    let picture = pair.key_picture();
    pair.send(picture);
    let number = pair.bob()[0].sequence.wrapping_add(2);
    pair.nack(&[number]);
    assert_eq!(pair.bob().len(), 5, "nothing yet");
    let repair = pair.source.repair(SOURCE_RTX, 1, &lost);
    pair.send([repair]);
    pair.send([lost]);
    let got = pair.bob();
    assert_eq!(numbers(&got).1, (0..6).collect());
    assert_eq!(pictures(&got)[5], (2, 0));
}

#[test]
fn packets_of_a_layer_that_a_viewer_does_not_get_leave_no_gap_when_they_come_late() {
    let mut call = Call::new(52);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_video(1, 10, 1);
    call.add_consumer(2, 20, 10);
    call.command(Command::SetPreferredLayers {
        consumer: ConsumerId(20),
        spatial: 0,
        temporal: Some(0),
    });
    let mut camera = Camera::new(alice, 10, SOURCE, 1);
    camera.sizes[0] = vec![300; 3];
    camera.run(&mut call, 5);
    for n in 0..60usize {
        let mut packets = camera.frame(&mut call);
        // Of every second picture one packet, or all of it, is lost at first.
        match n % 8 {
            1 => drop(packets.remove(0)),
            3 => packets.clear(),
            5 => drop(packets.remove(2)),
            _ => {}
        }
        call.receive(packets);
        call.pass_ms(16);
        let repairs = camera.repairs(&mut call);
        call.receive(repairs);
        call.pass_ms(17);
    }
    camera.run(&mut call, 1);
    let repairs = camera.repairs(&mut call);
    call.receive(repairs);
    let got = call.peer(bob).of(SSRC);
    let (all, _) = numbers(&got);
    assert_eq!(all, (0..all.len() as u16).collect());
    let media: Vec<&Got> = got.iter().filter(|got| !got.payload.is_empty()).collect();
    assert!(media[15..].iter().all(|got| got.vp8().temporal.unwrap().index == 0));
    assert!(got.len() > media.len(), "some had to be filled");
}

#[test]
fn what_is_left_of_an_encoding_is_filled_after_the_switch() {
    let mut call = Call::new(53);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_video(1, 10, 2);
    call.add_consumer(2, 20, 10);
    let mut camera = Camera::new(alice, 10, SOURCE, 2);
    camera.answers_nacks = false;
    camera.run(&mut call, 30);
    let mut packets = camera.frame(&mut call);
    assert_eq!(packets.len(), 4, "one of the lower encoding, three of the upper");
    packets.remove(2);
    call.receive(packets);
    let preferred =
        Command::SetPreferredLayers { consumer: ConsumerId(20), spatial: 0, temporal: None };
    call.command(preferred);
    camera.run(&mut call, 3);
    let got = call.peer(bob).of(SSRC);
    let (all, _) = numbers(&got);
    let gaps: Vec<u16> = (0..*all.last().unwrap()).filter(|n| !all.contains(n)).collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    let nack = call.peer(bob).nack(SSRC, &[got[0].sequence.wrapping_add(gaps[0])]);
    call.receive(vec![nack]);
    let (all, _) = numbers(&call.peer(bob).of(SSRC));
    assert_eq!(all, (0..all.len() as u16).collect());
}

#[test]
fn without_a_path_nothing_is_counted() {
    let mut pair = Pair::new(false, true);
    let picture = pair.picture();
    pair.send(picture);
    pair.call.close_path(pair.bob);
    for _ in 0..100 {
        let picture = pair.picture();
        pair.send(picture);
    }
    let check = pair.call.peer(pair.bob).check(true);
    pair.call.receive(vec![(pair.bob, check)]);
    let picture = pair.picture();
    pair.send(picture);
    assert_eq!(pair.bob().len(), 2, "what goes on depends on what was missed");
    let picture = pair.key_picture();
    pair.send(picture);
    assert_eq!(numbers(&pair.bob()).0, (0..4).collect());
}
