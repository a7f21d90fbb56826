//! Time as receivers see it: through sender reports, over layer switches and restarts.

mod support;

use std::time::Duration;

use rotunda_media_core::id::ConsumerId;
use rotunda_media_core::{Command, Path};
use rotunda_packet::rtcp::{SenderInfo, write_sender_report};
use support::Call;
use support::camera::Camera;
use support::peer::Told;
use support::source::Source;

/// The sources' wall clock is an hour off ours.
const SOURCE_NTP: u64 = (4_000_000_000 - 3600) << 32;

fn report(call: &mut Call, from: Path, source: &Source) {
    let elapsed = (call.now - call.start).as_secs_f64();
    let ntp = SOURCE_NTP + (elapsed * f64::from(u32::MAX)) as u64;
    let info = SenderInfo { ntp, rtp_timestamp: source.timestamp, packet_count: 1, octet_count: 1 };
    let ssrc = source.ssrc;
    let packet = call.peer(from).rtcp(|out| write_sender_report(out, ssrc, &info, &[]));
    call.receive(vec![packet]);
}

#[test]
fn a_switch_keeps_capture_times_even_where_arrival_times_lie() {
    let mut call = Call::new(21);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_video(1, 10, 2);
    call.add_consumer(2, 20, 10);
    let mut camera = Camera::new(alice, 10, 5000, 2);
    let prefer = |call: &mut Call, spatial| {
        let consumer = ConsumerId(20);
        call.command(Command::SetPreferredLayers { consumer, spatial, temporal: None });
    };
    for n in 0..120 {
        if n % 10 == 0 {
            for layer in camera.layers.clone() {
                report(&mut call, alice, &layer);
            }
        }
        if n % 30 == 20 {
            prefer(&mut call, (n / 30 % 2) as u8);
        }
        let packets = camera.frame(&mut call);
        // Up to 25 ms late.
        let late = Duration::from_millis(n * 7 % 25);
        call.pass(late);
        call.receive(packets);
        call.pass(Duration::from_nanos(33_333_333) - late);
    }
    let got = call.peer(bob).of(20_000);
    let frames: Vec<u32> = got.iter().filter(|got| got.marker).map(|got| got.timestamp).collect();
    assert!(frames.len() >= 118, "{}", frames.len());
    // On the way up a picture of the higher encoding may follow that of the same instant of the
    // lower one: a tick later, as no two pictures may have one timestamp.
    let mut switches = 0;
    for (n, pair) in frames.windows(2).enumerate() {
        let step = pair[1].wrapping_sub(pair[0]);
        assert!(step == 1 || (2990..=3010).contains(&step), "frame {n}: {step} ticks");
        switches += u32::from(step == 1);
    }
    assert!((1..=4).contains(&switches));
    let whole = frames[frames.len() - 1].wrapping_sub(frames[0]);
    assert!(whole.abs_diff(119 * 3000) < 10, "{whole} ticks: the timeline drifted");
}

#[test]
fn sound_and_picture_of_one_source_share_a_clock() {
    const SOUND_START: u32 = 4_000_000_000;
    const PICTURE_START: u32 = 90_000_000;
    let mut call = Call::new(22);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_audio(1, 10);
    call.add_video(1, 11, 1);
    call.add_consumer(2, 20, 10);
    call.add_consumer(2, 21, 11);
    let (mut voice, mut eyes) = (Source::audio(4242, 10), Source::video(5000, 11, None));
    // Pictures take 80 ms longer to come than sound of the same instant.
    let mut on_the_way = std::collections::VecDeque::new();
    for n in 0..150u32 {
        voice.timestamp = SOUND_START.wrapping_add(n * 960).wrapping_sub(960);
        eyes.timestamp = PICTURE_START.wrapping_add(n * 20 * 90) - 3000;
        let sound = voice.sound(40);
        let picture = eyes.picture(n == 0, &[500]).remove(0);
        if n % 50 == 10 {
            report(&mut call, alice, &voice);
            report(&mut call, alice, &eyes);
        }
        on_the_way.push_back(picture);
        let mut arrived = vec![sound];
        if on_the_way.len() > 4 {
            arrived.extend(on_the_way.pop_front());
        }
        let arrived = arrived.into_iter().map(|packet| (alice, call.peer(alice).protect(packet)));
        let arrived = arrived.collect();
        call.receive(arrived);
        call.pass_ms(20);
    }
    // When was what the last reports tell captured, in seconds of either clock?
    let captured = |ssrc: u32, rate: f64| {
        let first = call.peers[&bob].of(ssrc)[0].timestamp;
        let report = |(_, told): &(_, Told)| match told {
            Told::SenderReport { ssrc: of, ntp, rtp_timestamp, .. } if *of == ssrc => {
                Some((*ntp, f64::from(rtp_timestamp.wrapping_sub(first)) / rate))
            }
            _ => None,
        };
        call.peers[&bob].told.iter().rev().find_map(report).expect("a sender report")
    };
    let (voice_ntp, voice_at) = captured(20_000, 48_000.0);
    let (eyes_ntp, eyes_at) = captured(21_000, 90_000.0);
    assert_eq!(voice_ntp, eyes_ntp, "told in one compound");
    assert!((voice_at - eyes_at).abs() < 0.002, "{voice_at} and {eyes_at}");
}

#[test]
fn a_source_that_starts_over_under_another_ssrc_goes_on_seamlessly() {
    let mut call = Call::new(23);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_audio(1, 10);
    call.add_consumer(2, 20, 10);
    for ssrc in [4242, 777] {
        let mut source = Source::audio(ssrc, 10);
        source.sequence = (ssrc as u16).wrapping_mul(50);
        source.timestamp = ssrc.wrapping_mul(1_000_003);
        for _ in 0..20 {
            let packet = source.sound(40);
            let packet = call.peer(alice).protect(packet);
            call.receive(vec![(alice, packet)]);
            call.pass_ms(20);
        }
    }
    let got = call.peer(bob).of(20_000);
    assert_eq!(got.len(), 40);
    for (n, pair) in got.windows(2).enumerate() {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1), "packet {n}");
        assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), 960, "packet {n}");
    }
    assert_eq!(call.stats().producers[0].packets_lost, 0);
}
