//! Plain RTP: a recorder that is sent media, an encoder that sends it, at addresses that the owner
//! names and nobody else can change.

mod support;

use std::time::Duration;

use rotunda_media_core::command::{
    EncodingParameters, PlainParameters, ProducerParameters, SrtpKeys,
};
use rotunda_media_core::event::Event;
use rotunda_media_core::ice::CONSENT_TIMEOUT;
use rotunda_media_core::id::{ConsumerId, ListenerId, TransportId};
use rotunda_media_core::{Command, Path};
use rotunda_packet::rtcp::write_receiver_report;
use rotunda_packet::srtp::SrtpProfile;
use support::camera::Camera;
use support::peer::{Peer, Told};
use support::source::Source;
use support::{Call, audio_parameters, video_parameters};

/// Transports.
const ALICE: u64 = 1;
const BOB: u64 = 2;
const PLAIN: u64 = 7;
/// SSRCs of what the consumers 20 and 70 send.
const TO_BOB: u32 = 20_000;
const TO_PLAIN: u32 = 70_000;
/// SSRC of what an encoder sends.
const CAMERA: u32 = 5000;

const LISTENER: ListenerId = ListenerId(0);
const HERE: &str = "127.0.0.1:5004";
const FAR: &str = "192.0.2.7:5004";
/// More than an address that says nothing gets; much less than what is sent to it in these tests.
const LITTLE: usize = 3 << 20;

fn path(remote: &str) -> Path {
    Path { listener: LISTENER, remote: remote.parse().unwrap() }
}

fn parameters(remote: &str) -> PlainParameters {
    PlainParameters { listener: LISTENER, remote: remote.parse().unwrap(), remote_rtcp_port: None }
}

fn add(call: &mut Call, plain: PlainParameters) {
    call.command(Command::AddPlainTransport { transport: TransportId(PLAIN), plain });
}

/// A plain peer at an address of its own.
fn join(call: &mut Call, remote: &str) -> Path {
    add(call, parameters(remote));
    listen(call, remote)
}

fn listen(call: &mut Call, remote: &str) -> Path {
    let path = path(remote);
    call.peers.insert(path, Peer::plain(path));
    path
}

/// Alice's camera goes to a recorder.
fn recording(remote: &str) -> (Call, Path, Camera) {
    let mut call = Call::new(81);
    let alice = call.join(ALICE);
    call.add_video(ALICE, 10, 1);
    let recorder = join(&mut call, remote);
    call.add_consumer(PLAIN, 70, 10);
    let mut camera = Camera::new(alice, 10, CAMERA, 1);
    camera.sizes[0] = vec![1000; 4];
    (call, recorder, camera)
}

/// A camera whose SSRCs are signalled, as an encoder's are.
fn signalled() -> ProducerParameters {
    let (ssrc, rtx_ssrc) = (Some(CAMERA), Some(CAMERA + 100));
    let encodings = vec![EncodingParameters { ssrc, rtx_ssrc, rid: None }];
    ProducerParameters { mid: None, encodings, ..video_parameters(10, 1) }
}

/// An encoder's camera goes to Bob.
fn ingest(remote: &str) -> (Call, Path, Path, Camera) {
    let mut call = Call::new(82);
    let encoder = join(&mut call, remote);
    call.add_producer(PLAIN, 10, signalled());
    let bob = call.join(BOB);
    call.add_consumer(BOB, 20, 10);
    let mut camera = Camera::new(encoder, 10, CAMERA, 1);
    camera.sizes[0] = vec![300; 5];
    (call, encoder, bob, camera)
}

/// So many pictures, in which the camera's peer does not lose its consent.
fn run(call: &mut Call, camera: &mut Camera, pictures: usize) {
    for n in 0..pictures {
        if n % 100 == 0 {
            let check = call.peer(camera.path).check(true);
            call.receive(vec![(camera.path, check)]);
        }
        camera.run(call, 1);
    }
}

fn report(call: &mut Call, path: Path) {
    let report = call.peer(path).rtcp(|out| write_receiver_report(out, 1, &[]));
    call.receive(vec![report]);
}

fn failure(call: &mut Call) -> String {
    match call.take_events().pop() {
        Some(Event::CommandFailed { message }) => message,
        other => panic!("expected a failure, got {other:?}"),
    }
}

/// What the owner is told of the plain transport.
fn told(call: &mut Call) -> Vec<Event> {
    let of_plain =
        |event: &Event| matches!(event, Event::RemoteHeard { .. } | Event::RemoteSilent { .. });
    call.take_events().into_iter().filter(of_plain).collect()
}

fn heard(path: Path) -> Event {
    let Path { listener, remote } = path;
    Event::RemoteHeard { transport: TransportId(PLAIN), listener, remote }
}

const SILENT: Event = Event::RemoteSilent { transport: TransportId(PLAIN) };

#[test]
fn a_recorder_gets_media_and_reports_in_the_clear() {
    let (mut call, recorder, mut camera) = recording(HERE);
    camera.run(&mut call, 60);
    let got = call.peer(recorder).of(TO_PLAIN);
    assert_eq!(got.len(), 60 * 4);
    assert!(got.iter().all(|got| got.payload_type == 101 && got.payload.len() == 1000));
    assert!(got.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
    let told = &call.peer(recorder).told;
    let names = |told: &Told| matches!(told, Told::SenderReport { ssrc: TO_PLAIN, .. });
    assert!(told.iter().filter(|(_, told)| names(told)).count() >= 1);
    let cname = Told::Cname { ssrc: TO_PLAIN, cname: b"cname10".to_vec() };
    assert!(told.iter().any(|(_, told)| *told == cname));
}

#[test]
fn what_a_recorder_asks_for_it_gets() {
    let (mut call, recorder, mut camera) = recording(HERE);
    camera.run(&mut call, 20);
    let lost = call.peer(recorder).of(TO_PLAIN)[70].clone();
    let nack = call.peer(recorder).nack(TO_PLAIN, &[lost.sequence]);
    call.receive(vec![nack]);
    let resent = call.peer(recorder).of(TO_PLAIN + 1);
    assert_eq!(resent.len(), 1);
    assert_eq!(resent[0].payload[..2], lost.sequence.to_be_bytes());
    assert_eq!(resent[0].payload[2..], lost.payload);
    let made = camera.key_frames[0];
    let pli = call.peer(recorder).pli(TO_PLAIN);
    call.receive(vec![pli]);
    call.pass_ms(600);
    camera.run(&mut call, 2);
    assert_eq!(camera.key_frames[0], made + 1);
}

#[test]
fn an_encoder_is_heard_reported_to_and_asked() {
    let (mut call, encoder, bob, mut camera) = ingest(HERE);
    camera.run(&mut call, 20);
    assert_eq!(told(&mut call), [heard(encoder)]);
    let mut packets = camera.frame(&mut call);
    packets.remove(2);
    call.receive(packets);
    call.pass_ms(10);
    let repairs = camera.repairs(&mut call);
    assert_eq!(repairs.len(), 1);
    call.receive(repairs);
    camera.run(&mut call, 40);
    let got = call.peer(bob).of(TO_BOB);
    assert_eq!(got.len(), 61 * 5);
    let reported = |told: &Told| matches!(told, Told::ReceiverReport { ssrc: CAMERA, .. });
    assert!(call.peer(encoder).told.iter().any(|(_, told)| reported(told)));
    let pli = call.peer(bob).pli(TO_BOB);
    call.receive(vec![pli]);
    call.pass_ms(600);
    assert!(call.peer(encoder).plis().contains(&CAMERA));
}

#[test]
fn only_the_named_address_is_heard() {
    let (mut call, encoder, bob, mut camera) = ingest(HERE);
    camera.run(&mut call, 5);
    let (before, dropped) = (call.peer(bob).media.len(), call.worker.counters().packets_dropped);
    for other in ["127.0.0.1:5005", "127.0.0.2:5004", FAR] {
        let packets = camera.frame(&mut call);
        call.receive(packets.into_iter().map(|(_, packet)| (path(other), packet)).collect());
    }
    let other_listener = Path { listener: ListenerId(1), ..encoder };
    let packets = camera.frame(&mut call);
    call.receive(packets.into_iter().map(|(_, packet)| (other_listener, packet)).collect());
    assert_eq!(call.peer(bob).media.len(), before);
    assert_eq!(call.worker.counters().packets_dropped, dropped + 4 * 5);
    camera.run(&mut call, 1);
    assert!(call.peer(bob).media.len() > before);
}

#[test]
fn a_check_that_says_to_come_from_there_takes_nothing() {
    let (mut call, encoder, bob, mut camera) = ingest(HERE);
    camera.run(&mut call, 5);
    // Bob's check is answered there, and he gets a little there: as at any address.
    call.peer(encoder).counts_only = true;
    let check = call.peer(bob).check(true);
    call.receive(vec![(encoder, check)]);
    camera.run(&mut call, 50);
    assert_eq!(call.stats().producers[0].packets_received, 55 * 5, "it is heard all the same");
    let bytes = call.peer(encoder).bytes;
    assert!(bytes < 1500, "{bytes} bytes: reports, an answer and less than one picture");
}

#[test]
fn what_a_peer_claimed_before_is_the_owners_to_give() {
    let mut call = Call::new(83);
    let bob = call.join(BOB);
    let check = call.peer(bob).check(false);
    call.receive(vec![(path(FAR), check)]);
    assert!(call.worker.is_proven(path(FAR)));
    let encoder = join(&mut call, FAR);
    call.add_producer(PLAIN, 10, signalled());
    call.add_consumer(BOB, 20, 10);
    let mut camera = Camera::new(encoder, 10, CAMERA, 1);
    call.keep_alive();
    camera.run(&mut call, 5);
    assert_eq!(call.stats().producers[0].packets_received, 5);
}

#[test]
fn dtls_from_a_plain_peer_leads_nowhere() {
    let (mut call, encoder, ..) = ingest(HERE);
    call.receive(vec![(encoder, vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0])]);
    assert!(call.outbox.dtls.is_empty());
    assert_eq!(call.worker.counters().packets_dropped, 1);
}

#[test]
fn a_recorder_on_this_machine_may_say_nothing() {
    let (mut call, recorder, mut camera) = recording(HERE);
    run(&mut call, &mut camera, 2000);
    assert_eq!(call.peer(recorder).of(TO_PLAIN).len(), 2000 * 4);
    assert!(call.peer(recorder).bytes > 2 * LITTLE);
    assert_eq!(told(&mut call), []);
}

#[test]
fn an_address_of_another_machine_that_says_nothing_gets_little() {
    let (mut call, recorder, mut camera) = recording(FAR);
    run(&mut call, &mut camera, 700);
    let bytes = call.peer(recorder).bytes;
    assert!((LITTLE / 2..LITTLE).contains(&bytes), "{bytes} bytes");
    assert_eq!(told(&mut call), [SILENT]);
    run(&mut call, &mut camera, 100);
    assert_eq!(call.peer(recorder).bytes, bytes, "nothing at all");
    // It is heard at last, and sees from a key frame on.
    let before = call.peer(recorder).of(TO_PLAIN).len();
    report(&mut call, recorder);
    assert_eq!(told(&mut call), [heard(recorder)]);
    // One viewer may ask for a key frame every other second.
    camera.run(&mut call, 90);
    let seen = call.peer(recorder).of(TO_PLAIN).split_off(before);
    assert!(seen.len() > 10 * 4);
    assert_eq!(seen[0].payload[6..8], [0, 0], "the first packet of a key frame");
}

#[test]
fn an_address_of_another_machine_that_falls_silent_gets_nothing_more() {
    let (mut call, recorder, mut camera) = recording(FAR);
    report(&mut call, recorder);
    assert_eq!(told(&mut call), [heard(recorder)]);
    for _ in 0..40 {
        run(&mut call, &mut camera, 30);
        report(&mut call, recorder);
    }
    assert!(call.peer(recorder).bytes > LITTLE);
    assert_eq!(told(&mut call), []);
    let last = call.now;
    while call.now < last + CONSENT_TIMEOUT + Duration::from_secs(2) {
        run(&mut call, &mut camera, 30);
    }
    assert_eq!(told(&mut call), [SILENT]);
    let bytes = call.peer(recorder).bytes;
    camera.run(&mut call, 10);
    assert_eq!(call.peer(recorder).bytes, bytes);
}

#[test]
fn an_unknown_port_is_told_by_the_first_packet_of_a_signalled_source() {
    let mut call = Call::new(84);
    add(&mut call, parameters("192.0.2.7:0"));
    // Somebody else sends with the same SSRC already.
    let alice = call.join(ALICE);
    let mut same = Source::audio(CAMERA, 11);
    call.add_audio(ALICE, 11);
    let sound = same.sound(40);
    let sound = call.peer(alice).protect(sound);
    call.receive(vec![(alice, sound)]);
    call.add_producer(PLAIN, 10, signalled());
    let bob = call.join(BOB);
    call.add_consumer(BOB, 20, 10);
    let encoder = listen(&mut call, "192.0.2.7:41234");
    let mut camera = Camera::new(encoder, 10, CAMERA, 1);
    let mut stranger = camera.layers[0].clone();
    stranger.ssrc = 4711;
    let unknown_source = stranger.picture(true, &[500]).remove(0);
    let (_, elsewhere) = camera.frame(&mut call).remove(0);
    let dropped = call.worker.counters().packets_dropped;
    call.receive(vec![(path("192.0.2.8:41234"), elsewhere), (encoder, unknown_source)]);
    assert_eq!(call.worker.counters().packets_dropped, dropped + 2);
    assert_eq!(told(&mut call), []);
    camera.run(&mut call, 30);
    assert_eq!(told(&mut call), [heard(encoder)]);
    assert!(call.peer(bob).of(TO_BOB).len() >= 10, "begins with the key frame asked for");
    // From then on that port it is, and nothing else.
    let packets = camera.frame(&mut call);
    call.receive(
        packets.into_iter().map(|(_, packet)| (path("192.0.2.7:41235"), packet)).collect(),
    );
    assert_eq!(call.worker.counters().packets_dropped, dropped + 3);
    assert_eq!(told(&mut call), []);
}

#[test]
fn nothing_goes_to_a_port_that_is_not_known() {
    let mut call = Call::new(85);
    let alice = call.join(ALICE);
    call.add_video(ALICE, 10, 1);
    add(&mut call, parameters("192.0.2.7:0"));
    call.add_consumer(PLAIN, 70, 10);
    let mut camera = Camera::new(alice, 10, CAMERA, 1);
    camera.run(&mut call, 30);
    assert_eq!(call.stats().consumers[0].packets_sent, 0);
}

#[test]
fn rtcp_may_have_a_port_of_its_own() {
    let mut call = Call::new(86);
    let alice = call.join(ALICE);
    call.add_video(ALICE, 10, 1);
    add(&mut call, PlainParameters { remote_rtcp_port: Some(5005), ..parameters(HERE) });
    let (media, control) = (listen(&mut call, HERE), listen(&mut call, "127.0.0.1:5005"));
    call.add_consumer(PLAIN, 70, 10);
    let mut camera = Camera::new(alice, 10, CAMERA, 1);
    camera.run(&mut call, 60);
    assert_eq!(call.peer(media).of(TO_PLAIN).len(), 60);
    assert!(call.peer(media).told.is_empty());
    assert!(call.peer(control).media.is_empty());
    assert!(!call.peer(control).told.is_empty());
    let lost = call.peer(media).of(TO_PLAIN)[50].sequence;
    let nack = call.peer(control).nack(TO_PLAIN, &[lost]);
    call.receive(vec![nack]);
    assert_eq!(call.peer(media).of(TO_PLAIN + 1).len(), 1);
}

#[test]
fn the_owner_may_set_keys() {
    let (mut call, recorder, mut camera) = recording(HERE);
    let profile = SrtpProfile::Aes256Gcm;
    let key = |n| vec![n; profile.key_len() + profile.salt_len()];
    let keys = SrtpKeys { profile, send: key(1), receive: key(2) };
    call.peer(recorder).set_keys(&keys);
    call.command(Command::SetSrtp { transport: TransportId(PLAIN), keys });
    camera.run(&mut call, 30);
    assert_eq!(call.peer(recorder).of(TO_PLAIN).len(), 30 * 4);
    let pli = call.peer(recorder).pli(TO_PLAIN);
    call.receive(vec![pli]);
    assert_eq!(call.stats().consumers[0].plis_received, 1);
    call.receive(vec![(recorder, vec![0x80; 60])]);
    assert_eq!(call.stats().transports[1].srtp_rejected, 1);
}

#[test]
fn addresses_and_requests_that_make_no_sense_are_named() {
    let mut call = Call::new(87);
    for (remote, reason) in [
        ("0.0.0.0:5004", "0.0.0.0 is not the address of one peer"),
        ("[ff02::1]:5004", "ff02::1 is not the address of one peer"),
    ] {
        add(&mut call, parameters(remote));
        assert_eq!(failure(&mut call), format!("add plain transport 7: {reason}"));
    }
    add(&mut call, PlainParameters { remote_rtcp_port: Some(0), ..parameters(HERE) });
    assert!(failure(&mut call).contains("the port of RTCP must be at least 1"));
    add(&mut call, parameters(HERE));
    add(&mut call, parameters(FAR));
    assert_eq!(failure(&mut call), "add transport: 7 exists already");
    let (transport, plain) = (TransportId(8), parameters(HERE));
    call.command(Command::AddPlainTransport { transport, plain });
    assert_eq!(failure(&mut call), "add plain transport 8: 127.0.0.1:5004 is another one's");
    let transport = TransportId(PLAIN);
    call.command(Command::SendDtls { transport, datagram: vec![22] });
    assert_eq!(failure(&mut call), "transport 7 has no DTLS");
    let (ufrag, password) = ("new-fragment".into(), "a password of some length".into());
    let ice = rotunda_media_core::command::IceCredentials { ufrag, password };
    call.command(Command::RestartIce { transport, ice });
    assert_eq!(failure(&mut call), "transport 7 has no ICE");
}

#[test]
fn a_removed_transport_leaves_its_address_and_sources_to_others() {
    let (mut call, encoder, _, mut camera) = ingest("192.0.2.7:0");
    camera.path = listen(&mut call, FAR);
    assert_ne!(camera.path, encoder);
    camera.run(&mut call, 2);
    assert!(call.worker.is_proven(camera.path));
    call.command(Command::RemoveTransport { transport: TransportId(PLAIN) });
    assert!(!call.worker.is_proven(camera.path));
    let dropped = call.worker.counters().packets_dropped;
    camera.run(&mut call, 1);
    assert_eq!(call.worker.counters().packets_dropped, dropped + 5);
    join(&mut call, FAR);
    call.add_producer(PLAIN, 12, ProducerParameters { mid: None, ..audio_parameters(12) });
    call.command(Command::RemoveConsumer { consumer: ConsumerId(20) });
    assert_eq!(failure(&mut call), "no consumer 20", "it went with its producer");
}
