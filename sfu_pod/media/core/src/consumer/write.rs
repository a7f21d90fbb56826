//! Outgoing packets as bytes.

use rotunda_packet::rtp::{RtpHeader, write_padding, write_rtx};

use crate::command::{ConsumerParameters, ExtensionIds};
use crate::consumer::Consumer;
use crate::consumer::rewrite::Numbers;
use crate::packet::{Facts, MediaPacket};

/// Header, extension elements but MID and dependency descriptor, RTX sequence number, tag. More than
/// what `CommonElements` copies whole.
const FIXED_ROOM: usize = 12 + 8 + 32 + 4 + 32;
/// One element of each extension that is sent.
const MAX_EXTENSIONS: usize = 6;

/// Values that change with time and transport.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stamp {
    pub abs_send_time: [u8; 3],
    pub transport_sequence: [u8; 2],
}

/// Bytes that a packet may take.
#[inline]
pub(crate) fn room(consumer: &Consumer, packet: &MediaPacket<'_>) -> usize {
    let elements = consumer.parameters.mid.len() + packet.dependency.len();
    FIXED_ROOM + elements + packet.padded_len
}

/// Writes a packet as the consumer gets it; returns its length. `None`: no room.
#[inline]
pub(crate) fn write_media(
    buffer: &mut [u8],
    consumer: &Consumer,
    payload_type: u8,
    packet: &MediaPacket<'_>,
    numbers: &Numbers,
    stamp: &Stamp,
) -> Option<usize> {
    let header = RtpHeader {
        marker: packet.facts.marker,
        payload_type,
        sequence_number: numbers.sequence,
        timestamp: numbers.timestamp,
        ssrc: consumer.parameters.ssrc,
    };
    let start = write_header(buffer, &header, consumer, packet, stamp)?;
    let end = write_payload(buffer, start, packet, numbers)?;
    let padding = packet.padded_len.saturating_sub(packet.payload.len());
    write_padding(buffer, end, padding.min(255) as u8)
}

/// Writes a packet of the past as a retransmission on `ssrc` (RFC 4588); returns its length.
#[allow(clippy::too_many_arguments, reason = "the parts of one packet, written in one pass")]
pub(crate) fn write_retransmission(
    buffer: &mut [u8],
    consumer: &Consumer,
    ssrc: u32,
    payload_type: u8,
    sequence_number: u16,
    packet: &MediaPacket<'_>,
    numbers: &Numbers,
    stamp: &Stamp,
) -> Option<usize> {
    let header = RtpHeader {
        marker: packet.facts.marker,
        payload_type,
        sequence_number,
        timestamp: numbers.timestamp,
        ssrc,
    };
    let start = write_header(buffer, &header, consumer, packet, stamp)?;
    let original = start + write_rtx(&mut buffer[start..], numbers.sequence)?;
    write_payload(buffer, original, packet, numbers)
}

#[inline]
fn write_header(
    buffer: &mut [u8],
    header: &RtpHeader,
    consumer: &Consumer,
    packet: &MediaPacket<'_>,
    stamp: &Stamp,
) -> Option<usize> {
    let facts = &packet.facts;
    let has_own =
        facts.audio_level.is_some() || facts.orientation.is_some() || !packet.dependency.is_empty();
    match &consumer.common_elements {
        Some(common) if !has_own => common.write(buffer, header, stamp),
        _ => {
            let (parameters, dependency) = (&consumer.parameters, packet.dependency);
            write_elements(buffer, header, parameters, facts, dependency, stamp)
        }
    }
}

/// Writes a header with each element that the packet and the consumer's parameters have.
pub(crate) fn write_elements(
    buffer: &mut [u8],
    header: &RtpHeader,
    parameters: &ConsumerParameters,
    facts: &Facts,
    dependency: &[u8],
    stamp: &Stamp,
) -> Option<usize> {
    let ids: &ExtensionIds = &parameters.extensions;
    let level = facts.audio_level.unwrap_or_default();
    let orientation = facts.orientation.unwrap_or_default();
    let (level, orientation) = ([level], [orientation]);
    let candidates: [(Option<u8>, &[u8], bool); MAX_EXTENSIONS] = [
        (ids.mid, parameters.mid.as_bytes(), true),
        (ids.abs_send_time, &stamp.abs_send_time, true),
        (ids.transport_cc, &stamp.transport_sequence, true),
        (ids.audio_level, &level, facts.audio_level.is_some()),
        (ids.video_orientation, &orientation, facts.orientation.is_some()),
        (ids.dependency_descriptor, dependency, !dependency.is_empty()),
    ];
    let mut elements = [(0, &[][..]); MAX_EXTENSIONS];
    let mut count = 0;
    for (id, value, present) in candidates {
        if let (Some(id), true) = (id, present) {
            elements[count] = (id, value);
            count += 1;
        }
    }
    header.write(buffer, &elements[..count])
}

#[inline]
fn write_payload(
    buffer: &mut [u8],
    start: usize,
    packet: &MediaPacket<'_>,
    numbers: &Numbers,
) -> Option<usize> {
    let end = start + packet.payload.len();
    let payload = buffer.get_mut(start..end)?;
    payload.copy_from_slice(packet.payload);
    numbers.codec.write(&packet.frame, payload);
    Some(end)
}
