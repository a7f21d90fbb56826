//! A remote peer: ICE checks, SRTP both ways, and all that it was sent.

use std::collections::VecDeque;
use std::time::Instant;

use rotunda_media_core::Path;
use rotunda_media_core::codec::vp8::Vp8Descriptor;
use rotunda_media_core::command::{IceCredentials, SrtpKeys};
use rotunda_packet::demux::{PacketKind, classify};
use rotunda_packet::rtcp::{
    RtcpPacket, packets, write_fir, write_nack, write_pli, write_receiver_report, write_remb,
};
use rotunda_packet::rtp::RtpPacket;
use rotunda_packet::srtp::{Receiver, Sender};
use rotunda_packet::stun::{
    Class, IceRole, Message, TransactionId, write_binding_error, write_binding_request,
    write_binding_success,
};

/// One media packet as a peer got it.
#[derive(Debug, Clone)]
pub struct Got {
    pub at: Instant,
    pub ssrc: u32,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub extensions: Vec<(u8, Vec<u8>)>,
    pub payload: Vec<u8>,
    pub padding: usize,
    pub datagram_len: usize,
}

impl Got {
    pub fn vp8(&self) -> Vp8Descriptor {
        Vp8Descriptor::parse(&self.payload).expect("VP8")
    }

    pub fn extension(&self, id: u8) -> Option<&[u8]> {
        self.extensions.iter().find(|(other, _)| *other == id).map(|(_, value)| &value[..])
    }

    pub fn transport_sequence(&self, id: u8) -> u16 {
        let value = self.extension(id).expect("transport-cc");
        u16::from_be_bytes([value[0], value[1]])
    }
}

/// What a peer was asked or told by RTCP.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    Nack { ssrc: u32, sequences: Vec<u16> },
    Pli { ssrc: u32 },
    SenderReport { ssrc: u32, ntp: u64, rtp_timestamp: u32, packets: u32 },
    ReceiverReport { ssrc: u32, fraction_lost: u8, cumulative_lost: i32, highest: u32 },
    Cname { ssrc: u32, cname: Vec<u8> },
    Feedback { base: u16, arrivals: Vec<(u16, Option<u32>)> },
    Remb { bitrate: u64, ssrcs: Vec<u32> },
}

pub struct Peer {
    pub path: Path,
    username: String,
    password: String,
    checks: u8,
    /// Of both directions; `None`: in the clear.
    keys: Option<(Sender, Receiver)>,
    /// All media, in order of arrival.
    pub media: Vec<Got>,
    pub told: VecDeque<(Instant, Told)>,
    pub stun_answers: usize,
    /// Leaves requests without credentials unanswered.
    pub deaf: bool,
    /// Has no keys for what comes and looks at nothing.
    pub counts_only: bool,
    /// Answers every request with success, as a STUN server does.
    pub is_stun_server: bool,
    /// What it has to send in answer.
    pub answers: Vec<Vec<u8>>,
    /// Bytes that came, whatever they were.
    pub bytes: usize,
}

impl Peer {
    pub fn new(path: Path, ice: &IceCredentials, keys: &SrtpKeys) -> Self {
        let mut peer = Self::plain(path);
        peer.restart(ice);
        peer.set_keys(keys);
        peer
    }

    /// One that knows neither ICE nor keys.
    pub fn plain(path: Path) -> Self {
        Self {
            path,
            username: String::new(),
            password: String::new(),
            checks: 0,
            keys: None,
            media: Vec::new(),
            told: VecDeque::new(),
            stun_answers: 0,
            deaf: false,
            counts_only: false,
            is_stun_server: false,
            answers: Vec::new(),
            bytes: 0,
        }
    }

    /// The worker's keys, from its point of view.
    pub fn set_keys(&mut self, keys: &SrtpKeys) {
        let sender = Sender::new(keys.profile, &keys.receive).unwrap();
        self.keys = Some((sender, Receiver::new(keys.profile, &keys.send).unwrap()));
    }

    /// New credentials of the worker's side.
    pub fn restart(&mut self, ice: &IceCredentials) {
        self.username = format!("{}:peer", ice.ufrag);
        self.password = ice.password.clone();
    }

    pub fn check(&mut self, nominate: bool) -> Vec<u8> {
        self.checks = self.checks.wrapping_add(1);
        let mut check = Vec::new();
        write_binding_request(
            &mut check,
            TransactionId([self.checks; 12]),
            &self.username,
            IceRole::Controlling(7),
            1,
            nominate,
            self.password.as_bytes(),
        );
        check
    }

    pub fn protect(&mut self, plain: Vec<u8>) -> Vec<u8> {
        self.try_protect(plain).expect("protectable")
    }

    pub fn try_protect(&mut self, mut plain: Vec<u8>) -> Option<Vec<u8>> {
        let Some((sender, _)) = &mut self.keys else { return Some(plain) };
        let len = plain.len();
        plain.resize(len + 64, 0);
        let len = sender.protect_rtp(&mut plain, len).ok()?;
        plain.truncate(len);
        Some(plain)
    }

    pub fn rtcp(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> (Path, Vec<u8>) {
        let mut plain = Vec::new();
        write(&mut plain);
        if let Some((sender, _)) = &mut self.keys {
            let len = plain.len();
            plain.resize(len + 64, 0);
            let len = sender.protect_rtcp(&mut plain, len).expect("protectable");
            plain.truncate(len);
        }
        (self.path, plain)
    }

    pub fn nack(&mut self, ssrc: u32, sequences: &[u16]) -> (Path, Vec<u8>) {
        self.rtcp(|out| {
            write_receiver_report(out, 1, &[]);
            write_nack(out, 1, ssrc, sequences);
        })
    }

    pub fn pli(&mut self, ssrc: u32) -> (Path, Vec<u8>) {
        self.rtcp(|out| write_pli(out, 1, ssrc))
    }

    pub fn fir(&mut self, ssrc: u32, number: u8) -> (Path, Vec<u8>) {
        use rotunda_packet::rtcp::FirEntry;
        self.rtcp(|out| write_fir(out, 1, &[FirEntry { ssrc, sequence_number: number }]))
    }

    pub fn remb(&mut self, bitrate: u64) -> (Path, Vec<u8>) {
        self.rtcp(|out| write_remb(out, 1, bitrate, &[]))
    }

    /// Takes a datagram that the worker sent.
    pub fn take(&mut self, now: Instant, mut datagram: Vec<u8>) {
        self.bytes += datagram.len();
        if self.is_stun_server
            && let Ok(message) = Message::parse(&datagram)
            && message.is_binding_request()
        {
            let mut answer = Vec::new();
            write_binding_success(&mut answer, message.transaction_id(), self.path.remote, b"");
            self.answers.push(answer);
        }
        if self.counts_only {
            return;
        }
        match classify(&datagram) {
            Some(PacketKind::Stun) => {
                let message = Message::parse(&datagram).expect("valid STUN");
                if message.class() == Class::Success {
                    assert!(message.verify_integrity(self.password.as_bytes()));
                    self.stun_answers += 1;
                } else if message.is_binding_request() && !self.deaf {
                    let (mut answer, id) = (Vec::new(), message.transaction_id());
                    write_binding_error(&mut answer, id, 400, "Bad Request", None);
                    self.answers.push(answer);
                }
            }
            Some(PacketKind::Rtp) => self.take_media(now, &mut datagram),
            Some(PacketKind::Rtcp) => self.take_control(now, &mut datagram),
            _ => {}
        }
    }

    /// Media of one SSRC.
    pub fn of(&self, ssrc: u32) -> Vec<Got> {
        self.media.iter().filter(|got| got.ssrc == ssrc).cloned().collect()
    }

    pub fn plis(&self) -> Vec<u32> {
        let pli = |(_, told): &(Instant, Told)| match told {
            Told::Pli { ssrc } => Some(*ssrc),
            _ => None,
        };
        self.told.iter().filter_map(pli).collect()
    }

    fn take_media(&mut self, now: Instant, datagram: &mut [u8]) {
        let datagram_len = datagram.len();
        let len = match &mut self.keys {
            Some((_, receiver)) => receiver.unprotect_rtp(datagram).expect("authentic and new"),
            None => datagram_len,
        };
        let packet = RtpPacket::parse(&datagram[..len]).expect("valid RTP");
        self.media.push(Got {
            at: now,
            ssrc: packet.ssrc(),
            payload_type: packet.payload_type(),
            sequence: packet.sequence_number(),
            timestamp: packet.timestamp(),
            marker: packet.marker(),
            extensions: packet.extensions().map(|(id, value)| (id, value.to_vec())).collect(),
            payload: packet.payload().to_vec(),
            padding: packet.padding_len(),
            datagram_len,
        });
    }

    fn take_control(&mut self, now: Instant, datagram: &mut [u8]) {
        let len = match &mut self.keys {
            Some((_, receiver)) => receiver.unprotect_rtcp(datagram).expect("authentic and new"),
            None => datagram.len(),
        };
        for packet in packets(&datagram[..len]) {
            for told in told(packet.expect("valid RTCP")) {
                self.told.push_back((now, told));
            }
        }
    }
}

fn told(packet: RtcpPacket<'_>) -> Vec<Told> {
    match packet {
        RtcpPacket::SenderReport(report) => vec![Told::SenderReport {
            ssrc: report.ssrc,
            ntp: report.info.ntp,
            rtp_timestamp: report.info.rtp_timestamp,
            packets: report.info.packet_count,
        }],
        RtcpPacket::ReceiverReport(report) => report
            .blocks()
            .map(|block| Told::ReceiverReport {
                ssrc: block.ssrc,
                fraction_lost: block.fraction_lost,
                cumulative_lost: block.cumulative_lost,
                highest: block.highest_sequence,
            })
            .collect(),
        RtcpPacket::Sdes(sdes) => {
            sdes.cnames().map(|(ssrc, cname)| Told::Cname { ssrc, cname: cname.to_vec() }).collect()
        }
        RtcpPacket::Nack(nack) => {
            vec![Told::Nack { ssrc: nack.media_ssrc, sequences: nack.sequence_numbers().collect() }]
        }
        RtcpPacket::Pli(pli) => vec![Told::Pli { ssrc: pli.media_ssrc }],
        RtcpPacket::TransportFeedback(feedback) => vec![Told::Feedback {
            base: feedback.base_sequence,
            arrivals: feedback
                .statuses()
                .map(|status| (status.sequence_number, status.arrival))
                .collect(),
        }],
        RtcpPacket::Remb(remb) => {
            vec![Told::Remb { bitrate: remb.bitrate, ssrcs: remb.ssrcs().collect() }]
        }
        other => panic!("unexpected {other:?}"),
    }
}
