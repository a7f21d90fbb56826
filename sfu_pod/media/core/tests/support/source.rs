//! What an encoder would send.

use rotunda_packet::rtp::{RtpHeader, write_padding, write_rtx};

/// One outgoing stream of a peer, as plain RTP packets.
#[derive(Debug, Clone)]
pub struct Source {
    pub ssrc: u32,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub mid: String,
    pub rid: Option<String>,
    pub picture_id: u16,
    pub tl0: u8,
    /// Frames so far; the temporal pattern follows it.
    pub frame: u64,
    pub temporal_layers: u8,
    pub transport_sequence: u16,
}

impl Source {
    pub fn audio(ssrc: u32, producer: u64) -> Self {
        Self {
            ssrc,
            payload_type: 111,
            sequence: 65_500,
            timestamp: 4_000_000_000,
            mid: format!("m{producer}"),
            rid: None,
            picture_id: 32_700,
            tl0: 250,
            frame: 0,
            temporal_layers: 1,
            transport_sequence: 0,
        }
    }

    pub fn video(ssrc: u32, producer: u64, rid: Option<usize>) -> Self {
        let rid = rid.map(|n| format!("r{n}"));
        Self { payload_type: 96, rid, ..Self::audio(ssrc, producer) }
    }

    /// A packet with this payload; the sequence number moves on.
    pub fn packet(&mut self, marker: bool, payload: &[u8], extra: &[(u8, &[u8])]) -> Vec<u8> {
        let header = RtpHeader {
            marker,
            payload_type: self.payload_type,
            sequence_number: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let transport_sequence = self.transport_sequence.to_be_bytes();
        self.transport_sequence = self.transport_sequence.wrapping_add(1);
        let mut extensions: Vec<(u8, &[u8])> =
            vec![(9, self.mid.as_bytes()), (4, &transport_sequence)];
        if let Some(rid) = &self.rid {
            extensions.push((10, rid.as_bytes()));
        }
        extensions.extend_from_slice(extra);
        let mut bytes = vec![0; 300 + payload.len()];
        let start = header.write(&mut bytes, &extensions).unwrap();
        bytes[start..start + payload.len()].copy_from_slice(payload);
        bytes.truncate(start + payload.len());
        bytes
    }

    /// A packet of padding alone, as senders fill pauses with; it has the timestamp of the picture
    /// before it.
    pub fn padding(&mut self, len: u8) -> Vec<u8> {
        let mut bytes = self.packet(false, &[], &[]);
        let start = bytes.len();
        bytes.resize(start + usize::from(len), 0);
        write_padding(&mut bytes, start, len).unwrap();
        bytes
    }

    /// 20 ms of sound at a level (0 is the loudest).
    pub fn sound(&mut self, level: u8) -> Vec<u8> {
        self.timestamp = self.timestamp.wrapping_add(960);
        self.frame += 1;
        let payload = [&self.frame.to_be_bytes()[..], &[0x5a; 80]].concat();
        self.packet(false, &payload, &[(1, &[0x80 | level])])
    }

    /// A VP8 frame of packets with the given payload sizes, 1/30 s after the one before. The first
    /// bytes after the descriptor tell the frame and the packet.
    pub fn picture(&mut self, key: bool, sizes: &[usize]) -> Vec<Vec<u8>> {
        self.timestamp = self.timestamp.wrapping_add(3000);
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        if key {
            self.frame = 0;
        }
        let (temporal, sync) = match (self.temporal_layers, self.frame % 4) {
            (1, _) => (0, false),
            (2, n) => ((n % 2) as u8, n % 2 == 1),
            (_, 0) => (0, false),
            (_, 2) => (1, true),
            (_, n) => (2, n == 1),
        };
        self.frame += 1;
        if temporal == 0 {
            self.tl0 = self.tl0.wrapping_add(1);
        }
        let last = sizes.len() - 1;
        (0..sizes.len())
            .map(|n| {
                let start = if n == 0 { 0x10 } else { 0 };
                let [high, low] = self.picture_id.to_be_bytes();
                let mut payload = vec![
                    0x80 | start,
                    0xe0,
                    0x80 | high,
                    low,
                    self.tl0,
                    temporal << 6 | u8::from(sync) << 5,
                    if key { 0 } else { 1 },
                    n as u8,
                ];
                payload.resize(sizes[n].max(payload.len()), self.ssrc as u8);
                self.packet(n == last, &payload, &[])
            })
            .collect()
    }

    /// An RTX packet on `ssrc` that repeats `original`, a plain packet of this source.
    pub fn repair(&self, ssrc: u32, sequence: u16, original: &[u8]) -> Vec<u8> {
        let packet = rotunda_packet::rtp::RtpPacket::parse(original).unwrap();
        let header = RtpHeader {
            marker: packet.marker(),
            payload_type: 97,
            sequence_number: sequence,
            timestamp: packet.timestamp(),
            ssrc,
        };
        let mut extensions: Vec<(u8, &[u8])> = vec![(9, self.mid.as_bytes())];
        if let Some(rid) = &self.rid {
            extensions.push((11, rid.as_bytes()));
        }
        let mut bytes = vec![0; original.len() + 100];
        let start = header.write(&mut bytes, &extensions).unwrap();
        let start = start + write_rtx(&mut bytes[start..], packet.sequence_number()).unwrap();
        let payload = packet.payload();
        bytes[start..start + payload.len()].copy_from_slice(payload);
        bytes.truncate(start + payload.len());
        bytes
    }
}
