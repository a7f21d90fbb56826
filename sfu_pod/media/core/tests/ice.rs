//! ICE-lite as a peer sees it: checks in, answers and selected paths out, on virtual time.

use std::time::{Duration, Instant};

use rotunda_media_core::command::IceCredentials;
use rotunda_media_core::ice::{CONSENT_TIMEOUT, CheckOutcome, IceLite, MAX_PATHS};
use rotunda_media_core::id::ListenerId;
use rotunda_media_core::path::{Path, PathChange};
use rotunda_packet::stun::{
    Class, IceRole, Message, TransactionId, write_binding_request, write_binding_request_with,
};

const SECOND: Duration = Duration::from_secs(1);
const CONTROLLING: IceRole = IceRole::Controlling(1);

fn credentials(generation: u8) -> IceCredentials {
    IceCredentials {
        ufrag: format!("ours{generation}"),
        password: format!("password-of-generation-{generation}"),
    }
}

fn path(port: u16) -> Path {
    Path { listener: ListenerId(0), remote: ([192, 0, 2, 1], port).into() }
}

/// One agent, one clock, one peer.
struct Scene {
    ice: IceLite,
    now: Instant,
    response: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let ice = IceLite::new(credentials(1));
        Self { ice, now: Instant::now(), response: Vec::new() }
    }

    /// A valid check with the first credentials.
    fn check(&mut self, port: u16, nominate: bool) -> CheckOutcome {
        self.check_with(&credentials(1), port, nominate)
    }

    fn check_with(&mut self, with: &IceCredentials, port: u16, nominate: bool) -> CheckOutcome {
        self.now += Duration::from_millis(1);
        let outcome = self.send(with, CONTROLLING, port, nominate);
        assert_eq!(outcome.validated, self.answer_code().is_none());
        outcome
    }

    fn send(
        &mut self,
        with: &IceCredentials,
        role: IceRole,
        port: u16,
        nominate: bool,
    ) -> CheckOutcome {
        let (mut request, username) = (Vec::new(), format!("{}:theirs", with.ufrag));
        let key = with.password.as_bytes();
        let id = TransactionId([7; 12]);
        write_binding_request(&mut request, id, &username, role, 1, nominate, key);
        let request = Message::parse(&request).unwrap();
        self.response.clear();
        self.ice.handle_request(self.now, path(port), &request, &mut self.response)
    }

    /// The error code of the last answer, `None` for success.
    fn answer_code(&self) -> Option<u16> {
        Message::parse(&self.response).unwrap().error_code()
    }

    fn expire(&mut self) -> (Option<PathChange>, Vec<Path>) {
        let mut dropped = Vec::new();
        let change = self.ice.expire(self.now, |path| dropped.push(path));
        (change, dropped)
    }
}

#[test]
fn a_valid_check_is_answered_and_connects() {
    let mut scene = Scene::new();
    assert_eq!((scene.ice.selected(), scene.ice.next_expiry()), (None, None));
    let outcome = scene.check(1, false);
    assert_eq!(outcome.change, Some(PathChange::Connected(path(1))));
    let answer = Message::parse(&scene.response).unwrap();
    assert_eq!(answer.class(), Class::Success);
    assert_eq!(answer.transaction_id(), TransactionId([7; 12]));
    assert_eq!(answer.xor_mapped_address(), Some(path(1).remote));
    assert!(answer.has_fingerprint());
    assert!(answer.verify_integrity(credentials(1).password.as_bytes()));
    assert_eq!(scene.ice.selected(), Some(path(1)));
    assert_eq!(scene.check(1, false).change, None, "nothing new");
}

#[test]
fn checks_that_prove_nothing_are_refused() {
    let mut scene = Scene::new();
    let wrong_password = IceCredentials { password: "guess".into(), ..credentials(1) };
    for with in [wrong_password, credentials(2)] {
        assert_eq!(scene.send(&with, CONTROLLING, 1, true), CheckOutcome::default());
        assert_eq!(scene.answer_code(), Some(401));
        assert!(!Message::parse(&scene.response).unwrap().has_integrity());
    }
    assert_eq!(scene.ice.selected(), None);
    assert_eq!(scene.ice.paths().count(), 0);
}

#[test]
fn a_check_without_integrity_is_a_bad_request() {
    let mut scene = Scene::new();
    let mut bare = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    bare.extend([0; 12]);
    let request = Message::parse(&bare).unwrap();
    let outcome = scene.ice.handle_request(scene.now, path(1), &request, &mut scene.response);
    assert_eq!((outcome, scene.answer_code()), (CheckOutcome::default(), Some(400)));
}

#[test]
fn a_check_with_attributes_that_we_do_not_know_but_should_is_refused() {
    let mut scene = Scene::new();
    // CHANGE-REQUEST (RFC 5780) in place of PRIORITY, which nobody has to understand as little.
    let mut request = Vec::new();
    let key = credentials(1).password;
    let attributes = [(0x0003, &[0, 0, 0, 6][..]), (0xc057, &[0, 0, 0, 1][..])];
    write_binding_request_with(
        &mut request,
        TransactionId([7; 12]),
        "ours1:theirs",
        CONTROLLING,
        &attributes,
        key.as_bytes(),
    );
    let request = Message::parse(&request).unwrap();
    let outcome = scene.ice.handle_request(scene.now, path(1), &request, &mut scene.response);
    assert_eq!((outcome, scene.answer_code()), (CheckOutcome::default(), Some(420)));
    let answer = Message::parse(&scene.response).unwrap();
    assert_eq!(answer.unknown_attributes().collect::<Vec<_>>(), [0x0003]);
    assert!(answer.verify_integrity(key.as_bytes()));
    assert_eq!(scene.ice.selected(), None);
}

#[test]
fn other_messages_get_no_answer() {
    let mut scene = Scene::new();
    scene.check(1, false);
    let answer = scene.response.clone();
    scene.response.clear();
    let message = Message::parse(&answer).unwrap();
    let outcome = scene.ice.handle_request(scene.now, path(2), &message, &mut scene.response);
    assert_eq!((outcome, scene.response.len()), (CheckOutcome::default(), 0));
}

#[test]
fn a_peer_that_wants_to_be_controlled_is_told_of_the_conflict() {
    let mut scene = Scene::new();
    let outcome = scene.send(&credentials(1), IceRole::Controlled(u64::MAX), 1, false);
    assert_eq!((outcome, scene.answer_code()), (CheckOutcome::default(), Some(487)));
    let answer = Message::parse(&scene.response).unwrap();
    assert!(answer.verify_integrity(credentials(1).password.as_bytes()));
}

#[test]
fn the_newest_check_is_followed_until_the_first_nomination() {
    let mut scene = Scene::new();
    scene.check(1, false);
    assert_eq!(scene.check(2, false).change, Some(PathChange::Connected(path(2))));
    assert_eq!(scene.check(1, true).change, Some(PathChange::Connected(path(1))));
    assert_eq!(scene.check(2, false).change, None);
    assert_eq!(scene.ice.selected(), Some(path(1)));
    assert_eq!(scene.check(2, true).change, Some(PathChange::Connected(path(2))));
    assert_eq!(scene.check(3, true).change, Some(PathChange::Connected(path(3))), "moved address");
    assert_eq!(scene.ice.paths().count(), 3, "every proven path is kept");
}

#[test]
fn paths_are_bounded_and_the_selected_one_stays() {
    let mut scene = Scene::new();
    scene.check(1, true);
    for port in 2..=MAX_PATHS as u16 {
        assert_eq!(scene.check(port, false).dropped, None);
    }
    scene.check(2, false);
    assert_eq!(scene.check(100, false).dropped, Some(path(3)), "longest without a check");
    assert_eq!(scene.check(101, false).dropped, Some(path(4)));
    assert_eq!(scene.ice.paths().count(), MAX_PATHS);
    assert_eq!(scene.ice.selected(), Some(path(1)));
}

#[test]
fn silence_disconnects_and_a_later_check_connects_again() {
    let mut scene = Scene::new();
    scene.check(1, true);
    let expiry = scene.now + CONSENT_TIMEOUT;
    assert_eq!(scene.ice.next_expiry(), Some(expiry));
    scene.now = expiry - Duration::from_millis(1);
    assert_eq!(scene.expire(), (None, vec![]));
    scene.now = expiry;
    assert_eq!(scene.expire(), (Some(PathChange::Disconnected), vec![path(1)]));
    assert_eq!(scene.expire(), (None, vec![]), "told once");
    assert_eq!((scene.ice.selected(), scene.ice.next_expiry()), (None, None));
    assert_eq!(scene.check(1, false).change, Some(PathChange::Connected(path(1))));
}

#[test]
fn checks_keep_consent_alive() {
    let mut scene = Scene::new();
    for _ in 0..10 {
        scene.check(1, true);
        scene.now += 25 * SECOND;
        assert_eq!(scene.expire(), (None, vec![]));
    }
}

#[test]
fn when_the_selected_path_dies_the_newest_other_one_takes_over() {
    let mut scene = Scene::new();
    scene.check(1, true);
    scene.check(2, false);
    scene.now += 20 * SECOND;
    scene.check(3, false);
    scene.check(2, false);
    scene.now += 15 * SECOND;
    assert_eq!(scene.expire(), (Some(PathChange::Connected(path(2))), vec![path(1)]));
    assert_eq!(scene.check(3, false).change, Some(PathChange::Connected(path(3))), "not nominated");
}

#[test]
fn a_restart_retires_the_old_credentials_with_the_first_new_check() {
    let mut scene = Scene::new();
    scene.check(1, true);
    assert_eq!(scene.ice.restart(credentials(2)), None);
    let old = scene.check(1, true);
    assert!(old.validated && old.retired_ufrag.is_none(), "the old ones still work");
    let new = scene.check_with(&credentials(2), 2, false);
    assert_eq!(new.retired_ufrag, Some("ours1".into()));
    assert_eq!(new.change, Some(PathChange::Connected(path(2))), "nomination begins anew");
    assert!(!scene.check(1, true).validated);
    assert_eq!(scene.answer_code(), Some(401));
    assert_eq!(scene.check_with(&credentials(2), 2, true).retired_ufrag, None);
    assert_eq!(scene.ice.selected(), Some(path(2)));
}

#[test]
fn a_restart_that_nobody_used_gives_way_to_the_next() {
    let mut scene = Scene::new();
    scene.check(1, true);
    scene.ice.restart(credentials(2));
    assert_eq!(scene.ice.restart(credentials(3)), Some("ours2".into()));
    assert!(!scene.check_with(&credentials(2), 1, true).validated);
    assert!(scene.check(1, true).validated, "the first ones still work");
    assert_eq!(scene.check_with(&credentials(3), 1, true).retired_ufrag, Some("ours1".into()));
}

#[test]
fn a_path_that_closes_gives_way_at_once() {
    let mut scene = Scene::new();
    scene.check(1, false);
    scene.check(2, false);
    scene.check(3, true);
    assert_eq!(scene.ice.close(scene.now, path(1)), None, "another one is selected");
    assert_eq!(scene.ice.close(scene.now, path(3)), Some(PathChange::Connected(path(2))));
    assert_eq!(scene.ice.close(scene.now, path(3)), None, "twice is no news");
    assert_eq!(scene.ice.close(scene.now, path(2)), Some(PathChange::Disconnected));
    assert_eq!((scene.ice.selected(), scene.ice.next_expiry()), (None, None));
    assert_eq!(scene.check(2, false).change, Some(PathChange::Connected(path(2))));
}
