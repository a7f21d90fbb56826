//! Sources whose wall clock is none, stands or jumps: what receivers are told of their time all the same.

mod support;

use std::time::Duration;

use rotunda_media_core::Path;
use rotunda_packet::rtcp::{SenderInfo, write_sender_report};
use support::Call;
use support::peer::Told;
use support::source::Source;

const HOUR: f64 = 3600.0;
const START: f64 = 4_000_000_000.0;

fn ntp(seconds: f64) -> u64 {
    (seconds.floor() as u64) << 32 | (seconds.fract() * 4_294_967_296.0) as u64
}

/// Alice's voice for some seconds, each packet up to 25 ms late, a report each second whose wall
/// clock is `clock` of the seconds so far. What Bob's sender reports say the timestamp of the
/// packet sent at the report's time is off by, in seconds, with the second that it was told in.
fn told(seed: u64, seconds: u64, clock: impl Fn(f64) -> u64) -> Vec<(f64, f64)> {
    let mut call = Call::new(seed);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_audio(1, 10);
    call.add_consumer(2, 20, 10);
    let mut voice = Source::audio(4242, 10);
    for n in 0..seconds * 50 {
        let sound = voice.sound(40);
        let late = Duration::from_millis(n * 7 % 19);
        if n % 50 == 10 {
            report(&mut call, alice, &voice, &clock);
        }
        if n % 1000 == 0 {
            call.keep_alive();
        }
        call.pass(late);
        let packet = call.peer(alice).protect(sound);
        call.receive(vec![(alice, packet)]);
        call.pass(Duration::from_millis(20) - late);
    }
    let start = call.start;
    let peer = call.peer(bob);
    // The first packet was sent at the beginning.
    let first = peer.of(20_000)[0].timestamp;
    let off = |(at, told): &(std::time::Instant, Told)| match told {
        Told::SenderReport { rtp_timestamp, .. } => {
            let sent = (*at - start).as_secs_f64();
            let says = f64::from(rtp_timestamp.wrapping_sub(first)) / 48_000.0;
            Some((sent, (says - sent).abs()))
        }
        _ => None,
    };
    let told: Vec<(f64, f64)> = peer.told.iter().filter_map(off).collect();
    assert!(told.len() + 3 >= seconds as usize, "{told:?}");
    told
}

fn report(call: &mut Call, from: Path, source: &Source, clock: impl Fn(f64) -> u64) {
    let ntp = clock((call.now - call.start).as_secs_f64());
    let info = SenderInfo { ntp, rtp_timestamp: source.timestamp, packet_count: 1, octet_count: 1 };
    let ssrc = source.ssrc;
    let packet = call.peer(from).rtcp(|out| write_sender_report(out, ssrc, &info, &[]));
    call.receive(vec![packet]);
}

fn worst(told: &[(f64, f64)]) -> f64 {
    told.iter().map(|(_, off)| *off).fold(0.0, f64::max)
}

#[test]
fn a_source_without_a_wall_clock_is_timed_by_its_packets() {
    let told = told(91, 40, |_| 0);
    assert!(worst(&told) < 0.02, "{told:?}");
}

#[test]
fn a_wall_clock_that_stands_is_none() {
    let told = told(92, 40, |_| ntp(START));
    assert!(worst(&told) < 0.05, "{told:?}");
}

#[test]
fn a_wall_clock_that_jumps_is_followed() {
    for (seed, jump) in [(93, HOUR), (94, -HOUR), (95, 1.5), (96, -1.5)] {
        let told = told(seed, 60, |at| ntp(START + at + if at < 30.0 { 0.0 } else { jump }));
        assert!(worst(&told) < 0.05, "{jump} s: {told:?}");
    }
}

#[test]
fn a_wall_clock_that_jumps_to_and_fro_leads_nobody_astray() {
    let told = told(97, 60, |at| ntp(START + at + HOUR * f64::from((at / 3.0) as u32 % 2)));
    assert!(worst(&told) < 0.05, "{told:?}");
}
