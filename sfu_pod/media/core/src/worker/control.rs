//! RTCP that peers send: reports, requests and estimates.

use std::time::{Duration, Instant};

use rotunda_packet::rtcp::{ReportBlock, RtcpPacket, SenderInfo, TransportFeedback, packets};

use super::Worker;
use super::layers::Stale;
use crate::keys::TransportKey;
use crate::path::Path;
use crate::wallclock::ntp_middle;

/// Round trips beyond this are a peer's nonsense.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(10);

impl Worker {
    /// One compound RTCP packet, opened.
    pub(super) fn control(&mut self, now: Instant, key: TransportKey, path: Path, compound: &[u8]) {
        for packet in packets(compound).flatten() {
            match packet {
                RtcpPacket::SenderReport(report) => {
                    self.sender_report(now, key, report.ssrc, &report.info);
                    report.blocks().for_each(|block| self.report_block(now, key, path, &block));
                }
                RtcpPacket::ReceiverReport(report) => {
                    report.blocks().for_each(|block| self.report_block(now, key, path, &block));
                }
                RtcpPacket::Nack(nack) => self.nack(now, key, &nack),
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
    }

    fn sender_report(&mut self, now: Instant, key: TransportKey, ssrc: u32, info: &SenderInfo) {
        let transport = &mut self.transports[key.index()];
        let Some(route) = transport.route(ssrc).filter(|route| !route.repair) else { return };
        let producer = &mut self.producers[route.producer.index()];
        let Some(encoding) = producer.encodings.get_mut(usize::from(route.encoding)) else {
            return;
        };
        let clock = encoding.sender_report(now, info, self.wall_clock.ntp(now));
        transport.note_clock(&clock);
    }

    fn report_block(&mut self, now: Instant, key: TransportKey, path: Path, block: &ReportBlock) {
        let transport = &mut self.transports[key.index()];
        let named = block.last_sender_report;
        if named != 0 && transport.kind_mut().reported(path, named) {
            self.stale_layers.push(Stale::Transport(key));
        }
        let Some(consumer) = transport.consumer_of(block.ssrc) else { return };
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
        consumer.stats.fraction_lost = consumer.span.lost_on_path(block.fraction_lost);
        let producer = &self.producers[consumer.producer.index()];
        let current = consumer.selector.encoding().unwrap_or(0);
        let Some(encoding) = producer.encodings.get(usize::from(current)) else { return };
        // Jitter of both ways adds up like independent deviations; the first one is not the peer's.
        let both = f64::from(block.jitter) / f64::from(encoding.clock_rate);
        let first = encoding.reception.jitter_seconds().min(both);
        consumer.stats.jitter = (both * both - first * first).sqrt();
    }

    fn key_frame_request(&mut self, now: Instant, key: TransportKey, ssrc: u32) {
        let Some(consumer) = self.transports[key.index()].consumer_of(ssrc) else {
            return;
        };
        self.consumers[consumer.index()].stats.plis_received += 1;
        self.want_key_frame_for(now, consumer);
    }

    fn feedback(&mut self, now: Instant, key: TransportKey, feedback: &TransportFeedback<'_>) {
        let transport = &mut self.transports[key.index()];
        if transport.estimator.feedback(now, feedback) {
            transport.layers.congested(now);
            self.stale_layers.push(Stale::Transport(key));
        }
    }
}
