//! Transport-wide congestion control feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
//!
//! Times are ticks of 250 µs on the receiver's clock, modulo 2^32: the format's 24 bits of 64 ms
//! times 256. Take differences with `wrapping_sub` and read them as `i32`.

use super::{FORMAT_15, RtcpError, TRANSPORT_SPECIFIC, write_packet};
use crate::bytes::{u16_at, u32_at};

/// A feedback packet stays below the usual MTU with this, SRTCP included.
const MAX_LEN: usize = 1100;
/// Bounds what one feedback packet that we write tells about, losses included.
const MAX_STATUSES: usize = 2048;
/// Header, both SSRCs, base sequence, status count, reference time, feedback count.
const FIXED_LEN: usize = 20;

const NOT_RECEIVED: u8 = 0;
const SMALL_DELTA: u8 = 1;
const LARGE_DELTA: u8 = 2;

const RUN_MAX: usize = 0x1fff;
const ONE_BIT_SYMBOLS: usize = 14;
const TWO_BIT_SYMBOLS: usize = 7;

/// Feedback about a run of transport-wide sequence numbers.
#[derive(Debug, Clone, Copy)]
pub struct TransportFeedback<'a> {
    /// Who received.
    pub sender_ssrc: u32,
    /// Any source of the transport.
    pub media_ssrc: u32,
    /// First transport-wide sequence number told about.
    pub base_sequence: u16,
    /// How many are told about.
    pub status_count: u16,
    /// Running number of the feedback packets; a gap tells that one was lost.
    pub feedback_count: u8,
    reference_time: u32,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// What became of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketStatus {
    /// Transport-wide sequence number.
    pub sequence_number: u16,
    /// When it arrived, in ticks of 250 µs modulo 2^32. `None`: not so far.
    pub arrival: Option<u32>,
}

impl<'a> TransportFeedback<'a> {
    /// Checks that there are as many statuses and time steps as promised.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, RtcpError> {
        let fixed: &[u8; FIXED_LEN - 4] = body.first_chunk().ok_or(RtcpError::Truncated)?;
        let status_count = u16::from_be_bytes([fixed[10], fixed[11]]);
        let rest = &body[fixed.len()..];
        let (chunks_len, deltas_len) = measure(rest, status_count)?;
        let (chunks, deltas) = rest.split_at(chunks_len);
        Ok(Self {
            sender_ssrc: u32_at(body, 0).ok_or(RtcpError::Truncated)?,
            media_ssrc: u32_at(body, 4).ok_or(RtcpError::Truncated)?,
            base_sequence: u16::from_be_bytes([fixed[8], fixed[9]]),
            status_count,
            feedback_count: fixed[15],
            reference_time: u32::from_be_bytes([fixed[12], fixed[13], fixed[14], 0]),
            chunks,
            deltas: deltas.get(..deltas_len).ok_or(RtcpError::Truncated)?,
        })
    }

    /// One status for each of `status_count` packets, in order.
    pub fn statuses(&self) -> impl Iterator<Item = PacketStatus> + 'a {
        let (mut sequence, mut time, mut deltas) =
            (self.base_sequence, self.reference_time, self.deltas);
        symbols(self.chunks, self.status_count).map(move |symbol| {
            let (step, used) = match symbol {
                SMALL_DELTA => (deltas.first().map(|step| u32::from(*step)), 1),
                LARGE_DELTA => (u16_at(deltas, 0).map(|step| step as i16 as u32), 2),
                _ => (None, 0),
            };
            deltas = deltas.get(used..).unwrap_or(&[]);
            let arrival = step.map(|step| {
                time = time.wrapping_add(step);
                time
            });
            let status = PacketStatus { sequence_number: sequence, arrival };
            sequence = sequence.wrapping_add(1);
            status
        })
    }
}

/// Appends a feedback packet about `arrivals`: (transport-wide sequence number, arrival in ticks
/// of 250 µs modulo 2^32), sequence numbers ascending modulo 2^16 without repetition; gaps are
/// told as losses. Returns how many of them it took: it stops where a time step does not fit into
/// the format (over ±8 s), or the packet would pass 1,100 bytes or tell about more than 2,048
/// sequence numbers; the rest wants another packet. Nothing is written for no arrivals.
pub fn write_transport_feedback(
    out: &mut Vec<u8>,
    sender_ssrc: u32,
    media_ssrc: u32,
    feedback_count: u8,
    arrivals: &[(u16, u32)],
) -> usize {
    let Some(&(base, first_arrival)) = arrivals.first() else {
        return 0;
    };
    let plan = Plan::new(base, first_arrival & !0xff, arrivals);
    write_packet(out, TRANSPORT_SPECIFIC, FORMAT_15.into(), |out| {
        out.extend_from_slice(&sender_ssrc.to_be_bytes());
        out.extend_from_slice(&media_ssrc.to_be_bytes());
        out.extend_from_slice(&base.to_be_bytes());
        out.extend_from_slice(&(plan.count as u16).to_be_bytes());
        out.extend_from_slice(&first_arrival.to_be_bytes()[..3]);
        out.push(feedback_count);
        write_chunks(out, &plan.symbols[..plan.count]);
        let mut time = first_arrival & !0xff;
        for &(sequence, arrival) in &arrivals[..plan.taken] {
            let step = arrival.wrapping_sub(time);
            match plan.symbols[usize::from(sequence.wrapping_sub(base))] {
                SMALL_DELTA => out.push(step as u8),
                _ => out.extend_from_slice(&(step as u16).to_be_bytes()),
            }
            time = arrival;
        }
    });
    plan.taken
}

/// Which arrivals fit, and the symbol of every sequence number that they span.
struct Plan {
    symbols: [u8; MAX_STATUSES],
    count: usize,
    taken: usize,
}

impl Plan {
    fn new(base: u16, reference: u32, arrivals: &[(u16, u32)]) -> Self {
        let mut plan = Self { symbols: [NOT_RECEIVED; MAX_STATUSES], count: 0, taken: 0 };
        let (mut time, mut deltas_len) = (reference, 0);
        for &(sequence, arrival) in arrivals {
            let offset = usize::from(sequence.wrapping_sub(base));
            let step = arrival.wrapping_sub(time) as i32;
            let Ok(step) = i16::try_from(step) else { break };
            let symbol = if (0..=0xff).contains(&step) { SMALL_DELTA } else { LARGE_DELTA };
            deltas_len += usize::from(symbol);
            // Chunks of fewer than seven symbols occur only at the end.
            let chunks_len = 2 * (offset + 1).div_ceil(TWO_BIT_SYMBOLS);
            let ascends = offset >= plan.count;
            if !ascends || offset >= MAX_STATUSES || FIXED_LEN + chunks_len + deltas_len > MAX_LEN {
                break;
            }
            plan.symbols[offset] = symbol;
            plan.count = offset + 1;
            plan.taken += 1;
            time = arrival;
        }
        plan
    }
}

/// Sections 3.1.3 and 3.1.4: runs where they pay, else vectors.
fn write_chunks(out: &mut Vec<u8>, mut symbols: &[u8]) {
    while let Some(&first) = symbols.first() {
        let run = symbols.iter().take(RUN_MAX).take_while(|symbol| **symbol == first).count();
        let wide = &symbols[..symbols.len().min(ONE_BIT_SYMBOLS)];
        let one_bit = wide.iter().all(|symbol| *symbol != LARGE_DELTA);
        let (chunk, used) = if run >= wide.len() || (!one_bit && run >= TWO_BIT_SYMBOLS) {
            (u16::from(first) << 13 | run as u16, run)
        } else if one_bit {
            (0x8000 | pack(wide, ONE_BIT_SYMBOLS, 1), wide.len())
        } else {
            let narrow = &symbols[..symbols.len().min(TWO_BIT_SYMBOLS)];
            (0xc000 | pack(narrow, TWO_BIT_SYMBOLS, 2), narrow.len())
        };
        out.extend_from_slice(&chunk.to_be_bytes());
        symbols = &symbols[used..];
    }
}

/// The first symbol in the highest bits, as if there were `slots` of them.
fn pack(symbols: &[u8], slots: usize, width: usize) -> u16 {
    let bits = symbols.iter().fold(0, |bits, symbol| bits << width | u16::from(*symbol));
    bits << (width * (slots - symbols.len()))
}

/// Bytes that the chunks for `count` statuses take, and the bytes of their time steps.
fn measure(bytes: &[u8], count: u16) -> Result<(usize, usize), RtcpError> {
    let (mut covered, mut deltas_len, mut at) = (0, 0, 0);
    while covered < usize::from(count) {
        let chunk = Chunk(u16_at(bytes, at).ok_or(RtcpError::Truncated)?);
        let used = chunk.len().min(usize::from(count) - covered);
        if chunk.is_run() {
            deltas_len += used * delta_len(chunk.symbol(0))?;
        } else {
            for index in 0..used {
                deltas_len += delta_len(chunk.symbol(index))?;
            }
        }
        covered += used;
        at += 2;
    }
    Ok((at, deltas_len))
}

/// Bytes of the time step that belongs to a symbol; 3 is reserved.
fn delta_len(symbol: u8) -> Result<usize, RtcpError> {
    if symbol > LARGE_DELTA { Err(RtcpError::Feedback) } else { Ok(symbol.into()) }
}

/// The statuses' symbols, `count` of them if the chunks hold so many.
fn symbols(chunks: &[u8], count: u16) -> impl Iterator<Item = u8> + '_ {
    chunks
        .as_chunks()
        .0
        .iter()
        .flat_map(|chunk| {
            let chunk = Chunk(u16::from_be_bytes(*chunk));
            (0..chunk.len()).map(move |index| chunk.symbol(index))
        })
        .take(count.into())
}

/// A packet status chunk.
#[derive(Clone, Copy)]
struct Chunk(u16);

impl Chunk {
    fn is_run(self) -> bool {
        self.0 >> 15 == 0
    }

    /// Symbols in it.
    fn len(self) -> usize {
        match self.0 >> 14 {
            0 | 1 => usize::from(self.0) & RUN_MAX,
            2 => ONE_BIT_SYMBOLS,
            _ => TWO_BIT_SYMBOLS,
        }
    }

    fn symbol(self, index: usize) -> u8 {
        let symbol = match self.0 >> 14 {
            0 | 1 => self.0 >> 13,
            2 => self.0 >> (ONE_BIT_SYMBOLS - 1 - index) & 1,
            _ => self.0 >> (2 * (TWO_BIT_SYMBOLS - 1 - index)) & 3,
        };
        symbol as u8
    }
}
