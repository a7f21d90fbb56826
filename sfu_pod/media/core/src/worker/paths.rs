//! Whose path is whose.
//!
//! Peers send from where they were not before, as behind a NAT that gives them another port. Their
//! next check tells as much, but comes seconds later (of Firefox 4 to 6, RFC 7675 section 5.1).
//! So a packet from an unknown address is tried with the keys of the transport that has sent with
//! its SSRC before. Opened, it claims the address as a check would ([`crate::ice`]); nothing is
//! answered to one that is not authentic, or was there before.

use std::collections::hash_map::Entry;
use std::time::Instant;

use rotunda_packet::demux::PacketKind;
use rustc_hash::FxHashMap;

use super::Worker;
use super::layers::Stale;
use crate::event::Event;
use crate::io::Output;
use crate::keys::{ProducerKey, TransportKey};
use crate::path::{Path, PathChange};

impl Worker {
    /// What comes on the path is this transport's from now on. A check with a forged source does not
    /// take the path of somebody else who is heard on it.
    pub(super) fn own_path(&mut self, now: Instant, path: Path, key: TransportKey) {
        let owner = self.paths.get(&path).filter(|owner| **owner != key);
        if owner.is_none_or(|owner| !self.transports[owner.index()].kind().holds(now, path)) {
            self.paths.insert(path, key);
        }
    }

    /// A packet of the path's transport was authentic.
    pub(super) fn heard(&mut self, now: Instant, key: TransportKey, path: Path) {
        let transport = &mut self.transports[key.index()];
        if transport.hears_first() {
            self.events.push_back(Event::SrtpReceived { transport: transport.id() });
        }
        let change = transport.kind_mut().heard(now, path);
        if change.is_some() {
            self.tell_path_change(now, key, change);
        }
    }

    /// Tells the owner of a change, and does what it leads to.
    pub(super) fn tell_path_change(
        &mut self,
        now: Instant,
        key: TransportKey,
        change: Option<PathChange>,
    ) {
        let Some(change) = change else { return };
        if let PathChange::Connected(_) = change {
            self.report_to_new_path(now, key);
            // Key frames asked for before there was a path could not be answered to.
            self.stale_layers.push(Stale::Transport(key));
        }
        let transport = &mut self.transports[key.index()];
        if let Some(expiry) = transport.kind().next_expiry() {
            transport.wake(&mut self.timers, key, expiry);
        }
        self.events.push_back(transport.kind().event_of(transport.id(), change));
    }

    /// Whose packet this may be, by its SSRC: of a connected transport.
    pub(super) fn sender_of(
        &self,
        kind: PacketKind,
        path: Path,
        data: &[u8],
    ) -> Option<TransportKey> {
        let at = match kind {
            PacketKind::Rtp => 8,
            PacketKind::Rtcp => 4,
            PacketKind::Stun | PacketKind::Dtls => return None,
        };
        let ssrc = u32::from_be_bytes(*data.get(at..)?.first_chunk()?);
        let key = *self.sources.get(&ssrc)?;
        self.transports[key.index()].kind().may_appear_on(path).then_some(key)
    }

    /// Notes a source whose first packet was authentic. Who takes the SSRC of somebody else is found
    /// by his checks alone.
    pub(super) fn note_source(&mut self, key: TransportKey, ssrc: u32) {
        let Entry::Vacant(entry) = self.sources.entry(ssrc) else { return };
        entry.insert(key);
        self.become_known_by(key, ssrc);
    }

    /// The SSRCs of a new producer tell where the peer is, if that is not known yet. They were
    /// signalled, which counts for more than that somebody else sends with one.
    pub(super) fn await_peer(&mut self, key: TransportKey, producer: ProducerKey) {
        let plain = self.transports[key.index()].kind().as_plain();
        if plain.is_none_or(|plain| !plain.awaits_peer()) {
            return;
        }
        let encodings = &self.producers[producer.index()].encodings;
        let ssrcs: Vec<u32> = encodings.iter().filter_map(|encoding| encoding.ssrc).collect();
        for ssrc in ssrcs {
            self.sources.insert(ssrc, key);
            self.become_known_by(key, ssrc);
        }
    }

    fn become_known_by(&mut self, key: TransportKey, ssrc: u32) {
        if let Some(oldest) = self.transports[key.index()].become_known_by(ssrc) {
            self.forget_source(key, oldest);
        }
    }

    /// Forgets an SSRC unless it leads to another transport by now.
    pub(super) fn forget_source(&mut self, key: TransportKey, ssrc: u32) {
        if self.sources.get(&ssrc) == Some(&key) {
            self.sources.remove(&ssrc);
        }
    }

    /// The peer sent so many authentic bytes on a path that it was not known to have.
    pub(super) fn appeared(
        &mut self,
        now: Instant,
        key: TransportKey,
        path: Path,
        bytes: usize,
        output: &mut impl Output,
    ) {
        let transport = &mut self.transports[key.index()];
        self.scratch.clear();
        let dropped = transport.kind_mut().appeared(now, path, bytes, &mut self.scratch);
        send_plain(path, &self.scratch, output);
        if let Some(expiry) = transport.kind().next_expiry() {
            transport.wake(&mut self.timers, key, expiry);
        }
        if let Some(dropped) = dropped {
            forget_path(&mut self.paths, dropped, key);
        }
        self.paths.insert(path, key);
    }
}

/// Sends a datagram as it is; an empty one is none.
pub(super) fn send_plain(path: Path, datagram: &[u8], output: &mut impl Output) {
    if !datagram.is_empty() {
        output.send(path, datagram.len(), |buffer| {
            buffer.get_mut(..datagram.len())?.copy_from_slice(datagram);
            Some(datagram.len())
        });
    }
}

/// Forgets a path unless it belongs to another transport by now.
pub(super) fn forget_path(
    paths: &mut FxHashMap<Path, TransportKey>,
    path: Path,
    owner: TransportKey,
) {
    if paths.get(&path) == Some(&owner) {
        paths.remove(&path);
    }
}
