//! A simulcast camera that answers key frame requests and NACKs as Chromium does.

use std::collections::HashMap;

use rotunda_media_core::Path;

use super::Call;
use super::peer::Told;
use super::source::Source;

/// Encodings of one camera, lowest first; SSRCs count up from the first one.
pub struct Camera {
    pub path: Path,
    pub layers: Vec<Source>,
    /// Packets of a frame, by layer.
    pub sizes: Vec<Vec<usize>>,
    /// Layers that are not sent now.
    pub off: Vec<usize>,
    /// Key frames made, by layer.
    pub key_frames: Vec<usize>,
    pub answers_nacks: bool,
    sent: HashMap<(u32, u16), Vec<u8>>,
    rtx_sequence: u16,
    seen: usize,
    wants_key: bool,
}

impl Camera {
    pub fn new(path: Path, producer: u64, ssrc: u32, layers: usize) -> Self {
        let rid = |n| (layers > 1).then_some(n);
        let layers: Vec<Source> = (0..layers)
            .map(|n| {
                let mut source = Source::video(ssrc + n as u32, producer, rid(n));
                // Every layer has clocks and counters of its own.
                source.sequence = 65_000 + 200 * n as u16;
                source.timestamp = 123_456_789 * (n as u32 + 1);
                source.picture_id = 9_000 * n as u16 + 100;
                source.temporal_layers = 3;
                source
            })
            .collect();
        let sizes = (0..layers.len()).map(|n| vec![200 + 300 * n; 2 * n + 1]).collect();
        Self {
            path,
            key_frames: vec![0; layers.len()],
            sizes,
            layers,
            off: Vec::new(),
            answers_nacks: true,
            sent: HashMap::new(),
            rtx_sequence: 1,
            seen: 0,
            wants_key: true,
        }
    }

    /// The packets of one frame of all layers, encrypted; key frames where they were asked for.
    pub fn frame(&mut self, call: &mut Call) -> Vec<(Path, Vec<u8>)> {
        self.listen(call);
        let key = std::mem::take(&mut self.wants_key);
        let mut transport_sequence = self.layers[0].transport_sequence;
        let mut packets = Vec::new();
        for n in (0..self.layers.len()).filter(|n| !self.off.contains(n)) {
            let source = &mut self.layers[n];
            source.transport_sequence = transport_sequence;
            self.key_frames[n] += usize::from(key);
            for packet in source.picture(key, &self.sizes[n]) {
                let sequence = u16::from_be_bytes([packet[2], packet[3]]);
                self.sent.insert((source.ssrc, sequence), packet.clone());
                packets.push((self.path, call.peer(self.path).protect(packet)));
            }
            transport_sequence = source.transport_sequence;
        }
        self.layers[0].transport_sequence = transport_sequence;
        packets
    }

    /// What was asked for since the last call: repairs are returned, key frames come next.
    pub fn repairs(&mut self, call: &mut Call) -> Vec<(Path, Vec<u8>)> {
        let asked = self.listen(call);
        let mut repairs = Vec::new();
        for (ssrc, sequence) in asked {
            let Some(layer) = self.layers.iter().find(|layer| layer.ssrc == ssrc) else { continue };
            let Some(original) = self.sent.get(&(ssrc, sequence)) else { continue };
            self.rtx_sequence += 1;
            let repair = layer.repair(ssrc + 100, self.rtx_sequence, original);
            repairs.push((self.path, call.peer(self.path).protect(repair)));
        }
        repairs
    }

    fn listen(&mut self, call: &mut Call) -> Vec<(u32, u16)> {
        let told = &call.peer(self.path).told;
        let new: Vec<Told> = told.iter().skip(self.seen).map(|(_, told)| told.clone()).collect();
        self.seen = told.len();
        let mut asked = Vec::new();
        for told in new {
            match told {
                // As Chromium does: one request makes key frames of all layers.
                Told::Pli { ssrc } if self.layers.iter().any(|layer| layer.ssrc == ssrc) => {
                    self.wants_key = true;
                }
                Told::Nack { ssrc, sequences } if self.answers_nacks => {
                    asked.extend(sequences.into_iter().map(|sequence| (ssrc, sequence)));
                }
                _ => {}
            }
        }
        asked
    }

    /// Sends frames for so long, one each 33 ms, everything at once as it is made.
    pub fn run(&mut self, call: &mut Call, frames: usize) {
        for _ in 0..frames {
            let packets = self.frame(call);
            call.receive(packets);
            call.pass_ms(33);
        }
    }
}
