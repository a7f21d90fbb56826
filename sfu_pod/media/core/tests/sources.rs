//! Sources that come and go over the life of one transport.

mod support;

use rotunda_media_core::event::Event;
use rotunda_media_core::id::ProducerId;
use rotunda_media_core::{Command, Path};
use rotunda_packet::srtp::MAX_RECEIVED_SOURCES;
use support::camera::Camera;
use support::source::Source;
use support::{Call, audio_parameters};

#[test]
fn cameras_stopped_make_room_for_new_ones() {
    let mut call = Call::new(81);
    let (alice, bob) = (call.join(1), call.join(2));
    let cameras = MAX_RECEIVED_SOURCES as u64 / 3 + 10;
    for n in 0..cameras {
        let (producer, consumer) = (100 + n, 10_000 + n);
        call.add_video(1, producer, 3);
        call.add_consumer(2, consumer, producer);
        let mut camera = Camera::new(alice, producer, 100_000 + 10 * n as u32, 3);
        camera.run(&mut call, 2);
        let seen = call.peer(bob).of(consumer as u32 * 1000).len();
        assert!(seen > 0, "camera {n} is seen");
        call.command(Command::RemoveProducer { producer: ProducerId(producer) });
        if n % 20 == 0 {
            call.keep_alive();
        }
    }
    assert_eq!(call.stats().transports[0].srtp_rejected, 0);
}

#[test]
fn strangers_under_the_right_keys_make_room_for_whoever_is_known() {
    let mut call = Call::new(82);
    let (alice, bob) = (call.join(1), call.join(2));
    for ssrc in 0..2 * MAX_RECEIVED_SOURCES as u32 {
        let packet = Source::audio(1_000_000 + ssrc, 99).sound(40);
        let packet = call.peer(alice).protect(packet);
        call.receive(vec![(alice, packet)]);
    }
    call.add_audio(1, 10);
    call.add_consumer(2, 20, 10);
    speak(&mut call, alice, &mut Source::audio(4242, 10), 10);
    assert_eq!(call.peer(bob).media.len(), 10);
}

#[test]
fn an_ssrc_whose_consumer_ended_is_not_used_again() {
    let mut call = Call::new(83);
    let alice = call.join(1);
    call.join(2);
    call.add_audio(1, 10);
    call.add_consumer(2, 20, 10);
    let mut source = Source::audio(4242, 10);
    speak(&mut call, alice, &mut source, 5);
    call.command(Command::RemoveConsumer { consumer: rotunda_media_core::id::ConsumerId(20) });
    call.take_events();
    call.add_consumer(2, 20, 10);
    let Some(Event::CommandFailed { message }) = call.take_events().pop() else { panic!("taken") };
    assert_eq!(message, "add consumer 20: SSRC 20000 was in use before");
}

#[test]
fn a_source_that_goes_on_under_another_ssrc_than_it_signalled_is_heard() {
    let mut call = Call::new(84);
    let (alice, bob) = (call.join(1), call.join(2));
    let mut parameters = audio_parameters(10);
    parameters.encodings[0].ssrc = Some(4242);
    call.add_producer(1, 10, parameters);
    call.add_consumer(2, 20, 10);
    speak(&mut call, alice, &mut Source::audio(4242, 10), 5);
    speak(&mut call, alice, &mut Source::audio(777, 10), 5);
    let heard = call.peer(bob).of(20_000);
    assert_eq!(heard.len(), 10);
    assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
}

fn speak(call: &mut Call, from: Path, source: &mut Source, packets: usize) {
    for _ in 0..packets {
        let packet = source.sound(40);
        let packet = call.peer(from).protect(packet);
        call.receive(vec![(from, packet)]);
        call.pass_ms(20);
    }
}
