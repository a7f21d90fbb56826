//! The lite side of ICE (RFC 8445 section 2.5): answers connectivity checks, never makes any.
//!
//! A peer may use several paths at once and move between them, so every path that a valid check, or
//! at first a packet under its keys, came on is kept for [`CONSENT_TIMEOUT`] after its last check.
//! Media goes out over one of them, the selected one; [`paths`] says which, and how much of it
//! before the peer has shown to be there.

mod paths;

use std::time::{Duration, Instant};

use rotunda_packet::stun::{
    Class, IceRole, Message, TransactionId, write_binding_error, write_binding_success,
    write_unknown_attributes,
};

use crate::command::IceCredentials;
use crate::path::{Path, PathChange};
use paths::Paths;

pub use paths::{AMPLIFICATION, CONSENT_TIMEOUT, HANDSHAKE_ALLOWANCE, MAX_PATHS, PATIENCE};

/// What a check led to, besides its answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckOutcome {
    /// The check was valid: its path may be used, and datagrams from it belong to this transport.
    pub validated: bool,
    /// A path that gave way to the new one.
    pub dropped: Option<Path>,
    /// A username fragment that is no longer accepted: its restart is complete.
    pub retired_ufrag: Option<String>,
    /// Tell the owner.
    pub change: Option<PathChange>,
}

/// ICE for one transport.
#[derive(Debug)]
pub struct IceLite {
    credentials: IceCredentials,
    /// Of a restart that no check has used yet.
    restart: Option<IceCredentials>,
    paths: Paths,
}

/// Why a check is refused.
enum Refusal {
    BadRequest,
    Unauthorized,
    /// Attributes that must be understood and are not.
    Unknown(Vec<u16>),
    RoleConflict,
}

impl IceLite {
    /// Answers checks for these credentials.
    pub fn new(credentials: IceCredentials) -> Self {
        Self { credentials, restart: None, paths: Paths::default() }
    }

    /// Accepts new credentials as well; the first valid check with them retires the old ones
    /// ([`CheckOutcome::retired_ufrag`]). Returns the username fragment of an earlier restart that
    /// no check had used yet: this one takes its place.
    pub fn restart(&mut self, credentials: IceCredentials) -> Option<String> {
        self.restart.replace(credentials).map(|unused| unused.ufrag)
    }

    /// Handles a Binding request whose USERNAME names this transport, and appends the answer, to be
    /// sent back on the same path, to `response`. Other messages are ignored: nothing is appended.
    pub fn handle_request(
        &mut self,
        now: Instant,
        path: Path,
        request: &Message<'_>,
        response: &mut Vec<u8>,
    ) -> CheckOutcome {
        if !request.is_binding_request() {
            return CheckOutcome::default();
        }
        let transaction = request.transaction_id();
        match self.authenticate(request) {
            Ok(credentials) => {
                let key = credentials.password.as_bytes();
                write_binding_success(response, transaction, path.remote, key);
            }
            Err((refusal, key)) => {
                refuse(response, transaction, &refusal, key);
                return CheckOutcome::default();
            }
        }
        let retired_ufrag = self.finish_restart(request);
        let dropped = self.paths.checked(now, path, request.len());
        let change = self.paths.choose(now, path, request.use_candidate());
        CheckOutcome { validated: true, dropped, retired_ufrag, change }
    }

    /// Appends a request whose answer confirms the path, if it needs that: to be sent after the
    /// answer to a check, which had `answer` bytes.
    pub fn write_probe(&mut self, path: Path, answer: usize, out: &mut Vec<u8>) {
        self.paths.write_probe(path, answer, out);
    }

    /// An answer to a request came on `path`. Returns whether it confirmed the path: as a refusal,
    /// which is what an agent owes to a probe. A success is a STUN server's.
    pub fn handle_answer(&mut self, path: Path, answer: &Message<'_>) -> bool {
        answer.class() == Class::Error && self.paths.answered(path, answer.transaction_id())
    }

    /// Whether a valid check or something authentic came on the path.
    #[inline]
    pub fn knows(&self, path: Path) -> bool {
        self.paths.knows(path)
    }

    /// So many authentic bytes came on a path that was not known. Returns a path that had to give
    /// way; a probe is to be sent there.
    pub fn appeared(&mut self, now: Instant, path: Path, bytes: usize) -> Option<Path> {
        self.paths.appeared(now, path, bytes)
    }

    /// Something came on a path that is not a check.
    pub fn received(&mut self, path: Path, bytes: usize) {
        self.paths.received(path, bytes);
    }

    /// What came on the path was authentic: evidence that the peer is there.
    pub fn heard(&mut self, now: Instant, path: Path) -> Option<PathChange> {
        self.paths.heard(now, path)
    }

    /// Whether the peer was heard on the path lately: then it is nobody else's.
    pub fn is_lively(&self, now: Instant, path: Path) -> bool {
        self.paths.is_lively(now, path)
    }

    /// Whether so many bytes may be sent over the selected path; they then count as sent.
    #[inline]
    pub fn grant(&mut self, bytes: usize) -> bool {
        self.paths.grant(bytes)
    }

    /// The same for a datagram of DTLS before the keys are there.
    pub fn grant_handshake(&mut self, bytes: usize) -> bool {
        self.paths.grant_handshake(bytes)
    }

    /// The DTLS handshake is over, or there is none.
    pub fn handshake_done(&mut self) {
        self.paths.handshake_done();
    }

    /// The peer has not shown yet that it is where we send to: it gets little.
    pub fn is_limited(&self) -> bool {
        self.paths.is_limited()
    }

    /// How long the next sender report shall wait, so that only who gets it can know its time.
    /// `None`: the selected path needs no such proof.
    pub fn report_delay(&self) -> Option<Duration> {
        self.paths.report_delay()
    }

    /// A sender report is sent; reports name it by the middle 32 bits of its NTP time.
    pub fn report_sent(&mut self, ntp_middle: u32) {
        self.paths.report_sent(ntp_middle);
    }

    /// A report came on `path` and names a sender report. Returns whether it confirmed the path.
    pub fn reported(&mut self, path: Path, ntp_middle: u32) -> bool {
        self.paths.reported(path, ntp_middle)
    }

    /// Forgets paths that expired by `now`, for each of which `on_dropped` is called, and leaves a
    /// selected path that was silent for too long.
    pub fn expire(&mut self, now: Instant, on_dropped: impl FnMut(Path)) -> Option<PathChange> {
        self.paths.expire(now, on_dropped)
    }

    /// Forgets a path that can carry nothing any more.
    pub fn close(&mut self, now: Instant, path: Path) -> Option<PathChange> {
        self.paths.close(now, path)
    }

    /// When [`IceLite::expire`] has something to do next; `None` while there is no path.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.paths.next_expiry()
    }

    /// Where to send. `None`: not connected.
    #[inline]
    pub fn selected(&self) -> Option<Path> {
        self.paths.selected()
    }

    /// Every path that valid checks came on and that has consent.
    pub fn paths(&self) -> impl Iterator<Item = Path> + '_ {
        self.paths.iter()
    }

    /// Whose credentials the check was made with (RFC 8489 sections 6.3.1 and 9.1.3, RFC 8445
    /// section 7.3).
    /// A refusal comes with the key to sign it with, if any.
    fn authenticate(
        &self,
        request: &Message<'_>,
    ) -> Result<&IceCredentials, (Refusal, Option<&[u8]>)> {
        if !request.has_integrity() || request.username().is_none() {
            return Err((Refusal::BadRequest, None));
        }
        let ours = request.ufrags().map(|(ours, _)| ours);
        let credentials = std::iter::once(&self.credentials)
            .chain(&self.restart)
            .find(|credentials| Some(credentials.ufrag.as_str()) == ours)
            .filter(|credentials| request.verify_integrity(credentials.password.as_bytes()))
            .ok_or((Refusal::Unauthorized, None))?;
        let unknown: Vec<u16> = request.unknown_required().collect();
        if !unknown.is_empty() {
            return Err((Refusal::Unknown(unknown), Some(credentials.password.as_bytes())));
        }
        // A lite agent is controlled and stays so (RFC 8445 section 6.1.1).
        if let Some(IceRole::Controlled(_)) = request.ice_role() {
            return Err((Refusal::RoleConflict, Some(credentials.password.as_bytes())));
        }
        Ok(credentials)
    }

    /// A valid check with the new credentials retires the old and begins a new nomination.
    fn finish_restart(&mut self, request: &Message<'_>) -> Option<String> {
        let ours = request.ufrags().map(|(ours, _)| ours);
        let new = self.restart.take_if(|new| Some(new.ufrag.as_str()) == ours)?;
        self.paths.restart();
        Some(std::mem::replace(&mut self.credentials, new).ufrag)
    }
}

fn refuse(
    response: &mut Vec<u8>,
    transaction: TransactionId,
    refusal: &Refusal,
    key: Option<&[u8]>,
) {
    let (code, reason) = match refusal {
        Refusal::BadRequest => (400, "Bad Request"),
        Refusal::Unauthorized => (401, "Unauthorized"),
        Refusal::RoleConflict => (487, "Role Conflict"),
        Refusal::Unknown(attributes) => {
            return write_unknown_attributes(response, transaction, attributes, key);
        }
    };
    write_binding_error(response, transaction, code, reason, key);
}
