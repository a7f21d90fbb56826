//! Reports to peers: about what we send them and what we receive from them.

use std::time::Instant;

use rotunda_packet::rtcp::{
    ReportBlock, SenderInfo, write_receiver_report, write_remb, write_sdes_cname,
    write_sender_report,
};

use super::Worker;
use crate::io::Output;
use crate::keys::{ProducerKey, TransportKey};
use crate::producer::encoding::Encoding;
use crate::wallclock::ntp_middle;

/// Compounds are cut so that they fit any path.
const MAX_COMPOUND: usize = 1100;
/// A sender report with a CNAME of 255 bytes.
const LONGEST_REPORT: usize = 28 + 12 + 255;
/// Report blocks in one packet; 31 would be the format's limit.
const MAX_BLOCKS: usize = 20;

impl Worker {
    /// Everything that one transport is told each interval.
    pub(super) fn send_reports(
        &mut self,
        now: Instant,
        key: TransportKey,
        output: &mut impl Output,
    ) {
        let mut compound = std::mem::take(&mut self.scratch);
        compound.clear();
        self.write_sender_reports(now, key, &mut compound, output);
        // To a path that is only claimed they go alone: all together might be more than it may get.
        let alone = self.transports[key.index()].kind().is_limited();
        if compound.len() > MAX_COMPOUND / 2 || (alone && !compound.is_empty()) {
            self.send_sender_reports(now, key, &compound, output);
            compound.clear();
        }
        self.write_receiver_reports(now, key, &mut compound, output);
        if !compound.is_empty() {
            self.transports[key.index()].send_rtcp(&compound, output);
        }
        self.scratch = compound;
    }

    fn write_sender_reports(
        &mut self,
        now: Instant,
        key: TransportKey,
        compound: &mut Vec<u8>,
        output: &mut impl Output,
    ) {
        let ntp = self.wall_clock.ntp(now);
        let transport = &mut self.transports[key.index()];
        if !transport.kind().is_limited() {
            transport.kind_mut().report_sent(ntp_middle(ntp));
        }
        for index in 0..transport.consumers().len() {
            let consumer = self.transports[key.index()].consumers()[index];
            let consumer = &self.consumers[consumer.index()];
            let producer = &self.producers[consumer.producer.index()];
            let source = &self.transports[producer.transport.index()];
            let offset = source.clock_offset();
            let timestamp = consumer.timestamp_at(now, ntp, offset, &producer.encodings);
            let Some(rtp_timestamp) = timestamp.filter(|_| !consumer.rests()) else { continue };
            let info = SenderInfo {
                ntp,
                rtp_timestamp,
                // Modulo 2^32 (RFC 3550 section 6.4.1).
                packet_count: consumer.stats.packets_sent as u32,
                octet_count: consumer.stats.bytes_sent as u32,
            };
            write_sender_report(compound, consumer.parameters.ssrc, &info, &[]);
            write_sdes_cname(compound, consumer.parameters.ssrc, &consumer.parameters.cname);
            if compound.len() > MAX_COMPOUND - LONGEST_REPORT {
                self.send_sender_reports(now, key, compound, output);
                compound.clear();
            }
        }
    }

    /// Sends sender reports of `now`, by whose time the peer may confirm the path that they go to.
    fn send_sender_reports(
        &mut self,
        now: Instant,
        key: TransportKey,
        compound: &[u8],
        output: &mut impl Output,
    ) {
        let transport = &mut self.transports[key.index()];
        if transport.send_rtcp(compound, output) && transport.kind().is_limited() {
            transport.kind_mut().report_sent(ntp_middle(self.wall_clock.ntp(now)));
        }
    }

    fn write_receiver_reports(
        &mut self,
        now: Instant,
        key: TransportKey,
        compound: &mut Vec<u8>,
        output: &mut impl Output,
    ) {
        let transport = &mut self.transports[key.index()];
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.clear();
        let mut received = 0;
        for producer in transport.producers() {
            for encoding in &mut self.producers[producer.index()].encodings {
                received += encoding.bitrate(now);
                blocks.extend(report_block(now, encoding));
            }
        }
        for blocks in blocks.chunks(MAX_BLOCKS) {
            write_receiver_report(compound, transport.own_ssrc(), blocks);
            if compound.len() > MAX_COMPOUND / 2 {
                transport.send_rtcp(compound, output);
                compound.clear();
            }
        }
        let worst = blocks.iter().map(|block| block.fraction_lost).max().unwrap_or(0);
        self.blocks = blocks;
        self.write_limit(now, key, worst, received, compound, output);
    }

    /// What a peer that sends video may send at most.
    fn write_limit(
        &mut self,
        now: Instant,
        key: TransportKey,
        worst_fraction_lost: u8,
        received: u64,
        compound: &mut Vec<u8>,
        output: &mut impl Output,
    ) {
        let transport = &mut self.transports[key.index()];
        let producers = &self.producers;
        let sends_video = |key: &&ProducerKey| producers[key.index()].is_video();
        if !transport.producers().iter().any(|key| sends_video(&key)) {
            return;
        }
        if let Some(limit) = transport.bitrate_to_tell(now, worst_fraction_lost, received) {
            let video = transport.producers().iter().filter(sends_video);
            let encodings = video.flat_map(|key| &producers[key.index()].encodings);
            let ssrcs: Vec<u32> = encodings.filter_map(|encoding| encoding.ssrc).collect();
            if compound.len() + 4 * ssrcs.len() > MAX_COMPOUND / 2 {
                transport.send_rtcp(compound, output);
                compound.clear();
            }
            write_remb(compound, transport.own_ssrc(), limit, &ssrcs);
        }
    }
}

fn report_block(now: Instant, encoding: &mut Encoding) -> Option<ReportBlock> {
    let reception = encoding.reception.report()?;
    let (last_sender_report, delay_since_last) = encoding.clock.map_or((0, 0), |clock| {
        let delay = now.saturating_duration_since(clock.received).as_secs_f64();
        (ntp_middle(clock.ntp), (delay * 65_536.0) as u32)
    });
    Some(ReportBlock {
        ssrc: encoding.ssrc?,
        fraction_lost: reception.fraction_lost,
        cumulative_lost: reception.cumulative_lost,
        highest_sequence: reception.highest,
        jitter: reception.jitter,
        last_sender_report,
        delay_since_last,
    })
}
