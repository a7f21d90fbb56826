//! What a transport's owner lets its peer send at most.

mod support;

use std::time::{Duration, Instant};

use rotunda_media_core::command::ProducerParameters;
use rotunda_media_core::id::TransportId;
use rotunda_media_core::{Command, Path};
use support::camera::Camera;
use support::peer::Told;
use support::source::Source;
use support::{Call, video_parameters};

/// When, how much, and for which sources.
type Limit = (Instant, u64, Vec<u32>);

fn limits(call: &mut Call, path: Path) -> Vec<Limit> {
    let limit = |(at, told): &(Instant, Told)| match told {
        Told::Remb { bitrate, ssrcs } => Some((*at, *bitrate, ssrcs.clone())),
        _ => None,
    };
    call.peer(path).told.iter().filter_map(limit).collect()
}

fn bitrates(call: &mut Call, path: Path) -> Vec<u64> {
    limits(call, path).into_iter().map(|(_, bitrate, _)| bitrate).collect()
}

fn set_limit(call: &mut Call, bits_per_second: u64) {
    let transport = TransportId(1);
    call.command(Command::SetMaxIncomingBitrate { transport, bits_per_second });
}

fn without_feedback() -> ProducerParameters {
    let mut parameters = video_parameters(10, 3);
    parameters.extensions.transport_cc = None;
    parameters
}

#[test]
fn it_is_told_with_the_first_picture_and_every_second_from_then_on() {
    let mut call = Call::new(61);
    let alice = call.join(1);
    set_limit(&mut call, 300_000);
    call.add_audio(1, 11);
    let sound = Source::audio(7000, 11).sound(40);
    let sound = call.peer(alice).protect(sound);
    call.receive(vec![(alice, sound)]);
    call.pass_ms(3000);
    assert_eq!(limits(&mut call, alice), [], "sound alone is not limited");

    call.add_video(1, 10, 3);
    call.peer(alice).told.clear();
    let mut camera = Camera::new(alice, 10, 5000, 3);
    let started = call.now;
    camera.run(&mut call, 150);
    let told = limits(&mut call, alice);
    assert_eq!(told[0].0, started);
    assert!(told.iter().all(|(_, bitrate, _)| *bitrate == 300_000), "{told:?}");
    assert_eq!(told.last().map(|(_, _, ssrcs)| &ssrcs[..]), Some(&[5000, 5001, 5002][..]));
    let gaps = told.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert_eq!(gaps.max(), Some(Duration::from_secs(1)), "{told:?}");
    let fed_back = |(_, told): &(Instant, Told)| matches!(told, Told::Feedback { .. });
    assert!(call.peer(alice).told.iter().any(fed_back), "the peer's own estimate goes on");
}

#[test]
fn another_limit_is_told_at_once() {
    let mut call = Call::new(62);
    let alice = call.join(1);
    call.add_video(1, 10, 3);
    let mut camera = Camera::new(alice, 10, 5000, 3);
    camera.run(&mut call, 60);
    assert_eq!(limits(&mut call, alice), [], "there is none yet");
    for limit in [300_000, 2_500_000, 50_000] {
        set_limit(&mut call, limit);
        let told = limits(&mut call, alice).pop();
        assert_eq!(told.map(|(at, bitrate, _)| (at, bitrate)), Some((call.now, limit)));
    }
    camera.run(&mut call, 60);
    assert_eq!(bitrates(&mut call, alice).last(), Some(&50_000));
}

#[test]
fn where_we_estimate_the_path_the_lower_of_both_is_told() {
    let mut call = Call::new(63);
    let alice = call.join(1);
    call.add_producer(1, 10, without_feedback());
    let mut camera = Camera::new(alice, 10, 5000, 3);
    camera.run(&mut call, 90);
    let estimate = *bitrates(&mut call, alice).last().unwrap();
    assert!((2_900_000..5_000_000).contains(&estimate), "{estimate}");

    set_limit(&mut call, 6_000_000);
    let above = *bitrates(&mut call, alice).last().unwrap();
    assert!((estimate..6_000_000).contains(&above), "{above} after {estimate}");
    camera.run(&mut call, 600);
    assert_eq!(bitrates(&mut call, alice).into_iter().max(), Some(6_000_000));

    let before = bitrates(&mut call, alice).len();
    set_limit(&mut call, 100_000);
    camera.run(&mut call, 90);
    let told = bitrates(&mut call, alice).split_off(before);
    assert!(told.len() >= 3 && told.iter().all(|bitrate| *bitrate == 100_000), "{told:?}");
}
