//! Commands that make no sense are answered, by name, and change nothing.

mod support;

use rotunda_media_core::Command;
use rotunda_media_core::command::{EncodingParameters, IceCredentials, SrtpKeys};
use rotunda_media_core::event::Event;
use rotunda_media_core::id::{ConsumerId, ProducerId, TransportId};
use rotunda_packet::srtp::SrtpProfile;
use support::{Call, audio_parameters, video_parameters};

fn failure(call: &mut Call) -> String {
    match call.take_events().pop() {
        Some(Event::CommandFailed { message }) => message,
        other => panic!("expected a failure, got {other:?}"),
    }
}

#[test]
fn unknown_ids_are_named() {
    let mut call = Call::new(51);
    let (transport, producer, consumer) = (TransportId(7), ProducerId(8), ConsumerId(9));
    let commands = [
        (Command::RemoveTransport { transport }, "no transport 7"),
        (Command::SetMaxIncomingBitrate { transport, bits_per_second: 1 }, "no transport 7"),
        (Command::SendDtls { transport, datagram: vec![22] }, "no transport 7"),
        (Command::RemoveProducer { producer }, "no producer 8"),
        (Command::SetProducerPaused { producer, paused: true }, "no producer 8"),
        (Command::RemoveConsumer { consumer }, "no consumer 9"),
        (Command::SetConsumerPaused { consumer, paused: false }, "no consumer 9"),
        (Command::RequestKeyFrame { consumer }, "no consumer 9"),
        (Command::SetPreferredLayers { consumer, spatial: 1, temporal: None }, "no consumer 9"),
    ];
    for (command, expected) in commands {
        call.command(command);
        assert_eq!(failure(&mut call), expected);
    }
    call.add_audio(7, 8);
    assert_eq!(failure(&mut call), "no transport 7");
    call.join(1);
    call.add_consumer(1, 9, 8);
    assert_eq!(failure(&mut call), "no producer 8");
}

#[test]
fn what_exists_is_not_made_twice() {
    let mut call = Call::new(52);
    call.join(1);
    let ice = IceCredentials { ufrag: "ufrag1".into(), password: "another password".into() };
    call.command(Command::AddTransport { transport: TransportId(1), ice: ice.clone() });
    assert_eq!(failure(&mut call), "add transport: 1 exists already");
    call.command(Command::AddTransport { transport: TransportId(2), ice });
    assert_eq!(failure(&mut call), "username fragment \"ufrag1\" is empty or in use");
    call.add_audio(1, 10);
    call.add_audio(1, 10);
    assert_eq!(failure(&mut call), "add producer: 10 exists already");
    call.add_producer(1, 11, audio_parameters(10));
    assert_eq!(failure(&mut call), "add producer 11: MID \"m10\" is in use");
    call.add_consumer(1, 20, 10);
    call.add_consumer(1, 20, 10);
    assert_eq!(failure(&mut call), "add consumer: 20 exists already");
    call.add_consumer_with(1, 21, 10, |parameters| parameters.rtx_ssrc = Some(20_001));
    assert_eq!(failure(&mut call), "add consumer 21: SSRC 20001 is in use");
    let stats = call.stats();
    assert_eq!((stats.transports.len(), stats.producers.len(), stats.consumers.len()), (1, 1, 1));
}

#[test]
fn parameters_that_cannot_work_are_refused() {
    let mut call = Call::new(53);
    call.join(1);
    let refused = |call: &mut Call, parameters| {
        call.add_producer(1, 10, parameters);
        failure(call)
    };
    let mut none = video_parameters(10, 1);
    none.encodings.clear();
    assert_eq!(refused(&mut call, none), "add producer 10: needs 1 to 8 encodings");
    let mut silent = video_parameters(10, 1);
    silent.payloads.clear();
    assert_eq!(refused(&mut call, silent), "add producer 10: needs 1 to 64 payloads");
    let mut still = video_parameters(10, 1);
    still.payloads[0].clock_rate = 0;
    assert_eq!(refused(&mut call, still), "add producer 10: payload type 96 has no clock rate");
    let mut wide = video_parameters(10, 1);
    wide.payloads[0].rtx_payload_type = Some(200);
    assert_eq!(refused(&mut call, wide), "add producer 10: payload type 200 is over 127");
    let mut first = video_parameters(11, 1);
    first.encodings = vec![EncodingParameters { ssrc: Some(5), ..Default::default() }];
    call.add_producer(1, 11, first.clone());
    first.mid = None;
    assert_eq!(refused(&mut call, first), "add producer 10: SSRC 5 is in use");
    let keys = SrtpKeys { profile: SrtpProfile::Aes128Gcm, send: vec![0; 28], receive: vec![0; 5] };
    call.command(Command::SetSrtp { transport: TransportId(1), keys });
    let message = failure(&mut call);
    assert_eq!(message, "set srtp of 1: SRTP key and salt have 5 bytes, the profile needs 28");
    let transport = TransportId(1);
    call.command(Command::SetMaxIncomingBitrate { transport, bits_per_second: 0 });
    assert_eq!(failure(&mut call), "max incoming bitrate of 1: must be at least 1 bit/s");
}
