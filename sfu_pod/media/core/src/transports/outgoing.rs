//! What the peer is sent.

use std::time::{Duration, Instant};

use super::Transport;
use super::egress::{Egress, Queued};
use crate::config::Pacing;
use crate::consumer::retransmit::ResendBudget;
use crate::consumer::write::Stamp;
use crate::io::Output;
use crate::path::Path;
use crate::wallclock::SendTime;

impl Transport {
    /// Where the peer is. `None`: not known, or not any more.
    #[inline]
    pub(crate) fn destination(&self) -> Option<Path> {
        self.kind.destination()
    }

    /// Lets a packet wait to be sent. False: too much waits already.
    #[inline]
    pub(crate) fn enqueue(&mut self, queued: Queued) -> bool {
        self.egress.push(queued)
    }

    /// Whether something waits to be sent.
    #[inline]
    pub(crate) fn has_waiting(&self) -> bool {
        !self.egress.is_empty()
    }

    /// Takes what waits, so that it can be sent over this transport; to be given back.
    pub(crate) fn take_egress(&mut self) -> Egress {
        std::mem::take(&mut self.egress)
    }

    pub(crate) fn give_back_egress(&mut self, egress: Egress) {
        self.egress = egress;
    }

    /// When more of what waits may leave. `None`: nothing waits.
    pub(crate) fn next_release(&self, pacing: Option<Pacing>) -> Option<Instant> {
        self.egress.next_release(pacing)
    }

    /// Sends one RTP packet of at most `room` bytes, which `write` makes; returns the bytes sent.
    /// Without keys, or where the peer may not get so much, it is lost, as on any bad network.
    #[inline(always)]
    pub(crate) fn send_rtp(
        &mut self,
        path: Path,
        leaves: &SendTime,
        room: usize,
        output: &mut impl Output,
        write: impl FnOnce(&mut [u8], &Stamp) -> Option<usize>,
    ) -> usize {
        let Some(overhead) = self.security.rtp_overhead() else { return 0 };
        let capacity = room + overhead;
        if !self.kind.grant(capacity) {
            return 0;
        }
        let stamp = Stamp {
            abs_send_time: leaves.abs_send_time,
            transport_sequence: self.estimator.number().to_be_bytes(),
        };
        let (security, mut sent) = (&mut self.security, 0);
        output.send(path, capacity, |buffer| {
            let len = write(buffer, &stamp)?;
            sent = security.seal_rtp(buffer, len)?;
            Some(sent)
        });
        if sent > 0 {
            self.estimator.sent(leaves.micros, sent);
            self.bytes_sent += sent as u64;
        }
        sent
    }

    /// Sends one compound RTCP packet; without path or keys it is lost, as on any bad network.
    /// Returns whether it went out.
    pub(crate) fn send_rtcp(&mut self, compound: &[u8], output: &mut impl Output) -> bool {
        let (Some(path), Some(overhead)) =
            (self.kind.rtcp_destination(), self.security.rtcp_overhead())
        else {
            return false;
        };
        let capacity = compound.len() + overhead;
        if !self.kind.grant(capacity) {
            return false;
        }
        let mut sent = 0;
        output.send(path, capacity, |buffer| {
            buffer.get_mut(..compound.len())?.copy_from_slice(compound);
            sent = self.security.seal_rtcp(buffer, compound.len())?;
            Some(sent)
        });
        self.bytes_sent += sent as u64;
        sent > 0
    }

    /// Sends one DTLS datagram. Without a path it is lost, and DTLS repeats it. `None`: this kind of
    /// transport has no DTLS.
    pub(crate) fn send_dtls(&mut self, datagram: &[u8], output: &mut impl Output) -> Option<()> {
        let keyed = self.is_ready();
        let webrtc = self.kind.as_webrtc_mut()?;
        let Some(path) = webrtc.destination() else { return Some(()) };
        let granted = match keyed {
            true => webrtc.grant(datagram.len()),
            false => webrtc.grant_handshake(datagram.len()),
        };
        if !granted {
            return Some(());
        }
        self.bytes_sent += datagram.len() as u64;
        output.send(path, datagram.len(), |buffer| {
            buffer.get_mut(..datagram.len())?.copy_from_slice(datagram);
            Some(datagram.len())
        });
        Some(())
    }

    /// Bytes of the past that the peer may be sent.
    pub(crate) fn resends(&self) -> &ResendBudget {
        &self.resends
    }

    pub(crate) fn resends_mut(&mut self) -> &mut ResendBudget {
        &mut self.resends
    }

    /// A measured round trip.
    pub(crate) fn measured_round_trip(&mut self, sample: Duration) {
        let smoothed = self.round_trip.map_or(sample, |before| (before * 7 + sample) / 8);
        self.round_trip = Some(smoothed);
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// When the next reports are due.
    pub(crate) fn next_report(&self) -> Instant {
        self.next_report
    }

    pub(crate) fn report_next_at(&mut self, at: Instant) {
        self.next_report = at;
    }
}
