//! Peers that send from where they were not before, as behind a NAT that gives them another port.
//!
//! Their next check tells as much, but comes seconds later (of Firefox 4 to 6, RFC 7675 section 5.1).
//! So a packet from an unknown address is tried with the keys of the transport that has sent with
//! its SSRC before. Opened, it claims the address as a check would ([`crate::ice`]); nothing is
//! answered to one that is not authentic, or was there before.

use std::collections::hash_map::Entry;
use std::time::Instant;

use rotunda_packet::demux::PacketKind;

use super::Worker;
use super::datagrams::{forget_path, send_plain};
use crate::io::Output;
use crate::keys::TransportKey;
use crate::path::Path;
use crate::timers::Timer;

/// So many SSRCs lead to a transport, the newest: one that sends is enough.
const SOURCES_EACH: usize = 16;

impl Worker {
    /// Whose packet this may be, by its SSRC: of a connected transport.
    pub(super) fn sender_of(&self, kind: PacketKind, data: &[u8]) -> Option<TransportKey> {
        let at = match kind {
            PacketKind::Rtp => 8,
            PacketKind::Rtcp => 4,
            PacketKind::Stun | PacketKind::Dtls => return None,
        };
        let ssrc = u32::from_be_bytes(*data.get(at..)?.first_chunk()?);
        let key = *self.sources.get(&ssrc)?;
        self.transports[key.index()].ice.selected().map(|_| key)
    }

    /// Notes a source whose first packet was authentic. Who takes the SSRC of somebody else is found
    /// by his checks alone.
    pub(super) fn note_source(&mut self, key: TransportKey, ssrc: u32) {
        let Entry::Vacant(entry) = self.sources.entry(ssrc) else { return };
        entry.insert(key);
        let own = &mut self.transports[key.index()].known_by;
        own.push_back(ssrc);
        if own.len() > SOURCES_EACH
            && let Some(oldest) = own.pop_front()
        {
            self.sources.remove(&oldest);
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
        let dropped = transport.ice.appeared(now, path, bytes);
        self.scratch.clear();
        transport.ice.write_probe(path, 0, &mut self.scratch);
        send_plain(path, &self.scratch, output);
        if let Some(expiry) = transport.ice.next_expiry() {
            self.timers.schedule(&mut transport.due, Timer::Transport(key), expiry);
        }
        if let Some(dropped) = dropped {
            forget_path(&mut self.paths, dropped, key);
        }
        self.paths.insert(path, key);
    }
}
