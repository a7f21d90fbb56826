//! The paths of one peer, and which of them is sent over.
//!
//! # Which path is selected
//!
//! The newest nomination (USE-CANDIDATE), or before any the newest check. A nomination is a wish
//! and no sign of life: where a NAT gives the peer another port, or its device another network, the
//! old path is silent while checks and media come over a new one, which some agents never nominate
//! (Firefox's checks carry no USE-CANDIDATE once a pair is nominated). So every valid check and
//! every authenticated packet is evidence for its path, and a selected path that was silent for
//! [`PATIENCE`] gives way to the one that was heard last, if that was after it. Packets are heard
//! from unknown addresses as well, if they are authentic for a peer that sent with their SSRC
//! before: the next check may be 6 s away.
//!
//! # What may be sent there
//!
//! A check, or a packet from an unknown address, proves that its sender knows the password or the
//! keys, not that it is where it says: an observer can repeat somebody's check from elsewhere or be
//! ahead of somebody's packet with a copy, and a participant can forge the source of his own, to
//! have the media of a room sent to a victim. Further checks, media and reports from there can be
//! forged as well by who has the keys. So a path counts as *claimed* until something shows that
//! what we send there arrives, and a claimed path gets at most [`AMPLIFICATION`] times the bytes
//! that came from it (the model is RFC 9000 sections 8.1 and 9.3). It is confirmed by what only its
//! holder can know:
//!
//! - The answer to a probe. After the answer to each check, and after the first packet from an
//!   unknown address, goes a Binding request without credentials, of 28 bytes and with 96 random
//!   bits as its transaction id. An agent must refuse it with an error that repeats the id (RFC
//!   8489 section 9.1.3); as lite agent we could make no request that would be accepted, as we are
//!   never told the peer's password. This takes one round trip, in which browsers do not get as far
//!   as DTLS: joins wait for nothing. A success does not count: public STUN servers answer
//!   everybody so, and would be flooded. That it is this agent and not another one who refuses
//!   cannot be told.
//! - A report about what we sent there, from peers that leave probes unanswered: one that names
//!   a sender report which went to that path alone, at a random time. Its time has some 15 bits
//!   that cannot be guessed, and two wrong guesses end this way.
//! - The DTLS handshake, if all that we sent of it went over this path: the peer's last flight
//!   depends on it. Until then the peer is allowed [`HANDSHAKE_ALLOWANCE`] more, once a transport.
//!
//! A claimed path that is not confirmed within [`PATIENCE`] gives way to a confirmed one that is
//! still heard (RFC 9000 section 9.3.2), and is not selected by nomination again before it is
//! confirmed: who repeats checks cannot lead somebody's media astray for long.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rotunda_packet::stun::{TransactionId, write_probe};

use crate::path::{Path, PathChange};

/// A path without a valid check for so long may no longer be sent to (RFC 7675 section 5.1).
pub const CONSENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Paths that one peer may hold; the one longest without a check gives way, a claimed one first:
/// repeated checks from many addresses do not drive out where the peer is.
pub const MAX_PATHS: usize = 8;

/// How long a selected path may be silent while another one is heard. Longer than the 2.5 s between
/// Chromium's checks of the pair that it uses, else its checks of spare pairs would win.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// What a claimed path may get, in times of what came from it (RFC 9000 section 8.1).
pub const AMPLIFICATION: u64 = 3;

/// Bytes of DTLS that a claimed path may get besides: two flights.
pub const HANDSHAKE_ALLOWANCE: usize = 4096;

/// Reports that name a sender report which nobody was sent.
const MAX_WRONG_REPORTS: u8 = 2;
/// Sender reports by which a path may be confirmed: the first may be lost.
const KEPT_REPORTS: usize = 4;

/// All paths of one peer that valid checks came on.
#[derive(Debug, Default)]
pub(super) struct Paths {
    known: Vec<Known>,
    selected: Option<Path>,
    selected_at: Option<Instant>,
    /// The peer has nominated in this generation of credentials.
    nominated: bool,
    /// The selected path is only claimed.
    limited: bool,
    handshake: Handshake,
    handshake_sent: usize,
    /// The newest sender report of all that went to confirmed paths.
    last_report: Option<u32>,
}

#[derive(Debug)]
struct Known {
    path: Path,
    last_check: Instant,
    /// The last valid check or authenticated packet.
    heard: Instant,
    /// `None`: what we send there arrives.
    claim: Option<Claim>,
}

/// The peer says that it is there, and nothing has shown it yet. Counts bytes.
#[derive(Debug, Default)]
struct Claim {
    received: u64,
    sent: u64,
    /// `None`: this machine had no random bytes.
    probe: Option<TransactionId>,
    /// Of the newest sender reports that went there: the middle 32 bits of their NTP times.
    reports: VecDeque<u32>,
    wrong_reports: u8,
    /// It was selected and not confirmed in time.
    failed: bool,
}

/// Where our part of the DTLS handshake went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Handshake {
    #[default]
    Unsent,
    Over(Path),
    OverSeveral,
    /// The keys came from the owner, who had no handshake: the first path needs no other proof.
    NotNeeded,
    Done,
}

impl Paths {
    pub(super) fn selected(&self) -> Option<Path> {
        self.selected
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Path> + '_ {
        self.known.iter().map(|known| known.path)
    }

    /// Notes a valid check of `bytes`; returns a path that had to give way.
    pub(super) fn checked(&mut self, now: Instant, path: Path, bytes: usize) -> Option<Path> {
        let dropped = if self.knows(path) { None } else { self.add(now, path) };
        if let Some(known) = self.get_mut(path) {
            (known.last_check, known.heard) = (now, now);
        }
        self.received(path, bytes);
        dropped
    }

    /// Authentic bytes came on a path that is not known; returns a path that had to give way.
    pub(super) fn appeared(&mut self, now: Instant, path: Path, bytes: usize) -> Option<Path> {
        let dropped = self.add(now, path);
        self.received(path, bytes);
        dropped
    }

    #[inline]
    pub(super) fn knows(&self, path: Path) -> bool {
        self.get(path).is_some()
    }

    /// Bytes came on a path.
    pub(super) fn received(&mut self, path: Path, bytes: usize) {
        if let Some(claim) = self.claim(path) {
            claim.received += bytes as u64;
        }
    }

    /// An authenticated packet came on a path.
    pub(super) fn heard(&mut self, now: Instant, path: Path) -> Option<PathChange> {
        self.get_mut(path)?.heard = now;
        if self.selected == Some(path) { None } else { self.follow(now) }
    }

    /// Whether the peer was heard on the path lately.
    pub(super) fn is_lively(&self, now: Instant, path: Path) -> bool {
        let heard = self.get(path).map(|known| known.heard);
        heard.is_some_and(|heard| now.saturating_duration_since(heard) < PATIENCE)
    }

    /// Follows the newest nomination; before any, the newest check; after silence, the evidence.
    pub(super) fn choose(
        &mut self,
        now: Instant,
        path: Path,
        nominates: bool,
    ) -> Option<PathChange> {
        let failed = self.get(path)?.claim.as_ref().is_some_and(|claim| claim.failed);
        self.nominated |= nominates && !failed;
        if self.selected == Some(path) {
            return None;
        }
        if (nominates || !self.nominated) && !failed {
            return Some(self.select(now, path));
        }
        self.follow(now)
    }

    /// A new generation of credentials: the next nomination or check is followed.
    pub(super) fn restart(&mut self) {
        self.nominated = false;
    }

    /// Forgets paths whose consent has expired, and leaves a selected one without evidence.
    pub(super) fn expire(
        &mut self,
        now: Instant,
        mut on_dropped: impl FnMut(Path),
    ) -> Option<PathChange> {
        self.known.retain(|known| {
            let alive = now.saturating_duration_since(known.last_check) < CONSENT_TIMEOUT;
            if !alive {
                on_dropped(known.path);
            }
            alive
        });
        self.reselect(now).or_else(|| self.follow(now))
    }

    pub(super) fn close(&mut self, now: Instant, path: Path) -> Option<PathChange> {
        self.known.retain(|known| known.path != path);
        self.reselect(now)
    }

    /// When [`Paths::expire`] has something to do next.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let consent = self.known.iter().map(|known| known.last_check + CONSENT_TIMEOUT).min();
        let silence = self.rival().map(|(since, _)| since + PATIENCE);
        consent.into_iter().chain(silence).min()
    }

    /// Whether so many bytes may go to the selected path; they then count.
    #[inline]
    pub(super) fn grant(&mut self, bytes: usize) -> bool {
        !self.limited || self.grant_claimed(bytes)
    }

    /// The same for a datagram of the handshake.
    pub(super) fn grant_handshake(&mut self, bytes: usize) -> bool {
        self.handshake = match (self.handshake, self.selected) {
            (Handshake::Unsent, Some(path)) => Handshake::Over(path),
            (Handshake::Over(before), Some(path)) if before != path => Handshake::OverSeveral,
            (same, _) => same,
        };
        if self.grant(bytes) {
            return true;
        }
        let more = self.handshake_sent + bytes;
        let allowed = self.handshake != Handshake::Done && more <= HANDSHAKE_ALLOWANCE;
        if allowed {
            self.handshake_sent = more;
        }
        allowed
    }

    /// The keys are there: the peer had all that we sent of the handshake.
    pub(super) fn handshake_done(&mut self) {
        let proven = match self.handshake {
            Handshake::Over(path) => Some(path),
            Handshake::Unsent => self.selected,
            _ => None,
        };
        let first_comes_later = self.handshake == Handshake::Unsent && proven.is_none();
        self.handshake = match first_comes_later {
            true => Handshake::NotNeeded,
            false => Handshake::Done,
        };
        if let Some(path) = proven {
            self.confirm(path);
        }
    }

    /// Appends a probe for a claimed path. It counts as sent, like the `answer` to the check before.
    pub(super) fn write_probe(&mut self, path: Path, answer: usize, out: &mut Vec<u8>) {
        let Some(claim) = self.claim(path) else { return };
        let before = out.len();
        if let Some(id) = claim.probe {
            write_probe(out, id);
        }
        claim.sent += (answer + out.len() - before) as u64;
    }

    /// A refusal came: whether it confirmed its path.
    pub(super) fn answered(&mut self, path: Path, id: TransactionId) -> bool {
        let right = self.claim(path).is_some_and(|claim| claim.probe == Some(id));
        right && self.confirm(path)
    }

    /// Nothing has shown yet that the peer is where we send to.
    pub(super) fn is_limited(&self) -> bool {
        self.limited
    }

    /// How long the next sender report to a claimed path shall wait: nobody can guess it.
    pub(super) fn report_delay(&self) -> Option<Duration> {
        let claim = self.get(self.selected?)?.claim.as_ref()?;
        let [high, low, ..] = TransactionId::random().or(claim.probe)?.0;
        Some(Duration::from_micros(15 * u64::from(u16::from_be_bytes([high, low]) >> 1)))
    }

    /// A sender report went over the selected path.
    pub(super) fn report_sent(&mut self, ntp_middle: u32) {
        match self.selected.and_then(|path| self.claim(path)) {
            Some(claim) if claim.reports.front() == Some(&ntp_middle) => {}
            Some(claim) => {
                claim.reports.truncate(KEPT_REPORTS - 1);
                claim.reports.push_front(ntp_middle);
            }
            None => self.last_report = Some(ntp_middle),
        }
    }

    /// A report came that names a sender report of ours: whether it confirmed its path.
    pub(super) fn reported(&mut self, path: Path, ntp_middle: u32) -> bool {
        // What reached the peer on another path before says nothing of this one.
        let is_old = |last: u32| last.wrapping_sub(ntp_middle) < 1 << 31;
        let is_old = self.last_report.is_some_and(is_old);
        let Some(claim) = self.claim(path).filter(|_| !is_old) else { return false };
        let guessed_enough = claim.wrong_reports >= MAX_WRONG_REPORTS;
        let right = claim.reports.contains(&ntp_middle);
        claim.wrong_reports += u8::from(!right && !guessed_enough);
        right && !guessed_enough && self.confirm(path)
    }

    fn get(&self, path: Path) -> Option<&Known> {
        self.known.iter().find(|known| known.path == path)
    }

    fn get_mut(&mut self, path: Path) -> Option<&mut Known> {
        self.known.iter_mut().find(|known| known.path == path)
    }

    fn claim(&mut self, path: Path) -> Option<&mut Claim> {
        self.get_mut(path)?.claim.as_mut()
    }

    fn confirm(&mut self, path: Path) -> bool {
        let taken = self.get_mut(path).and_then(|known| known.claim.take());
        self.limited &= self.selected != Some(path);
        taken.is_some()
    }

    fn grant_claimed(&mut self, bytes: usize) -> bool {
        let Some(claim) = self.selected.and_then(|path| self.claim(path)) else { return true };
        let sent = claim.sent + bytes as u64;
        let enough = sent <= AMPLIFICATION * claim.received;
        if enough {
            claim.sent = sent;
        }
        enough
    }

    fn add(&mut self, now: Instant, path: Path) -> Option<Path> {
        let dropped = self.make_room();
        let claim = if self.handshake == Handshake::NotNeeded {
            self.handshake = Handshake::Done;
            None
        } else {
            Some(Claim { probe: TransactionId::random(), ..Claim::default() })
        };
        self.known.push(Known { path, last_check: now, heard: now, claim });
        dropped
    }

    fn make_room(&mut self) -> Option<Path> {
        if self.known.len() < MAX_PATHS {
            return None;
        }
        let others = self.known.iter().enumerate();
        let first_to_go = others
            .filter(|(_, known)| Some(known.path) != self.selected)
            .min_by_key(|(_, known)| (known.claim.is_none(), known.last_check))
            .map(|(index, _)| index);
        first_to_go.map(|index| self.known.swap_remove(index).path)
    }

    fn select(&mut self, now: Instant, path: Path) -> PathChange {
        self.selected = Some(path);
        self.selected_at = Some(now);
        self.limited = self.get(path).is_some_and(|known| known.claim.is_some());
        PathChange::Connected(path)
    }

    /// Where the selected path is gone, takes the one heard last: a nomination ends with its path.
    fn reselect(&mut self, now: Instant) -> Option<PathChange> {
        let selected = self.selected?;
        if self.get(selected).is_some() {
            return None;
        }
        self.nominated = false;
        match self.known.iter().max_by_key(|known| known.heard).map(|known| known.path) {
            Some(path) => Some(self.select(now, path)),
            None => {
                (self.selected, self.limited) = (None, false);
                Some(PathChange::Disconnected)
            }
        }
    }

    /// Leaves a selected path that was silent, or not confirmed, for too long.
    fn follow(&mut self, now: Instant) -> Option<PathChange> {
        let (since, rival) = self.rival()?;
        if now.saturating_duration_since(since) < PATIENCE {
            return None;
        }
        if let Some(claim) = self.selected.and_then(|path| self.claim(path)) {
            claim.failed = true;
        }
        Some(self.select(now, rival))
    }

    /// Since when the selected path has shown nothing, and the path that was heard last since then.
    /// Nothing that comes from a claimed path shows anything; what replaces one must be confirmed.
    fn rival(&self) -> Option<(Instant, Path)> {
        let selected = self.get(self.selected?)?;
        let claimed = selected.claim.is_some();
        let since = if claimed { self.selected_at? } else { selected.heard };
        let others = self.known.iter().filter(|known| known.path != selected.path);
        others
            .filter(|known| known.heard > since && !(claimed && known.claim.is_some()))
            .max_by_key(|known| known.heard)
            .map(|known| (since, known.path))
    }
}
