//! A viewer begins with the first packet of a key picture, whichever of its packets comes first.

mod support;

use rotunda_media_core::command::{Codec, EncodingParameters, ProducerParameters};
use rotunda_media_core::id::ConsumerId;
use rotunda_media_core::{Command, Path};
use support::peer::Got;
use support::source::Source;
use support::{Call, video_parameters};

const SSRC: u32 = 20_000;

/// NAL units, a byte to tell which one behind each.
const SPS: &[u8] = &[0x67, 1];
const PPS: &[u8] = &[0x68, 2];
const IDR: &[u8] = &[0x65, 0x88, 3];
const IDR_LATER: &[u8] = &[0x65, 0x40, 4];
const IDR_FRAGMENT: &[u8] = &[0x7c, 0x85, 0x40, 5];
const SLICE: &[u8] = &[0x41, 0x9a, 6];
const DELIMITER: &[u8] = &[0x09, 0x10, 7];

fn parameters(codec: Codec, encodings: u32) -> ProducerParameters {
    let mut parameters = video_parameters(10, 1);
    parameters.payloads[0].codec = codec;
    parameters.encodings = (0..encodings)
        .map(|n| EncodingParameters {
            rid: None,
            ssrc: Some(5000 + 2 * n),
            rtx_ssrc: Some(5001 + 2 * n),
        })
        .collect();
    parameters
}

struct Pair {
    call: Call,
    alice: Path,
    bob: Path,
    codec: Codec,
    source: Source,
}

impl Pair {
    fn new(codec: Codec, encodings: u32) -> Self {
        let mut call = Call::new(61);
        let (alice, bob) = (call.join(1), call.join(2));
        call.add_producer(1, 10, parameters(codec, encodings));
        let mut pair = Self { call, alice, bob, codec, source: Source::video(5000, 10, None) };
        pair.add_viewer(2, 20);
        pair
    }

    fn add_viewer(&mut self, transport: u64, consumer: u64) {
        let codec = self.codec;
        self.call.add_consumer_with(transport, consumer, 10, |parameters| {
            parameters.payloads = vec![(codec, 99, Some(98))];
        });
    }

    /// One picture, a packet for each payload.
    fn picture(&mut self, payloads: &[&[u8]]) -> Vec<Vec<u8>> {
        picture(&mut self.source, payloads)
    }

    fn send(&mut self, packets: &[Vec<u8>]) {
        for packet in packets {
            let packet = self.call.peer(self.alice).protect(packet.clone());
            self.call.receive(vec![(self.alice, packet)]);
            self.call.pass_ms(5);
        }
    }

    /// What Bob plays: payloads by number, as far as there is no gap.
    fn played(&mut self) -> Vec<Vec<u8>> {
        played(self.call.peer(self.bob).of(SSRC))
    }
}

fn picture(source: &mut Source, payloads: &[&[u8]]) -> Vec<Vec<u8>> {
    source.timestamp = source.timestamp.wrapping_add(3000);
    let last = payloads.len() - 1;
    payloads.iter().enumerate().map(|(n, p)| source.packet(n == last, p, &[])).collect()
}

fn played(mut got: Vec<Got>) -> Vec<Vec<u8>> {
    got.sort_by_key(|got| got.sequence);
    let gapless = got.windows(2).take_while(|p| p[1].sequence == p[0].sequence.wrapping_add(1));
    let count = gapless.count() + usize::from(!got.is_empty());
    got.into_iter().take(count).map(|got| got.payload).collect()
}

#[test]
fn a_key_picture_whose_parameter_sets_come_late_is_begun_with_them() {
    let mut pair = Pair::new(Codec::H264, 1);
    let before = pair.picture(&[SLICE]);
    pair.send(&before);
    let key = pair.picture(&[SPS, PPS, IDR, IDR_LATER]);
    let after = pair.picture(&[SLICE]);
    pair.send(&key[1..]);
    pair.send(&after);
    assert_eq!(pair.played(), Vec::<Vec<u8>>::new());
    let repair = pair.source.repair(5001, 1, &key[0]);
    pair.send(&[repair]);
    assert_eq!(pair.played(), [SPS, PPS, IDR, IDR_LATER, SLICE]);
}

#[test]
fn what_the_budget_of_the_past_did_not_reach_for_is_there_for_a_nack() {
    let mut pair = Pair::new(Codec::H264, 1);
    let large = [SLICE, &[7; 1100]].concat();
    let mut first = pair.picture(&[SPS, IDR]);
    first.extend((0..50).flat_map(|_| pair.picture(&[&large])));
    pair.send(&first);
    let sent: Vec<u16> = pair.call.peer(pair.bob).of(SSRC).iter().map(|got| got.sequence).collect();
    let mut before = usize::MAX;
    while before != pair.call.peer(pair.bob).media.len() {
        before = pair.call.peer(pair.bob).media.len();
        let nack = pair.call.peer(pair.bob).nack(SSRC, &sent[..]);
        pair.call.receive(vec![nack]);
        pair.call.pass_ms(100);
    }
    let consumer = ConsumerId(20);
    pair.call.command(Command::SetConsumerPaused { consumer, paused: true });
    pair.call.command(Command::SetConsumerPaused { consumer, paused: false });
    let key = pair.picture(&[SPS, PPS, &[IDR, &[8; 1100]].concat()]);
    pair.send(&key[1..]);
    pair.send(&[pair.source.repair(5001, 1, &key[0])]);
    let got = pair.call.peer(pair.bob).of(SSRC);
    assert_eq!(got.last().unwrap().payload, PPS, "the budget reaches for no more");
    let after: Vec<_> = (0..9).flat_map(|_| pair.picture(&[&large])).collect();
    pair.send(&after);
    let number = got.last().unwrap().sequence;
    let nack = pair.call.peer(pair.bob).nack(SSRC, &[number + 1]);
    pair.call.receive(vec![nack]);
    let got = pair.played();
    let at = got.iter().rposition(|payload| payload == PPS).unwrap();
    assert_eq!(got[at + 1][..4], [0x65, 0x88, 3, 8]);
    assert_eq!(got.len(), at + 2 + after.len());
}

#[test]
fn no_key_frame_counts_as_come_before_its_first_packet() {
    let mut pair = Pair::new(Codec::H264, 1);
    // So that it is known that parameter sets come between the pictures.
    let key = pair.picture(&[SPS, PPS, IDR]);
    pair.send(&key);
    let carol = pair.call.join(3);
    pair.call.pass_ms(1500);
    let asked = pair.call.peer(pair.alice).plis().len();
    pair.add_viewer(3, 30);
    let key = pair.picture(&[SPS, PPS, IDR, IDR_FRAGMENT]);
    pair.send(&key[2..]);
    pair.call.pass_ms(1200);
    assert!(pair.call.peer(carol).media.is_empty());
    assert_eq!(pair.call.peer(pair.alice).plis().len(), asked + 3, "asked for until it is there");
    let key = pair.picture(&[SPS, PPS, IDR]);
    pair.send(&key);
    assert_eq!(played(pair.call.peer(carol).of(30_000)), [SPS, PPS, IDR]);
}

#[test]
fn a_viewer_who_comes_in_the_middle_of_a_key_picture_begins_at_its_front() {
    let mut pair = Pair::new(Codec::H264, 1);
    let before = pair.picture(&[SLICE]);
    pair.send(&before);
    // Parameter sets by signaling alone, and a delimiter before each picture.
    let key = pair.picture(&[DELIMITER, IDR, IDR_FRAGMENT, IDR_LATER]);
    pair.send(&key);
    assert_eq!(pair.played(), [DELIMITER, IDR, IDR_FRAGMENT, IDR_LATER]);
}

#[test]
fn a_source_without_parameter_sets_is_begun_at_the_first_slice() {
    let mut pair = Pair::new(Codec::H264, 1);
    let key = pair.picture(&[IDR, IDR_LATER, SLICE]);
    pair.send(&key[1..]);
    assert_eq!(pair.played(), Vec::<Vec<u8>>::new());
    let key = pair.picture(&[IDR, IDR_LATER]);
    pair.send(&key);
    assert_eq!(pair.played(), [IDR, IDR_LATER]);
}

#[test]
fn a_layer_switch_begins_with_the_first_packet_too() {
    let mut pair = Pair::new(Codec::H264, 2);
    let mut upper = Source::video(5002, 10, None);
    upper.sequence = 300;
    let prefer =
        |spatial| Command::SetPreferredLayers { consumer: ConsumerId(20), spatial, temporal: None };
    pair.call.command(prefer(0));
    let key = pair.picture(&[SPS, IDR]);
    pair.send(&key);
    let before = picture(&mut upper, &[SPS, IDR]);
    pair.send(&before);
    assert_eq!(pair.played(), [SPS, IDR]);
    pair.call.command(prefer(1));
    let key = picture(&mut upper, &[SPS, PPS, IDR, IDR_LATER]);
    pair.send(&key[2..]);
    assert_eq!(pair.played(), [SPS, IDR]);
    pair.send(&[upper.repair(5003, 1, &key[1]), upper.repair(5003, 2, &key[0])]);
    assert_eq!(pair.played(), [SPS, IDR, SPS, PPS, IDR, IDR_LATER]);
}

#[test]
fn an_upper_spatial_layer_of_a_vp9_key_picture_is_no_beginning() {
    let mut pair = Pair::new(Codec::Vp9, 1);
    let (lower, upper): (&[u8], &[u8]) = (&[0xa8, 0x05, 0x00, 1], &[0xa8, 0x05, 0x03, 2]);
    let key = pair.picture(&[lower, upper]);
    pair.send(&key[1..]);
    assert_eq!(pair.played(), Vec::<Vec<u8>>::new());
    pair.send(&[pair.source.repair(5001, 1, &key[0])]);
    let key = pair.picture(&[lower, upper]);
    pair.send(&key);
    assert_eq!(pair.played(), [lower, upper]);
}
