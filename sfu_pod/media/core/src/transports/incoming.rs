//! What the peer sends.

use std::time::Instant;

use rotunda_packet::rtp::RtpPacket;

use super::Transport;
use crate::incoming_limit::IncomingLimit;
use crate::path::Path;
use crate::producer::encoding::SenderClock;
use crate::routing::Route;
use crate::twcc::Feedback;

/// So many SSRCs lead to a transport, the newest: one that sends is enough.
const SOURCES_EACH: usize = 16;

impl Transport {
    /// A datagram came on a path of the peer's.
    pub(crate) fn received(&mut self, path: Path, bytes: usize) {
        self.bytes_received += bytes as u64;
        self.kind.received(path, bytes);
    }

    /// Opens an RTP packet in place and returns its length. `None`: it was refused.
    pub(crate) fn open_rtp(&mut self, data: &mut [u8]) -> Option<usize> {
        let routes = &self.routes;
        let opened = self.security.open_rtp(data, |ssrc| routes.get(ssrc).is_some());
        self.srtp_rejected += u64::from(opened.is_none() && self.is_ready());
        opened
    }

    /// Opens a compound RTCP packet in place and returns its length. `None`: it was refused.
    pub(crate) fn open_rtcp(&mut self, data: &mut [u8]) -> Option<usize> {
        let routes = &self.routes;
        let opened = self.security.open_rtcp(data, |ssrc| routes.get(ssrc).is_some());
        self.srtp_rejected += u64::from(opened.is_none() && self.is_ready());
        opened
    }

    /// The source whose first authentic packet was opened, once.
    pub(crate) fn take_new_source(&mut self) -> Option<u32> {
        self.security.take_new_source()
    }

    /// Something authentic came; whether it was the first with these keys.
    pub(crate) fn hears_first(&mut self) -> bool {
        self.security.hears_first()
    }

    /// The worker finds this transport by an SSRC of the peer from now on; returns one by which it
    /// does not any more.
    pub(crate) fn become_known_by(&mut self, ssrc: u32) -> Option<u32> {
        self.known_by.push_back(ssrc);
        if self.known_by.len() > SOURCES_EACH { self.known_by.pop_front() } else { None }
    }

    /// SSRCs of the peer by which the worker finds this transport.
    pub(crate) fn known_by(&self) -> impl Iterator<Item = u32> + '_ {
        self.known_by.iter().copied()
    }

    /// Where the packets of an SSRC belong.
    pub(crate) fn route(&self, ssrc: u32) -> Option<Route> {
        self.routes.get(ssrc)
    }

    /// Where a packet belongs; one of an unknown SSRC is recognised by its extensions.
    pub(crate) fn route_of(&mut self, packet: &RtpPacket<'_>) -> Option<Route> {
        let known = self.routes.get(packet.ssrc());
        known.or_else(|| self.routes.learn(packet, &self.extensions))
    }

    /// Notes the transport-wide number of a packet. Returns whether it has one.
    pub(crate) fn note_arrival(&mut self, now: Instant, packet: &RtpPacket<'_>) -> bool {
        let value = self.extensions.transport_cc.and_then(|id| packet.extension(id));
        let Some(sequence) = value.and_then(|value| value.first_chunk()) else { return false };
        self.arrivals.arrived(now, u16::from_be_bytes(*sequence));
        true
    }

    /// When feedback about arrivals is due; `None`: there is nothing to tell.
    pub(crate) fn feedback_due(&self) -> Option<Instant> {
        self.arrivals.due()
    }

    /// Takes what is to be told of arrivals; [`Self::give_back`] returns the memory.
    pub(crate) fn take_feedback(&mut self, media_ssrc: u32) -> Feedback {
        self.arrivals.take_feedback(self.own_ssrc, media_ssrc)
    }

    pub(crate) fn give_back(&mut self, feedback: Feedback) {
        self.arrivals.give_back(feedback);
    }

    /// Holds the peer to this bit rate.
    pub(crate) fn limit_incoming(&mut self, now: Instant, bits_per_second: u64) {
        match &mut self.incoming_limit {
            Some(limit) => limit.change(now, bits_per_second),
            none => *none = Some(IncomingLimit::new(now, bits_per_second)),
        }
    }

    pub(crate) fn has_incoming_limit(&self) -> bool {
        self.incoming_limit.is_some()
    }

    /// Whether a video packet of so many bytes may go on; one that may not is counted.
    pub(crate) fn admits_video(&mut self, now: Instant, bytes: usize) -> bool {
        self.incoming_limit.as_mut().is_none_or(|limit| limit.admits(now, bytes))
    }

    /// How many packets were refused since that was last asked for, if it is time to tell.
    pub(crate) fn take_refused(&mut self, now: Instant) -> Option<u64> {
        self.incoming_limit.as_mut()?.take_refused(now)
    }

    /// The bit rate that a peer which sends video is told, after an interval in which the worst
    /// encoding lost this fraction and all together made `received` bit/s. One that has
    /// transport-wide feedback estimates by itself, and is told what the owner allows.
    pub(crate) fn bitrate_to_tell(
        &mut self,
        now: Instant,
        worst_fraction_lost: u8,
        received: u64,
    ) -> Option<u64> {
        let estimate = (self.extensions.transport_cc.is_none())
            .then(|| self.receive_limit.update(now, worst_fraction_lost, received));
        let allowed = self.incoming_limit.as_ref().map(IncomingLimit::bits_per_second);
        [estimate, allowed].into_iter().flatten().min()
    }

    /// A sender report showed the peer's clocks.
    pub(crate) fn note_clock(&mut self, clock: &SenderClock) {
        if clock.believed {
            self.clock_offset.add(clock.offset);
        } else if clock.ntp != 0 {
            self.clock_offset.forget();
        }
    }

    /// What our wall clock is ahead of the peer's. `None`: it has told no time that can be believed.
    pub(crate) fn clock_offset(&self) -> Option<i64> {
        self.clock_offset.get()
    }
}
