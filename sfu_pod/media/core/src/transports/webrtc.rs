//! A WebRTC peer: ICE-lite finds its paths, DTLS its keys.

use std::time::{Duration, Instant};

use rotunda_packet::stun::Message;

use crate::command::IceCredentials;
use crate::event::Event;
use crate::ice::{CheckOutcome, IceLite};
use crate::id::TransportId;
use crate::path::{Path, PathChange};

/// Paths by checks and by authentic packets; see [`crate::ice`].
pub(crate) struct WebRtc {
    ice: IceLite,
    /// Username fragments that name this transport to checks.
    ufrags: Vec<String>,
}

impl WebRtc {
    pub(crate) fn new(ice: IceCredentials) -> Self {
        Self { ufrags: vec![ice.ufrag.clone()], ice: IceLite::new(ice) }
    }

    /// Username fragments that name this transport to checks.
    pub(crate) fn ufrags(&self) -> &[String] {
        &self.ufrags
    }

    /// Accepts new credentials as well; returns a username fragment that is not used any more.
    pub(crate) fn restart(&mut self, ice: IceCredentials) -> Option<String> {
        self.ufrags.push(ice.ufrag.clone());
        let replaced = self.ice.restart(ice)?;
        self.ufrags.retain(|ufrag| *ufrag != replaced);
        Some(replaced)
    }

    /// Handles a connectivity check that names this transport; the answer is appended to `answer`.
    pub(crate) fn check(
        &mut self,
        now: Instant,
        path: Path,
        request: &Message<'_>,
        answer: &mut Vec<u8>,
    ) -> CheckOutcome {
        let outcome = self.ice.handle_request(now, path, request, answer);
        if let Some(retired) = &outcome.retired_ufrag {
            self.ufrags.retain(|ufrag| ufrag != retired);
        }
        outcome
    }

    /// Appends a probe, if the path needs one, to be sent after an answer of so many bytes.
    pub(crate) fn write_probe(&mut self, path: Path, answer: usize, probe: &mut Vec<u8>) {
        self.ice.write_probe(path, answer, probe);
    }

    /// An answer to a probe came. Returns whether it confirmed the path.
    pub(crate) fn handle_answer(&mut self, path: Path, answer: &Message<'_>) -> bool {
        self.ice.received(path, answer.len());
        self.ice.handle_answer(path, answer)
    }

    /// Whether so many bytes of the DTLS handshake may be sent; they then count as sent.
    pub(crate) fn grant_handshake(&mut self, bytes: usize) -> bool {
        self.ice.grant_handshake(bytes)
    }

    #[inline]
    pub(crate) fn destination(&self) -> Option<Path> {
        self.ice.selected()
    }

    #[inline]
    pub(crate) fn grant(&mut self, bytes: usize) -> bool {
        self.ice.grant(bytes)
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.ice.is_limited()
    }

    pub(crate) fn keys_set(&mut self) {
        self.ice.handshake_done();
    }

    #[inline]
    pub(crate) fn knows(&self, path: Path) -> bool {
        self.ice.knows(path)
    }

    /// Any path will do, for a peer that is connected.
    pub(crate) fn may_appear_on(&self, _path: Path) -> bool {
        self.ice.selected().is_some()
    }

    pub(crate) fn appeared(
        &mut self,
        now: Instant,
        path: Path,
        bytes: usize,
        answer: &mut Vec<u8>,
    ) -> Option<Path> {
        let dropped = self.ice.appeared(now, path, bytes);
        self.ice.write_probe(path, 0, answer);
        dropped
    }

    pub(crate) fn received(&mut self, path: Path, bytes: usize) {
        self.ice.received(path, bytes);
    }

    #[inline]
    pub(crate) fn heard(&mut self, now: Instant, path: Path) -> Option<PathChange> {
        self.ice.heard(now, path)
    }

    pub(crate) fn holds(&self, now: Instant, path: Path) -> bool {
        self.ice.is_lively(now, path)
    }

    pub(crate) fn report_delay(&self) -> Option<Duration> {
        self.ice.report_delay()
    }

    pub(crate) fn report_sent(&mut self, ntp_middle: u32) {
        self.ice.report_sent(ntp_middle);
    }

    pub(crate) fn reported(&mut self, path: Path, ntp_middle: u32) -> bool {
        self.ice.reported(path, ntp_middle)
    }

    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.ice.next_expiry()
    }

    pub(crate) fn expire(
        &mut self,
        now: Instant,
        on_dropped: impl FnMut(Path),
    ) -> Option<PathChange> {
        self.ice.expire(now, on_dropped)
    }

    pub(crate) fn close(&mut self, now: Instant, path: Path) -> Option<PathChange> {
        self.ice.close(now, path)
    }

    pub(crate) fn event_of(transport: TransportId, change: PathChange) -> Event {
        match change {
            PathChange::Connected(Path { listener, remote }) => {
                Event::IceConnected { transport, listener, remote }
            }
            PathChange::Disconnected => Event::IceDisconnected { transport },
        }
    }
}
