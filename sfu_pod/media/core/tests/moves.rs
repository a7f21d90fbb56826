//! A peer whose address changes without its doing, and one that says so of an address not its own.

mod support;

use std::time::{Duration, Instant};

use rotunda_media_core::event::Event;
use rotunda_media_core::ice::{AMPLIFICATION, HANDSHAKE_ALLOWANCE, MAX_PATHS, PATIENCE};
use rotunda_media_core::id::TransportId;
use rotunda_media_core::{Command, Path};
use rotunda_packet::rtcp::{ReportBlock, write_receiver_report};
use support::Call;
use support::peer::Told;
use support::source::Source;

/// Between two checks of Firefox, which nominate nothing once a pair is nominated.
const FIREFOX: Duration = Duration::from_secs(5);
/// The last check has just gone out.
const JUST_AFTER: Duration = Duration::from_millis(20);

/// Alice's picture, of 1,200 bytes each 20 ms, goes to Bob.
struct Scene {
    call: Call,
    alice: Path,
    bob: Path,
    camera: Source,
    next_check: Instant,
    /// Bob sends receiver reports.
    reports: bool,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let mut call = Call::new(seed);
        let (alice, bob) = (call.join(1), call.join(2));
        call.add_video(1, 10, 1);
        call.add_consumer(2, 20, 10);
        let next_check = call.now + FIREFOX;
        Self { call, alice, bob, camera: Source::video(4242, 10, None), next_check, reports: true }
    }

    /// Passes 20 ms: a picture, Bob's receiver report and, when they are due, both sides' checks.
    fn step(&mut self) {
        let Self { call, alice, bob, camera, next_check, reports } = self;
        let mut datagrams = Vec::new();
        if call.now >= *next_check {
            *next_check += FIREFOX;
            datagrams.extend([*alice, *bob].map(|path| (path, call.peer(path).check(false))));
        }
        let key = camera.frame == 0;
        for packet in camera.picture(key, &[1200]) {
            datagrams.push((*alice, call.peer(*alice).protect(packet)));
        }
        if *reports && (call.now - call.start).as_millis().is_multiple_of(1000) {
            datagrams.push(call.peer(*bob).rtcp(|out| write_receiver_report(out, 1, &[])));
        }
        call.receive(datagrams);
        call.pass_ms(20);
    }

    fn run(&mut self, time: Duration) {
        let end = self.call.now + time;
        while self.call.now < end {
            self.step();
        }
    }

    /// How long until Bob sees again.
    fn until_seen(&mut self) -> Duration {
        let (start, before) = (self.call.now, self.seen());
        while self.seen() == before {
            assert!(self.call.now - start < Duration::from_secs(60), "never");
            self.step();
        }
        self.call.now - start
    }

    fn seen(&mut self) -> usize {
        self.call.peer(self.bob).media.len()
    }
}

/// The peer's NAT gives it another port, of which it learns nothing.
fn rebind(call: &mut Call, from: Path, port: u16) -> Path {
    let to = Path { remote: (from.remote.ip(), port).into(), ..from };
    let mut peer = call.peers.remove(&from).unwrap();
    peer.path = to;
    call.peers.insert(to, peer);
    to
}

#[test]
fn a_viewer_whose_nat_gives_it_another_port_sees_again_soon() {
    // The next report tells that the old path is silent, or the next check where there is none.
    for (reports, bound) in [(true, PATIENCE), (false, FIREFOX)] {
        for after_check in [0, 1500, 3000, 4980] {
            let mut scene = Scene::new(31);
            scene.run(2 * FIREFOX + Duration::from_millis(after_check));
            scene.reports = reports;
            scene.bob = rebind(&mut scene.call, scene.bob, 6001);
            let (dark, bound) = (scene.until_seen(), bound + Duration::from_millis(40));
            assert!(dark <= bound, "{dark:?} when it happened {after_check} ms after a check");
            let before = scene.seen();
            scene.run(Duration::from_secs(10));
            assert!(scene.seen() - before >= 490, "all of it, and for good");
        }
    }
}

#[test]
fn a_sender_whose_nat_gives_it_another_port_is_seen_on_without_a_check() {
    let mut scene = Scene::new(32);
    scene.run(2 * FIREFOX + JUST_AFTER);
    scene.alice = rebind(&mut scene.call, scene.alice, 6001);
    assert!(scene.until_seen() <= Duration::from_millis(40));
    scene.run(PATIENCE);
    let asked = scene
        .call
        .peer(scene.alice)
        .told
        .iter()
        .any(|(_, told)| matches!(told, Told::Feedback { .. } | Told::ReceiverReport { .. }));
    assert!(asked, "what is asked and told goes to the new port as well");
}

#[test]
fn a_spare_path_that_is_checked_does_not_take_over_from_a_living_one() {
    let mut scene = Scene::new(33);
    let spare = Path { remote: ([10, 9, 9, 9], 9).into(), ..scene.bob };
    for _ in 0..20 {
        let check = scene.call.peer(scene.bob).check(false);
        scene.call.receive(vec![(spare, check)]);
        scene.run(Duration::from_millis(2500));
        let check = scene.call.peer(scene.bob).check(true);
        scene.call.receive(vec![(scene.bob, check)]);
    }
    let moved = |event: &Event| matches!(event, Event::IceConnected { remote, .. } if *remote == spare.remote);
    assert!(!scene.call.take_events().iter().any(moved));
}

/// Somebody repeats or forges Bob's check so that it seems to come from `victim`.
fn forge(scene: &mut Scene, victim: Path) -> usize {
    let check = scene.call.peer(scene.bob).check(true);
    let len = check.len();
    scene.call.receive(vec![(victim, check)]);
    len
}

/// Somebody who never spoke: all that arrives there is counted and nothing answered.
fn bystander(scene: &mut Scene) -> Path {
    let victim = Path { remote: ([203, 0, 113, 9], 53).into(), ..scene.bob };
    let (_, keys) = scene.call.join_without_keys(99);
    let ice = rotunda_media_core::command::IceCredentials {
        ufrag: "nobody".into(),
        password: "nobody's password".into(),
    };
    let mut peer = support::Peer::new(victim, &ice, &keys);
    peer.deaf = true;
    peer.counts_only = true;
    scene.call.peers.insert(victim, peer);
    victim
}

#[test]
fn a_forged_check_sends_a_bystander_three_times_its_bytes_at_most() {
    let mut scene = Scene::new(34);
    scene.run(2 * FIREFOX);
    let victim = bystander(&mut scene);
    let mut from_there = forge(&mut scene, victim);
    scene.run(Duration::from_secs(30));
    let got = scene.call.peer(victim).bytes;
    assert!(got > 0 && got as u64 <= AMPLIFICATION * from_there as u64, "{got}");
    // Nor do more checks, nor media and reports under the right keys, show that anybody is there.
    for _ in 0..20 {
        from_there += forge(&mut scene, victim);
        let block =
            ReportBlock { ssrc: 20_000, last_sender_report: 12_345, ..ReportBlock::default() };
        let (_, report) = scene.call.peer(scene.bob).rtcp(|out| {
            write_receiver_report(out, 1, &[block; 20]);
        });
        from_there += report.len();
        scene.call.receive(vec![(victim, report)]);
        scene.run(Duration::from_millis(500));
    }
    let got = scene.call.peer(victim).bytes;
    assert!(got as u64 <= AMPLIFICATION * from_there as u64, "{got} for {from_there}");
}

/// Bob's report: from wherever it is sent, it is his.
fn report(scene: &mut Scene) -> Vec<u8> {
    scene.call.peer(scene.bob).rtcp(|out| write_receiver_report(out, 1, &[])).1
}

#[test]
fn a_packet_with_a_forged_source_sends_a_bystander_three_times_its_bytes_at_most() {
    let mut scene = Scene::new(40);
    scene.run(2 * FIREFOX);
    let victim = bystander(&mut scene);
    let authentic = report(&mut scene);
    let mut damaged = authentic.clone();
    damaged[9] ^= 1;
    scene.call.receive(vec![(victim, damaged)]);
    assert_eq!(scene.call.peer(victim).bytes, 0);
    scene.call.receive(vec![(victim, authentic.clone())]);
    let probe = scene.call.peer(victim).bytes;
    assert!(probe > 0, "is anybody there?");
    scene.call.receive(vec![(victim, authentic.clone())]);
    assert_eq!(scene.call.peer(victim).bytes, probe, "it was there before");
    let before = scene.seen();
    scene.run(Duration::from_secs(10));
    assert_eq!(scene.seen() - before, 500, "Bob is where he always was");
    assert_eq!(scene.call.peer(victim).bytes, probe);
    // Bob falls silent, but for what he has seem to come from there.
    scene.reports = false;
    scene.next_check += Duration::from_secs(60);
    let mut from_there = authentic.len() * 2;
    for _ in 0..20 {
        let authentic = report(&mut scene);
        from_there += authentic.len();
        scene.call.receive(vec![(victim, authentic)]);
        scene.run(Duration::from_millis(500));
    }
    let got = scene.call.peer(victim).bytes;
    assert!(got > probe && got as u64 <= AMPLIFICATION * from_there as u64, "{got}");
}

#[test]
fn who_sends_with_the_ssrc_of_somebody_else_is_found_by_checks_alone() {
    let mut scene = Scene::new(41);
    let mallory = scene.call.join(3);
    let taken = scene.call.peer(mallory).rtcp(|out| write_receiver_report(out, 1, &[]));
    scene.call.receive(vec![taken]);
    scene.run(2 * FIREFOX + JUST_AFTER);
    scene.bob = rebind(&mut scene.call, scene.bob, 6001);
    let dark = scene.until_seen();
    assert!(dark > PATIENCE && dark <= FIREFOX + Duration::from_millis(40), "{dark:?}");
    // When he has gone the SSRC leads to nobody.
    scene.call.command(Command::RemoveTransport { transport: TransportId(3) });
    let stray = Path { remote: ([10, 9, 9, 9], 9).into(), ..scene.bob };
    let dropped = scene.call.worker.counters().packets_dropped;
    let report = report(&mut scene);
    scene.call.receive(vec![(stray, report)]);
    assert_eq!(scene.call.worker.counters().packets_dropped, dropped + 1);
}

#[test]
fn a_transport_is_found_by_its_newest_sources() {
    let mut scene = Scene::new(42);
    scene.run(FIREFOX);
    for ssrc in 100..200 {
        let report = scene.call.peer(scene.bob).rtcp(|out| write_receiver_report(out, ssrc, &[]));
        scene.call.receive(vec![report]);
    }
    for (ssrc, found) in [(100, false), (199, true)] {
        let stray = Path { remote: ([10, 9, 9, 9], ssrc as u16).into(), ..scene.bob };
        let (_, report) =
            scene.call.peer(scene.bob).rtcp(|out| write_receiver_report(out, ssrc, &[]));
        scene.call.receive(vec![(stray, report)]);
        assert_eq!(scene.call.worker.is_proven(stray), found, "{ssrc}");
    }
}

#[test]
fn a_stun_server_that_answers_everybody_is_sent_no_more_than_a_bystander() {
    const LONGEST_ANSWER: usize = 100;
    let mut scene = Scene::new(40);
    scene.run(2 * FIREFOX);
    let server = bystander(&mut scene);
    scene.call.peer(server).is_stun_server = true;
    let from_there = forge(&mut scene, server) + LONGEST_ANSWER;
    scene.run(Duration::from_secs(2));
    let got = scene.call.peer(server).bytes;
    assert!(got > 0 && got as u64 <= AMPLIFICATION * from_there as u64, "{got}");
}

#[test]
fn checks_repeated_from_many_addresses_do_not_drive_out_where_the_peer_is() {
    let mut scene = Scene::new(41);
    scene.run(2 * FIREFOX + Duration::from_secs(1));
    for n in 0..2 * MAX_PATHS as u16 {
        let elsewhere = Path { remote: ([203, 0, 113, 10], 7000 + n).into(), ..scene.alice };
        let check = scene.call.peer(scene.alice).check(n == 0);
        scene.call.receive(vec![(elsewhere, check)]);
    }
    let before = scene.seen();
    scene.run(Duration::from_secs(1));
    assert_eq!(scene.seen() - before, 50, "her next check comes later");
}

#[test]
fn who_repeats_checks_leads_nobody_s_media_astray_for_long() {
    let mut scene = Scene::new(35);
    scene.run(2 * FIREFOX);
    let victim = bystander(&mut scene);
    for _ in 0..30 {
        forge(&mut scene, victim);
        scene.run(Duration::from_secs(1));
    }
    let before = scene.seen();
    forge(&mut scene, victim);
    scene.run(Duration::from_secs(2));
    assert_eq!(scene.seen() - before, 100, "Bob is where he always was");
}

#[test]
fn one_who_leaves_probes_unanswered_shows_by_a_report_that_it_moved() {
    let mut scene = Scene::new(36);
    scene.run(2 * FIREFOX);
    scene.call.peer(scene.bob).deaf = true;
    scene.bob = rebind(&mut scene.call, scene.bob, 6002);
    let check = scene.call.peer(scene.bob).check(true);
    scene.call.receive(vec![(scene.bob, check)]);
    let told = scene.call.peer(scene.bob).told.len();
    scene.run(Duration::from_secs(1));
    let limited = scene.seen();
    let report =
        scene.call.peer(scene.bob).told.iter().skip(told).find_map(|(_, told)| match told {
            Told::SenderReport { ntp, .. } => Some((ntp >> 16) as u32),
            _ => None,
        });
    let last_sender_report = report.expect("it is told the time, in which the proof lies");
    let before = scene.seen();
    let block = ReportBlock { ssrc: 20_000, last_sender_report, ..ReportBlock::default() };
    let report = scene.call.peer(scene.bob).rtcp(|out| write_receiver_report(out, 1, &[block]));
    scene.call.receive(vec![report]);
    scene.run(Duration::from_secs(1));
    assert_eq!(scene.seen() - before, 50, "{limited} packets came before the report");
}

#[test]
fn a_handshake_confirms_the_path_that_all_of_it_took() {
    let flight = || Command::SendDtls { transport: TransportId(2), datagram: vec![22; 1200] };
    for strays in [false, true] {
        let mut call = Call::new(37);
        let alice = call.join(1);
        call.deaf = true;
        let (mut bob, keys) = call.join_without_keys(2);
        call.command(flight());
        if strays {
            bob = rebind(&mut call, bob, 6003);
            let check = call.peer(bob).check(true);
            call.receive(vec![(bob, check)]);
            call.command(flight());
        }
        call.command(Command::SetSrtp { transport: TransportId(2), keys });
        call.add_audio(1, 10);
        call.add_consumer(2, 20, 10);
        let mut source = Source::audio(4242, 10);
        for _ in 0..50 {
            let packet = source.sound(30);
            let packet = call.peer(alice).protect(packet);
            call.receive(vec![(alice, packet)]);
            call.pass_ms(20);
        }
        let heard = call.peer(bob).media.len();
        assert_eq!(heard == 50, !strays, "{heard} packets");
    }
}

#[test]
fn a_handshake_that_nobody_answers_ends() {
    let mut call = Call::new(38);
    call.deaf = true;
    let (bob, _) = call.join_without_keys(2);
    for _ in 0..100 {
        call.command(Command::SendDtls { transport: TransportId(2), datagram: vec![22; 1200] });
        call.pass_ms(100);
    }
    let sent = call.peer(bob).bytes;
    assert!((2400..=HANDSHAKE_ALLOWANCE + 600).contains(&sent), "{sent}");
}

#[test]
fn a_forged_check_does_not_take_what_comes_from_somebody_else() {
    let mut scene = Scene::new(39);
    scene.run(FIREFOX);
    let mallory = scene.call.join(3);
    let check = scene.call.peer(mallory).check(true);
    // Alice's browser does not know what to make of the answer.
    scene.call.peer(scene.alice).counts_only = true;
    scene.call.receive(vec![(scene.alice, check)]);
    let before = scene.seen();
    scene.run(Duration::from_secs(2));
    assert_eq!(scene.seen() - before, 100);
}
