//! RTCP that peers send: reports, requests and estimates.

use std::time::{Duration, Instant};

use rotunda_packet::rtcp::{ReportBlock, RtcpPacket, SenderInfo, TransportFeedback, packets};

use super::layers::Stale;
use super::{Output, Worker};
use crate::event::Event;
use crate::keys::TransportKey;
use crate::producer::encoding::SenderClock;
use crate::wallclock::ntp_middle;

/// Round trips beyond this are a peer's nonsense.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(10);
/// How much of an old clock offset's advantage is lost by report: clocks drift.
const OFFSET_DRIFT: i64 = (1 << 32) / 2000;

impl Worker {
    /// One SRTCP packet. `None`: it was refused.
    pub(super) fn control(
        &mut self,
        now: Instant,
        key: TransportKey,
        data: &mut [u8],
        output: &mut impl Output,
    ) -> Option<()> {
        let transport = &mut self.transports[key.index()];
        let srtp = transport.srtp.as_mut()?;
        let Ok(len) = srtp.receiver.unprotect_rtcp(data) else {
            transport.srtp_rejected += 1;
            return None;
        };
        if !std::mem::replace(&mut srtp.heard, true) {
            self.events.push_back(Event::SrtpReceived { transport: transport.id });
        }
        for packet in packets(&data[..len]).flatten() {
            match packet {
                RtcpPacket::SenderReport(report) => {
                    self.sender_report(now, key, report.ssrc, &report.info);
                    report.blocks().for_each(|block| self.report_block(now, key, &block));
                }
                RtcpPacket::ReceiverReport(report) => {
                    report.blocks().for_each(|block| self.report_block(now, key, &block));
                }
                RtcpPacket::Nack(nack) => self.nack(now, key, &nack, output),
                RtcpPacket::Pli(pli) => self.key_frame_request(now, key, pli.media_ssrc),
                RtcpPacket::Fir(fir) => {
                    fir.entries().for_each(|entry| self.key_frame_request(now, key, entry.ssrc));
                }
                RtcpPacket::Remb(remb) => {
                    let transport = &mut self.transports[key.index()];
                    transport.estimator.remb(now, remb.bitrate);
                }
                RtcpPacket::TransportFeedback(feedback) => self.feedback(now, key, &feedback),
                RtcpPacket::Sdes(_) | RtcpPacket::Bye(_) | RtcpPacket::Other { .. } => {}
            }
        }
        Some(())
    }

    fn sender_report(&mut self, now: Instant, key: TransportKey, ssrc: u32, info: &SenderInfo) {
        let transport = &mut self.transports[key.index()];
        let Some(route) = transport.routes.get(ssrc).filter(|route| !route.repair) else { return };
        let offset = self.wall_clock.ntp(now).wrapping_sub(info.ntp) as i64;
        let offset = transport
            .clock_offset
            .map_or(offset, |before| offset.min(before.saturating_add(OFFSET_DRIFT)));
        transport.clock_offset = Some(offset);
        let producer = &mut self.producers[route.producer.index()];
        let Some(encoding) = producer.encodings.get_mut(usize::from(route.encoding)) else {
            return;
        };
        let clock = SenderClock { ntp: info.ntp, rtp_timestamp: info.rtp_timestamp, received: now };
        encoding.clock = Some(clock);
    }

    fn report_block(&mut self, now: Instant, key: TransportKey, block: &ReportBlock) {
        let transport = &mut self.transports[key.index()];
        let Some(consumer) = transport.sources.get(&block.ssrc) else { return };
        let consumer = &mut self.consumers[consumer.index()];
        if block.last_sender_report != 0 {
            let ticks = ntp_middle(self.wall_clock.ntp(now))
                .wrapping_sub(block.last_sender_report)
                .wrapping_sub(block.delay_since_last);
            let round_trip = Duration::from_secs_f64(f64::from(ticks) / 65_536.0);
            if round_trip < LONGEST_ROUND_TRIP {
                transport.measured_round_trip(round_trip);
            }
        }
        if block.ssrc != consumer.parameters.ssrc {
            return;
        }
        consumer.stats.fraction_lost = f64::from(block.fraction_lost) / 256.0;
        let producer = &self.producers[consumer.producer.index()];
        let rate = producer.encodings.first().map_or(90_000, |encoding| encoding.clock_rate);
        consumer.stats.jitter = f64::from(block.jitter) / f64::from(rate);
    }

    fn key_frame_request(&mut self, now: Instant, key: TransportKey, ssrc: u32) {
        let Some(consumer) = self.transports[key.index()].sources.get(&ssrc).copied() else {
            return;
        };
        self.consumers[consumer.index()].stats.plis_received += 1;
        self.want_key_frame_for(now, consumer);
    }

    fn feedback(&mut self, now: Instant, key: TransportKey, feedback: &TransportFeedback<'_>) {
        let transport = &mut self.transports[key.index()];
        if transport.estimator.feedback(now, feedback) {
            self.stale_layers.push(Stale::Transport(key));
        }
    }
}
