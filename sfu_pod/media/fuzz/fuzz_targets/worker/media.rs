//! Packets that the peers seal: near to what encoders and receivers send, or anything.

use rotunda_media_core::command::Codec;
use rotunda_packet::rtcp::{
    FirEntry, ReportBlock, SenderInfo, write_fir, write_nack, write_pli, write_receiver_report,
    write_remb, write_sender_report, write_transport_feedback,
};
use rotunda_packet::rtp::{RtpHeader, write_padding};

use crate::input::Input;

pub const CODECS: [(Codec, u8); 5] =
    [(Codec::Vp8, 96), (Codec::H264, 98), (Codec::Vp9, 100), (Codec::Av1, 102), (Codec::Opus, 111)];
/// SSRCs that sources have: few, so that they meet producers.
pub const SOURCES: u8 = 8;

/// The numbers that one source has come to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    sequence: u16,
    timestamp: u32,
    transport_sequence: u16,
}

/// A plain RTP packet of a source.
pub fn rtp(input: &mut Input<'_>, progress: &mut [Progress; SOURCES as usize]) -> Vec<u8> {
    let source = input.below(SOURCES);
    let progress = &mut progress[usize::from(source)];
    match input.below(8) {
        0 => progress.sequence = progress.sequence.wrapping_sub(u16::from(input.below(8))),
        1 => progress.sequence = progress.sequence.wrapping_add(u16::from(input.u8())),
        2 => progress.sequence = input.u16(),
        _ => {}
    }
    progress.sequence = progress.sequence.wrapping_add(1);
    if input.flag() {
        progress.timestamp = progress.timestamp.wrapping_add(3000);
    }
    progress.transport_sequence = progress.transport_sequence.wrapping_add(1);
    let payload_type = CODECS[usize::from(input.below(5))].1 + u8::from(input.below(16) == 0);
    let header = RtpHeader {
        marker: input.flag(),
        payload_type,
        sequence_number: progress.sequence,
        timestamp: progress.timestamp,
        ssrc: 100 + u32::from(source),
    };
    let mid = [b'0' + input.below(4)];
    let rid = [b'a' + input.below(3)];
    let sequence = progress.transport_sequence.to_be_bytes();
    let level = [input.u8()];
    let all: [(u8, &[u8]); 4] = [(9, &mid), (10, &rid), (4, &sequence), (1, &level)];
    let mut bytes = vec![0; 600];
    let start = header.write(&mut bytes, &all[..usize::from(input.below(5))]).expect("room");
    let payload = payload(input);
    bytes[start..start + payload.len()].copy_from_slice(&payload);
    let end = start + payload.len();
    let padding = if input.below(16) == 0 { input.u8().max(1) } else { 0 };
    let end = write_padding(&mut bytes, end, padding).unwrap_or(end);
    bytes.truncate(end);
    bytes
}

/// What an encoder could have made, in some codec, or anything.
fn payload(input: &mut Input<'_>) -> Vec<u8> {
    let (key, start, numbers) = (input.flag(), input.flag(), input.u16());
    let [high, low] = numbers.to_be_bytes();
    let mut payload = match input.below(6) {
        0 => return input.slice().to_vec(),
        1 => vec![if start { 0x67 } else { 0x65 }, low],
        2 => vec![u8::from(key) << 3, low],
        3 => vec![0xa8 | u8::from(!key) << 6, low & 0x7f, high, low],
        _ => {
            let (start, layers) = (u8::from(start) << 4, input.u8());
            vec![0x80 | start, 0xe0, 0x80 | high, low, input.u8(), layers, u8::from(!key)]
        }
    };
    payload.resize(payload.len() + usize::from(input.u8()), 0x5a);
    payload
}

/// A compound RTCP packet about consumers' SSRCs, of which `newest` was sent last.
pub fn rtcp(input: &mut Input<'_>, newest: u16) -> Vec<u8> {
    let mut out = Vec::new();
    let ssrc = consumer_ssrc(input);
    let own = 100 + u32::from(input.below(SOURCES));
    match input.below(9) {
        0 => write_pli(&mut out, own, ssrc),
        1 => write_remb(&mut out, own, u64::from(input.u32()) * 16, &[ssrc]),
        2 | 3 => {
            let first = newest.wrapping_sub(u16::from(input.u8()));
            let count = u16::from(input.below(20)) + 1;
            let missing: Vec<u16> = (0..count).map(|n| first.wrapping_add(n)).collect();
            write_nack(&mut out, own, ssrc, &missing);
        }
        4 => {
            let block = ReportBlock {
                ssrc,
                fraction_lost: input.u8(),
                cumulative_lost: 0,
                highest_sequence: newest.into(),
                jitter: input.u32(),
                last_sender_report: input.u32(),
                delay_since_last: input.u32(),
            };
            write_receiver_report(&mut out, own, &[block]);
        }
        5 => {
            let ntp = u64::from(input.u32()) << 32;
            let info =
                SenderInfo { ntp, rtp_timestamp: input.u32(), packet_count: 1, octet_count: 1 };
            write_sender_report(&mut out, own, &info, &[]);
        }
        6 => {
            let (mut number, mut at) = (input.u16(), input.u32() >> 8);
            let arrivals: Vec<(u16, u32)> = (0..input.below(64))
                .map(|_| {
                    number = number.wrapping_add(1 + u16::from(input.below(3)));
                    at = at.wrapping_add(u32::from(input.u8()));
                    (number, at)
                })
                .collect();
            write_transport_feedback(&mut out, own, ssrc, 0, &arrivals);
        }
        7 => write_fir(&mut out, own, &[FirEntry { ssrc, sequence_number: input.u8() }]),
        _ => out.extend(input.slice()),
    }
    out
}

/// SSRCs that consumers have: few, so that some come twice under one key.
pub fn consumer_ssrc(input: &mut Input<'_>) -> u32 {
    1000 + u32::from(input.below(24))
}
