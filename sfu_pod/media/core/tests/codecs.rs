//! What differs by codec and by what was negotiated.

mod support;

use rotunda_media_core::Path;
use rotunda_media_core::command::{Codec, EncodingParameters, ProducerParameters};
use support::peer::Told;
use support::source::Source;
use support::{Call, SINK_IDS, video_parameters};

fn video_of(codec: Codec) -> ProducerParameters {
    let mut parameters = video_parameters(10, 1);
    parameters.payloads[0].codec = codec;
    parameters.extensions.dependency_descriptor = Some(12);
    parameters
}

/// Alice sends `payloads` of one codec, and Bob gets those returned.
fn through(codec: Codec, payloads: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut call = Call::new(31);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_producer(1, 10, video_of(codec));
    call.add_consumer_with(2, 20, 10, |parameters| parameters.payloads = vec![(codec, 99, None)]);
    let mut source = Source::video(5000, 10, None);
    for payload in payloads {
        let packet = source.packet(true, payload, &[]);
        send(&mut call, alice, packet);
    }
    let got = call.peer(bob).of(20_000);
    assert!(got.iter().all(|got| got.payload_type == 99));
    got.into_iter().map(|got| got.payload).collect()
}

fn send(call: &mut Call, from: Path, packet: Vec<u8>) {
    let packet = call.peer(from).protect(packet);
    call.receive(vec![(from, packet)]);
    call.pass_ms(10);
}

#[test]
fn every_codec_starts_at_a_key_frame() {
    for (codec, delta, key) in [
        (Codec::H264, &[0x41, 0x9a, 1][..], &[0x67, 0x42, 2][..]),
        (Codec::Vp9, &[0xc8, 0x80, 1], &[0x88, 0x80, 2]),
        (Codec::Av1, &[0x10, 1], &[0x18, 2]),
    ] {
        let got = through(codec, &[delta, delta, key, delta]);
        assert_eq!(got, [key, delta], "{codec:?}");
    }
}

#[test]
fn a_payload_type_that_was_not_negotiated_goes_nowhere() {
    let mut call = Call::new(32);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_producer(1, 10, video_of(Codec::H264));
    call.add_consumer(2, 20, 10);
    let mut source = Source::video(5000, 10, None);
    source.payload_type = 35;
    send(&mut call, alice, source.packet(true, &[0x67, 1], &[]));
    source.payload_type = 96;
    send(&mut call, alice, source.packet(true, &[0x67, 1], &[]));
    assert!(call.peer(bob).media.is_empty(), "the consumer has no H.264");
    assert_eq!(call.stats().producers[0].packets_received, 1);
}

#[test]
fn extensions_of_a_picture_go_along_under_the_consumers_ids() {
    let mut call = Call::new(33);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_producer(1, 10, video_of(Codec::Av1));
    call.add_consumer_with(2, 20, 10, |parameters| {
        parameters.payloads = vec![(Codec::Av1, 99, Some(98))];
    });
    let mut source = Source::video(5000, 10, None);
    let structure: Vec<u8> = (0..80).collect();
    let packet = source.packet(true, &[0x18, 1], &[(12, &structure), (13, &[3])]);
    send(&mut call, alice, packet);
    let first = call.peer(bob).of(20_000).remove(0);
    let nack = call.peer(bob).nack(20_000, &[first.sequence]);
    call.receive(vec![nack]);
    let again = call.peer(bob).of(20_001).remove(0);
    for got in [first, again] {
        assert_eq!(got.extension(SINK_IDS.dependency_descriptor.unwrap()), Some(&structure[..]));
        assert_eq!(got.extension(SINK_IDS.video_orientation.unwrap()), Some(&[3][..]));
        assert_eq!(got.extension(SINK_IDS.mid.unwrap()), Some(&b"20"[..]));
        assert_eq!(got.extension(SINK_IDS.abs_send_time.unwrap()).map(<[u8]>::len), Some(3));
    }
}

#[test]
fn without_transport_wide_feedback_there_is_remb() {
    let mut call = Call::new(34);
    let alice = call.join(1);
    let mut parameters = video_parameters(10, 1);
    parameters.extensions.transport_cc = None;
    parameters.encodings =
        vec![EncodingParameters { rid: None, ssrc: Some(5000), rtx_ssrc: Some(5001) }];
    call.add_producer(1, 10, parameters);
    let mut source = Source::video(5000, 10, None);
    for _ in 0..300 {
        for packet in source.picture(false, &[800]) {
            send(&mut call, alice, packet);
        }
    }
    let limits: Vec<u64> = call
        .peer(alice)
        .told
        .iter()
        .filter_map(|(_, told)| match told {
            Told::Remb { bitrate, .. } => Some(*bitrate),
            _ => None,
        })
        .collect();
    assert!(limits.len() >= 2 && limits.is_sorted(), "{limits:?}");
    assert!(limits.iter().all(|limit| *limit >= 2_900_000), "{limits:?}");
    let fed_back = |told: &Told| matches!(told, Told::Feedback { .. });
    assert!(!call.peer(alice).told.iter().any(|(_, told)| fed_back(told)));
}

#[test]
fn reports_about_many_streams_fit_their_packets() {
    let mut call = Call::new(35);
    let (alice, bob) = (call.join(1), call.join(2));
    for n in 0..60 {
        call.add_audio(1, 100 + n);
        call.add_consumer_with(2, 200 + n, 100 + n, |parameters| {
            parameters.cname = "a name of some length, as people have them".into();
        });
        let packet = Source::audio(9000 + n as u32, 100 + n).sound(40);
        send(&mut call, alice, packet);
    }
    call.peer(bob).told.clear();
    call.pass_ms(1500);
    let largest = call.largest_datagram;
    assert!(largest <= 1200, "{largest}");
    let reported: std::collections::BTreeSet<u32> = call
        .peer(bob)
        .told
        .iter()
        .filter_map(|(_, told)| match told {
            Told::SenderReport { ssrc, .. } => Some(*ssrc),
            _ => None,
        })
        .collect();
    assert_eq!(reported.len(), 60);
    let told = &call.peer(alice).told;
    let blocks = told.iter().filter(|(_, told)| matches!(told, Told::ReceiverReport { .. }));
    assert!(blocks.count() >= 60);
}
