//! Sound goes from one peer to the others under each one's own names and numbers.

mod support;

use rotunda_media_core::Command;
use rotunda_media_core::event::Event;
use rotunda_media_core::id::{ProducerId, TransportId};
use rotunda_packet::rtcp::{ReportBlock, write_receiver_report};
use support::peer::Told;
use support::source::Source;
use support::{Call, SINK_IDS};

fn call() -> (Call, [rotunda_media_core::Path; 3], Source) {
    let mut call = Call::new(1);
    let paths = [call.join(1), call.join(2), call.join(3)];
    call.add_audio(1, 10);
    call.add_consumer(2, 20, 10);
    call.add_consumer(3, 30, 10);
    (call, paths, Source::audio(4242, 10))
}

fn speak(call: &mut Call, from: rotunda_media_core::Path, source: &mut Source, packets: usize) {
    for _ in 0..packets {
        let packet = source.sound(30);
        let packet = call.peer(from).protect(packet);
        call.receive(vec![(from, packet)]);
        call.pass_ms(20);
    }
}

#[test]
fn every_consumer_gets_every_packet_in_its_own_terms() {
    let (mut call, [alice, bob, carol], mut source) = call();
    speak(&mut call, alice, &mut source, 100);
    for (path, ssrc, mid) in [(bob, 20_000, b"20"), (carol, 30_000, b"30")] {
        let got = call.peer(path).of(ssrc);
        assert_eq!(got.len(), 100);
        for (n, pair) in got.windows(2).enumerate() {
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1), "packet {n}");
            assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(960));
        }
        for (n, packet) in got.iter().enumerate() {
            assert_eq!(packet.payload_type, 100);
            assert_eq!(packet.payload[..8], (n as u64 + 1).to_be_bytes());
            assert_eq!(packet.extension(SINK_IDS.mid.unwrap()), Some(&mid[..]));
            assert_eq!(packet.extension(SINK_IDS.audio_level.unwrap()), Some(&[0x80 | 30][..]));
            assert_eq!(packet.transport_sequence(SINK_IDS.transport_cc.unwrap()), n as u16);
            assert_eq!(packet.extension(9), None, "the source's ids do not leak");
        }
    }
    assert!(call.peer(alice).media.is_empty());
    assert_eq!(call.worker.counters().packets_forwarded, 200);
    let started = Event::ProducerStarted { producer: ProducerId(10), encoding: 0 };
    assert_eq!(call.take_events().iter().filter(|event| **event == started).count(), 1);
}

#[test]
fn reports_say_what_was_sent_and_lost() {
    let (mut call, [alice, bob, _], mut source) = call();
    speak(&mut call, alice, &mut source, 50);
    source.sound(30);
    speak(&mut call, alice, &mut source, 100);
    let reports: Vec<_> = call
        .peer(alice)
        .told
        .iter()
        .filter_map(|(_, told)| match told {
            Told::ReceiverReport { ssrc, cumulative_lost, .. } => Some((*ssrc, *cumulative_lost)),
            _ => None,
        })
        .collect();
    assert!(reports.len() >= 2);
    assert_eq!(reports.last(), Some(&(4242, 1)));
    let bob = call.peer(bob);
    let cname = Told::Cname { ssrc: 20_000, cname: b"cname10".to_vec() };
    assert!(bob.told.iter().any(|(_, told)| *told == cname));
    let sender_reports: Vec<_> = bob
        .told
        .iter()
        .filter_map(|(at, told)| match told {
            Told::SenderReport { ssrc: 20_000, ntp, rtp_timestamp, packets } => {
                Some((*at, *ntp, *rtp_timestamp, *packets))
            }
            _ => None,
        })
        .collect();
    assert!(sender_reports.len() >= 2);
    let (at, _, rtp_timestamp, packets) = sender_reports[sender_reports.len() - 1];
    let before = bob.of(20_000).into_iter().filter(|got| got.at <= at).collect::<Vec<_>>();
    assert_eq!(packets as usize, before.len());
    let ahead = rtp_timestamp.wrapping_sub(before[before.len() - 1].timestamp);
    assert!(ahead <= 960, "{ahead} ticks after the last packet, which was at most 20 ms ago");
}

#[test]
fn arrivals_are_fed_back_gaps_included() {
    let (mut call, [alice, ..], mut source) = call();
    for n in 0..59 {
        let packet = source.sound(30);
        let packet = call.peer(alice).protect(packet);
        if n % 7 != 3 {
            call.receive(vec![(alice, packet)]);
        }
        call.pass_ms(20);
    }
    call.pass_ms(200);
    let mut heard = std::collections::BTreeMap::new();
    for (_, told) in &call.peer(alice).told {
        if let Told::Feedback { arrivals, .. } = told {
            heard.extend(arrivals.iter().map(|(sequence, at)| (*sequence, at.is_some())));
        }
    }
    let expected = (0..59u16).map(|n| (n, n % 7 != 3)).collect();
    assert_eq!(heard, expected);
}

#[test]
fn a_removed_transport_is_gone_with_all_that_hung_on_it() {
    let (mut call, [alice, bob, carol], mut source) = call();
    speak(&mut call, alice, &mut source, 5);
    call.command(Command::RemoveTransport { transport: TransportId(2) });
    speak(&mut call, alice, &mut source, 5);
    assert_eq!(call.peer(bob).of(20_000).len(), 5);
    assert_eq!(call.peer(carol).of(30_000).len(), 10);
    call.command(Command::RemoveTransport { transport: TransportId(1) });
    speak(&mut call, alice, &mut source, 5);
    assert_eq!(call.peer(carol).of(30_000).len(), 10);
    assert!(call.stats().producers.is_empty() && call.stats().consumers.is_empty());
    call.command(Command::RemoveProducer { producer: ProducerId(10) });
    let failed = matches!(call.take_events().last(), Some(Event::CommandFailed { message }) if message == "no producer 10");
    assert!(failed);
}

#[test]
fn the_first_protected_packet_of_a_peer_is_told_once() {
    let (mut call, [alice, bob, _], mut source) = call();
    let told = |call: &mut Call, transport| {
        let wanted = Event::SrtpReceived { transport: TransportId(transport) };
        call.take_events().iter().filter(|event| **event == wanted).count()
    };
    // What is not protected with the keys proves nothing.
    call.receive(vec![(alice, source.sound(30))]);
    assert_eq!(told(&mut call, 1), 0);
    speak(&mut call, alice, &mut source, 1);
    assert_eq!(told(&mut call, 1), 1);
    speak(&mut call, alice, &mut source, 3);
    assert_eq!(told(&mut call, 1), 0);
    let report = call.peer(bob).remb(1_000_000);
    call.receive(vec![report]);
    assert_eq!(told(&mut call, 2), 1);
}

#[test]
fn what_was_lost_before_us_is_not_the_viewer_s_loss() {
    let mut call = Call::new(8);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_audio(1, 10);
    call.add_consumer(2, 20, 10);
    let mut source = Source::audio(4242, 10);
    let mut report = |call: &mut Call, fraction_lost: u8| {
        for n in 0..250 {
            let packet = source.sound(40);
            let packet = call.peer(alice).protect(packet);
            // Every fifth is lost on Alice's way; what Bob loses besides, he tells.
            if n % 5 != 3 {
                call.receive(vec![(alice, packet)]);
            }
            call.pass_ms(20);
        }
        let block = ReportBlock { ssrc: 20_000, fraction_lost, jitter: 480, ..Default::default() };
        let report = call.peer(bob).rtcp(|out| write_receiver_report(out, 1, &[block]));
        call.receive(vec![report]);
        call.keep_alive();
        call.stats().consumers[0].clone()
    };
    report(&mut call, 51);
    let stats = report(&mut call, 51);
    assert!(stats.fraction_lost < 0.01, "{}", stats.fraction_lost);
    let stats = report(&mut call, 77);
    assert!((stats.fraction_lost - 0.1).abs() < 0.01, "{}", stats.fraction_lost);
    assert!((stats.jitter - 0.01).abs() < 0.001, "all of it is Bob's: {}", stats.jitter);
}
