//! Transport-wide feedback about what one peer sends us
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01): without it Chromium never sends its
//! highest layer.

use std::time::{Duration, Instant};

use rotunda_packet::rtcp::write_transport_feedback;

/// Longest time that an arrival waits to be told.
const INTERVAL: Duration = Duration::from_millis(80);
/// So many arrivals are told at once without waiting for the interval.
const MANY: usize = 200;
/// Hard bound of arrivals kept between two reports.
const MAX_PENDING: usize = 1024;
/// Ticks are 250 µs.
const TICKS_PER_SECOND: u128 = 4000;

/// Arrivals not yet told about.
#[derive(Debug)]
pub(crate) struct ArrivalRecorder {
    epoch: Instant,
    /// (extended transport-wide sequence number, arrival in ticks)
    pending: Vec<(u64, u32)>,
    highest: Option<u64>,
    /// The highest that was told about; older ones come too late.
    last_told: Option<(u64, u32)>,
    feedback_count: u8,
    due: Option<Instant>,
    spare_arrivals: Vec<(u16, u32)>,
    spare_packet: Vec<u8>,
}

/// Feedback packets in the making.
#[derive(Debug)]
pub(crate) struct Feedback {
    sender_ssrc: u32,
    media_ssrc: u32,
    count: u8,
    arrivals: Vec<(u16, u32)>,
    told: usize,
    packet: Vec<u8>,
}

impl Feedback {
    /// The next packet to send.
    pub(crate) fn next_packet(&mut self) -> Option<&[u8]> {
        self.packet.clear();
        self.told += write_transport_feedback(
            &mut self.packet,
            self.sender_ssrc,
            self.media_ssrc,
            self.count,
            self.arrivals.get(self.told..)?,
        );
        if self.packet.is_empty() {
            return None;
        }
        self.count = self.count.wrapping_add(1);
        Some(&self.packet)
    }
}

impl ArrivalRecorder {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            pending: Vec::new(),
            highest: None,
            last_told: None,
            feedback_count: 0,
            due: None,
            spare_arrivals: Vec::new(),
            spare_packet: Vec::new(),
        }
    }

    /// One packet arrived that carries this transport-wide sequence number.
    pub(crate) fn arrived(&mut self, now: Instant, sequence: u16) {
        let sequence = self.extend(sequence);
        let told = self.last_told.is_some_and(|(last, _)| sequence <= last);
        if told || self.pending.len() == MAX_PENDING {
            return;
        }
        let ticks =
            now.saturating_duration_since(self.epoch).as_micros() * TICKS_PER_SECOND / 1_000_000;
        self.pending.push((sequence, ticks as u32));
        self.due.get_or_insert(now + INTERVAL);
    }

    /// When [`Self::write`] has something to tell.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.pending.len() >= MANY { Some(self.epoch) } else { self.due }
    }

    /// Takes everything pending, to be told about in as few packets as possible.
    pub(crate) fn take_feedback(&mut self, sender_ssrc: u32, media_ssrc: u32) -> Feedback {
        self.due = None;
        self.pending.sort_unstable_by_key(|(sequence, _)| *sequence);
        self.pending.dedup_by_key(|(sequence, _)| *sequence);
        let mut arrivals = std::mem::take(&mut self.spare_arrivals);
        arrivals.clear();
        // The format tells losses only after an arrival: one told already leads over the gap.
        if let (Some(last), Some((first, _))) = (self.last_told, self.pending.first())
            && last.0 + 1 < *first
        {
            arrivals.push((last.0 as u16, last.1));
        }
        self.last_told = self.pending.last().copied().or(self.last_told);
        arrivals.extend(self.pending.drain(..).map(|(sequence, at)| (sequence as u16, at)));
        Feedback {
            sender_ssrc,
            media_ssrc,
            count: self.feedback_count,
            arrivals,
            told: 0,
            packet: std::mem::take(&mut self.spare_packet),
        }
    }

    /// Ends what [`Self::take_feedback`] began; the memory is used again.
    pub(crate) fn give_back(&mut self, feedback: Feedback) {
        self.feedback_count = feedback.count;
        self.spare_arrivals = feedback.arrivals;
        self.spare_packet = feedback.packet;
    }

    fn extend(&mut self, sequence: u16) -> u64 {
        let Some(highest) = self.highest else {
            let first = (1 << 16) + u64::from(sequence);
            self.highest = Some(first);
            return first;
        };
        let ahead = sequence.wrapping_sub(highest as u16) as i16;
        let extended = highest.saturating_add_signed(ahead.into());
        self.highest = Some(highest.max(extended));
        extended
    }
}
