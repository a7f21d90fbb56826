//! The lite side of ICE (RFC 8445 section 2.5): answers connectivity checks, never makes any.
//!
//! A peer may use several paths at once and move between them, so every path that a check has
//! proven is kept for [`CONSENT_TIMEOUT`] after its last check. Media goes out over one of them,
//! the selected one: the newest nomination (USE-CANDIDATE), or before any the newest check.

use std::time::{Duration, Instant};

use rotunda_packet::stun::{
    IceRole, Message, TransactionId, write_binding_error, write_binding_success,
};

use crate::command::IceCredentials;
use crate::path::Path;

/// A path without a valid check for so long may no longer be sent to (RFC 7675 section 5.1).
pub const CONSENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Paths that one peer may hold; the one longest without a check gives way.
pub const MAX_PATHS: usize = 8;

/// Something that the owner of the transport wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceChange {
    /// The first valid check, or the selected path is another one now.
    Connected(Path),
    /// The last proven path has expired.
    Disconnected,
}

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
    pub change: Option<IceChange>,
}

/// ICE for one transport.
#[derive(Debug)]
pub struct IceLite {
    credentials: IceCredentials,
    /// Of a restart that no check has used yet.
    restart: Option<IceCredentials>,
    paths: Vec<ProvenPath>,
    selected: Option<Path>,
    /// The peer has nominated in this generation of credentials.
    nominated: bool,
}

#[derive(Debug, Clone, Copy)]
struct ProvenPath {
    path: Path,
    last_check: Instant,
}

/// Why a check is refused.
enum Refusal {
    BadRequest,
    Unauthorized,
    RoleConflict,
}

impl IceLite {
    /// Answers checks for these credentials.
    pub fn new(credentials: IceCredentials) -> Self {
        Self { credentials, restart: None, paths: Vec::new(), selected: None, nominated: false }
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
        let dropped = self.prove(now, path);
        let change = self.select(path, request.use_candidate());
        CheckOutcome { validated: true, dropped, retired_ufrag, change }
    }

    /// Forgets paths that expired by `now`; `on_dropped` is called for each.
    pub fn expire(&mut self, now: Instant, mut on_dropped: impl FnMut(Path)) -> Option<IceChange> {
        self.paths.retain(|proven| {
            let alive = now.saturating_duration_since(proven.last_check) < CONSENT_TIMEOUT;
            if !alive {
                on_dropped(proven.path);
            }
            alive
        });
        self.reselect()
    }

    /// Forgets a path that can carry nothing any more.
    pub fn close(&mut self, path: Path) -> Option<IceChange> {
        self.paths.retain(|proven| proven.path != path);
        self.reselect()
    }

    /// When [`IceLite::expire`] has something to do next; `None` while there is no path.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.paths.iter().map(|proven| proven.last_check + CONSENT_TIMEOUT).min()
    }

    /// Where to send. `None`: not connected.
    pub fn selected(&self) -> Option<Path> {
        self.selected
    }

    /// Every path that is proven now.
    pub fn paths(&self) -> impl Iterator<Item = Path> + '_ {
        self.paths.iter().map(|proven| proven.path)
    }

    /// Whose credentials the check was made with (RFC 8489 section 9.1.3, RFC 8445 section 7.3).
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
        self.nominated = false;
        Some(std::mem::replace(&mut self.credentials, new).ufrag)
    }

    /// Notes the check; returns a path that had to give way.
    fn prove(&mut self, now: Instant, path: Path) -> Option<Path> {
        if let Some(known) = self.paths.iter_mut().find(|proven| proven.path == path) {
            known.last_check = now;
            return None;
        }
        let selected = self.selected;
        let full = self.paths.len() >= MAX_PATHS;
        let dropped = full.then(|| {
            let others = self.paths.iter().enumerate();
            let oldest = others
                .filter(|(_, proven)| Some(proven.path) != selected)
                .min_by_key(|(_, proven)| proven.last_check)
                .map(|(index, _)| index);
            oldest.map(|index| self.paths.swap_remove(index).path)
        });
        self.paths.push(ProvenPath { path, last_check: now });
        dropped.flatten()
    }

    /// Where the selected path is gone, takes the next best: a nomination ends with its path.
    fn reselect(&mut self) -> Option<IceChange> {
        let selected = self.selected?;
        if self.paths.iter().any(|proven| proven.path == selected) {
            return None;
        }
        self.nominated = false;
        let newest = self.paths.iter().max_by_key(|proven| proven.last_check);
        self.selected = newest.map(|proven| proven.path);
        Some(self.selected.map_or(IceChange::Disconnected, IceChange::Connected))
    }

    /// Follows the newest nomination; before any, the newest check.
    fn select(&mut self, path: Path, nominates: bool) -> Option<IceChange> {
        self.nominated |= nominates;
        if self.selected == Some(path) || (self.nominated && !nominates) {
            return None;
        }
        self.selected = Some(path);
        Some(IceChange::Connected(path))
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
    };
    write_binding_error(response, transaction, code, reason, key);
}
