//! The header extensions that every packet of a consumer has, written once and not for each packet.

use std::ops::Range;

use rotunda_packet::rtp::{FIXED_HEADER_LEN, RtpHeader, RtpPacket};

use crate::command::ConsumerParameters;
use crate::consumer::write::{Stamp, write_elements};
use crate::packet::{Facts, range_within};

/// Bytes that they may take.
const MOST: usize = 32;

/// What stands behind the fixed header; two values in it are another packet's.
#[derive(Debug)]
pub(crate) struct CommonElements {
    block: [u8; MOST],
    len: usize,
    abs_send_time: Range<usize>,
    transport_sequence: Range<usize>,
}

impl CommonElements {
    /// `None`: there are none, or they take more than [`MOST`] bytes.
    pub(crate) fn new(parameters: &ConsumerParameters) -> Option<Self> {
        let mut written = [0; FIXED_HEADER_LEN + MOST];
        let (header, stamp) = (RtpHeader::default(), Stamp::default());
        let end =
            write_elements(&mut written, &header, parameters, &Facts::default(), &[], &stamp)?;
        let block: &[u8; MOST] = written.last_chunk()?;
        let packet = RtpPacket::parse_header(&written[..end]).ok()?;
        let place = |id: Option<u8>| {
            let value = id.and_then(|id| packet.extension(id));
            value.map_or(0..0, |value| range_within(&written[FIXED_HEADER_LEN..], value))
        };
        let ids = &parameters.extensions;
        let (abs_send_time, transport_sequence) =
            (place(ids.abs_send_time), place(ids.transport_cc));
        let len = end - FIXED_HEADER_LEN;
        (len > 0).then_some(Self { block: *block, len, abs_send_time, transport_sequence })
    }

    /// Writes the header of a packet that has no elements of its own, and returns where the payload
    /// begins. `None`: no room.
    #[inline]
    pub(crate) fn write(
        &self,
        buffer: &mut [u8],
        header: &RtpHeader,
        stamp: &Stamp,
    ) -> Option<usize> {
        let end = header.write_block(buffer, &self.block, self.len)?;
        let elements = buffer.get_mut(FIXED_HEADER_LEN..end)?;
        if let Some(value) = elements.get_mut(self.abs_send_time.clone())?.first_chunk_mut() {
            *value = stamp.abs_send_time;
        }
        if let Some(value) = elements.get_mut(self.transport_sequence.clone())?.first_chunk_mut() {
            *value = stamp.transport_sequence;
        }
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::ExtensionIds;

    #[test]
    fn what_is_written_at_once_is_what_is_written_one_by_one() {
        let header = RtpHeader {
            marker: true,
            payload_type: 96,
            sequence_number: 0x1234,
            timestamp: 0x5678_9abc,
            ssrc: 0xdef0_1234,
        };
        let stamp = Stamp { abs_send_time: [1, 2, 3], transport_sequence: [4, 5] };
        let mut at_once = 0;
        for (mid, ids) in [
            ("", [None, None, None]),
            ("0", [Some(1), None, None]),
            ("0", [Some(4), Some(2), Some(3)]),
            ("12", [Some(3), Some(14), None]),
            ("123", [Some(200), None, Some(15)]),
            ("sixteen bytes of", [Some(1), Some(2), Some(3)]),
            ("more than sixteen", [Some(1), Some(2), Some(3)]),
            ("much more than what there is room for", [Some(1), Some(2), Some(3)]),
            ("", [None, Some(7), Some(9)]),
        ] {
            let [mid_id, abs_send_time, transport_cc] = ids;
            let parameters = ConsumerParameters {
                mid: mid.into(),
                ssrc: header.ssrc,
                rtx_ssrc: None,
                payloads: Vec::new(),
                extensions: ExtensionIds {
                    mid: mid_id,
                    abs_send_time,
                    transport_cc,
                    ..ExtensionIds::default()
                },
                cname: String::new(),
                preferred_spatial: None,
            };
            let mut expected = [0xff; 100];
            let facts = Facts::default();
            let end = write_elements(&mut expected, &header, &parameters, &facts, &[], &stamp);
            let Some(common) = CommonElements::new(&parameters) else {
                assert!(
                    end == Some(FIXED_HEADER_LEN) || end > Some(FIXED_HEADER_LEN + MOST),
                    "{mid}"
                );
                continue;
            };
            let mut written = [0xff; 100];
            assert_eq!(common.write(&mut written, &header, &stamp), end);
            assert_eq!(written[..end.unwrap()], expected[..end.unwrap()], "{mid}");
            assert_eq!(common.write(&mut [0; FIXED_HEADER_LEN + MOST - 1], &header, &stamp), None);
            at_once += 1;
        }
        assert_eq!(at_once, 7);
    }
}
