//! Connectivity: restarts, moves to another address, the end of consent.

mod support;

use rotunda_media_core::command::IceCredentials;
use rotunda_media_core::event::Event;
use rotunda_media_core::id::TransportId;
use rotunda_media_core::{Command, Path};
use support::Call;
use support::source::Source;

fn call() -> (Call, Path, Path, Source) {
    let mut call = Call::new(11);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_audio(1, 10);
    call.add_consumer(2, 20, 10);
    (call, alice, bob, Source::audio(4242, 10))
}

fn speak(call: &mut Call, from: Path, source: &mut Source, packets: usize) {
    for _ in 0..packets {
        let packet = source.sound(30);
        let packet = call.peer(from).protect(packet);
        call.receive(vec![(from, packet)]);
        call.pass_ms(20);
    }
}

/// The peer's socket has another address from now on.
fn move_peer(call: &mut Call, from: Path, remote: &str) -> Path {
    let to = Path { remote: remote.parse().unwrap(), ..from };
    let mut peer = call.peers.remove(&from).unwrap();
    peer.path = to;
    call.peers.insert(to, peer);
    to
}

fn connected(call: &mut Call) -> Vec<String> {
    let remote = |event| match event {
        Event::IceConnected { remote, .. } => Some(remote.to_string()),
        _ => None,
    };
    call.take_events().into_iter().filter_map(remote).collect()
}

#[test]
fn media_goes_on_through_a_restart_and_the_old_name_is_retired() {
    let (mut call, alice, bob, mut source) = call();
    speak(&mut call, alice, &mut source, 10);
    let ice = IceCredentials { ufrag: "fresh".into(), password: "a fresh long password".into() };
    let old_check = call.peer(bob).check(false);
    call.command(Command::RestartIce { transport: TransportId(2), ice: ice.clone() });
    speak(&mut call, alice, &mut source, 10);
    call.receive(vec![(bob, old_check.clone())]);
    assert_eq!(call.peer(bob).stun_answers, 2, "the old credentials still work");
    call.peer(bob).restart(&ice);
    let check = call.peer(bob).check(true);
    call.receive(vec![(bob, check)]);
    speak(&mut call, alice, &mut source, 10);
    assert_eq!(call.peer(bob).stun_answers, 3);
    assert_eq!(call.peer(bob).media.len(), 30);
    call.receive(vec![(bob, old_check)]);
    assert_eq!(call.peer(bob).stun_answers, 3, "the old credentials are retired");
}

#[test]
fn a_peer_that_moves_is_followed_when_it_nominates() {
    let (mut call, alice, bob, mut source) = call();
    speak(&mut call, alice, &mut source, 10);
    assert_eq!(connected(&mut call).len(), 2);
    let moved = move_peer(&mut call, bob, "[2001:db8::7]:6000");
    let check = call.peer(moved).check(true);
    call.receive(vec![(moved, check)]);
    speak(&mut call, alice, &mut source, 10);
    assert_eq!(call.peer(moved).media.len(), 20);
    assert_eq!(connected(&mut call), ["[2001:db8::7]:6000"]);
}

#[test]
fn media_from_every_proven_path_is_taken_and_from_no_other() {
    let (mut call, alice, bob, mut source) = call();
    let other = Path { remote: "10.9.9.9:9".parse().unwrap(), ..alice };
    let packet = source.sound(30);
    let packet = call.peer(alice).protect(packet);
    call.receive(vec![(other, packet.clone())]);
    assert_eq!(call.peer(bob).media.len(), 0);
    assert_eq!(call.worker.counters().packets_dropped, 1);
    let check = call.peer(alice).check(false);
    call.receive(vec![(other, check)]);
    call.receive(vec![(other, packet)]);
    speak(&mut call, alice, &mut source, 5);
    assert_eq!(call.peer(bob).media.len(), 6);
}

#[test]
fn silence_of_checks_ends_the_connection_and_a_check_brings_it_back() {
    let (mut call, alice, bob, mut source) = call();
    let keep = |call: &mut Call, path| {
        let check = call.peer(path).check(true);
        call.receive(vec![(path, check)]);
    };
    call.take_events();
    for _ in 0..8 {
        keep(&mut call, alice);
        call.pass_ms(5_000);
    }
    let gone = Event::IceDisconnected { transport: TransportId(2) };
    assert_eq!(call.take_events().iter().filter(|event| **event == gone).count(), 1);
    speak(&mut call, alice, &mut source, 5);
    assert_eq!(call.peer(bob).media.len(), 0);
    keep(&mut call, bob);
    speak(&mut call, alice, &mut source, 5);
    assert_eq!(call.peer(bob).media.len(), 5);
}

#[test]
fn dtls_goes_to_its_transport_and_back() {
    let (mut call, alice, _, _) = call();
    call.receive(vec![(alice, vec![22, 254, 253, 1, 2, 3])]);
    assert_eq!(call.outbox.dtls, [(TransportId(1), vec![22, 254, 253, 1, 2, 3])]);
    let before = call.stats().transports[0].bytes_sent;
    let datagram = vec![22, 254, 253, 9];
    call.command(Command::SendDtls { transport: TransportId(1), datagram });
    assert_eq!(call.stats().transports[0].bytes_sent, before + 4);
}

#[test]
fn a_path_that_closes_is_nobodys_any_more() {
    let (mut call, alice, bob, mut source) = call();
    speak(&mut call, alice, &mut source, 10);
    assert!(call.worker.is_proven(alice) && call.worker.is_proven(bob));
    call.close_path(alice);
    assert!(!call.worker.is_proven(alice) && call.worker.is_proven(bob));
    assert!(
        call.take_events().contains(&Event::IceDisconnected { transport: TransportId(1) }),
        "Alice has no other path"
    );
    // What comes on it now is a stranger's, until a check says whose.
    let heard = call.peer(bob).media.len();
    speak(&mut call, alice, &mut source, 10);
    assert_eq!(call.peer(bob).media.len(), heard);
    let check = call.peer(alice).check(true);
    call.receive(vec![(alice, check)]);
    speak(&mut call, alice, &mut source, 10);
    assert_eq!(call.peer(bob).media.len(), heard + 10);
}
