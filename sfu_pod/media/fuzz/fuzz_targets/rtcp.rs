//! Compound RTCP: every list of every packet, and feedback written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotunda_packet::rtcp::{
    RtcpPacket, TransportFeedback, packets, write_nack, write_transport_feedback,
};

fuzz_target!(|bytes: &[u8]| {
    for packet in packets(bytes).flatten() {
        match packet {
            RtcpPacket::SenderReport(report) => assert!(report.blocks().count() <= 31),
            RtcpPacket::ReceiverReport(report) => assert!(report.blocks().count() <= 31),
            RtcpPacket::Sdes(sdes) => assert!(sdes.cnames().count() <= bytes.len()),
            RtcpPacket::Bye(bye) => assert!(bye.ssrcs().count() <= 31),
            RtcpPacket::Nack(nack) => nack_again(&nack.sequence_numbers().collect::<Vec<_>>()),
            RtcpPacket::TransportFeedback(feedback) => feedback_again(&feedback),
            RtcpPacket::Fir(fir) => assert!(fir.entries().count() <= bytes.len()),
            RtcpPacket::Remb(remb) => assert!(remb.ssrcs().count() <= 255),
            RtcpPacket::Pli(_) | RtcpPacket::Other { .. } => {}
        }
    }
});

fn nack_again(missing: &[u16]) {
    let mut out = Vec::new();
    write_nack(&mut out, 1, 2, missing);
    let Some(Ok(RtcpPacket::Nack(nack))) = packets(&out).next() else {
        panic!("we wrote a NACK");
    };
    let sorted = |numbers: Vec<u16>| numbers.into_iter().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(sorted(nack.sequence_numbers().collect()), sorted(missing.to_vec()));
}

fn feedback_again(feedback: &TransportFeedback<'_>) {
    assert_eq!(feedback.statuses().count(), usize::from(feedback.status_count));
    let arrivals: Vec<_> = feedback
        .statuses()
        .filter_map(|status| Some((status.sequence_number, status.arrival?)))
        .collect();
    let mut out = Vec::new();
    let taken = write_transport_feedback(&mut out, 1, 2, 3, &arrivals);
    assert!(taken > 0 || arrivals.is_empty());
    if let Some(Ok(RtcpPacket::TransportFeedback(again))) = packets(&out).next() {
        let read =
            again.statuses().filter_map(|status| Some((status.sequence_number, status.arrival?)));
        assert!(read.eq(arrivals[..taken].iter().copied()));
    } else {
        assert!(arrivals.is_empty(), "we wrote feedback");
    }
}
