//! RTP packets: the parts add up, and what is written again reads the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotunda_packet::rtp::{RtpHeader, RtpPacket, split_rtx};

fuzz_target!(|bytes: &[u8]| {
    let Ok(packet) = RtpPacket::parse(bytes) else { return };
    let parts = packet.header_len() + packet.payload().len() + packet.padding_len();
    assert_eq!(parts, bytes.len());
    let _ = (packet.csrcs().count(), split_rtx(packet.payload()));
    let header = RtpHeader {
        marker: packet.marker(),
        payload_type: packet.payload_type(),
        sequence_number: packet.sequence_number(),
        timestamp: packet.timestamp(),
        ssrc: packet.ssrc(),
    };
    let extensions: Vec<_> = packet.extensions().collect();
    let mut again = vec![0; 2 * bytes.len() + 16];
    let len = header.write(&mut again, &extensions).expect("there is room");
    let read = RtpPacket::parse(&again[..len]).expect("we wrote it");
    assert_eq!(read.extensions().collect::<Vec<_>>(), extensions);
    assert_eq!((read.ssrc(), read.sequence_number()), (header.ssrc, header.sequence_number));
});
