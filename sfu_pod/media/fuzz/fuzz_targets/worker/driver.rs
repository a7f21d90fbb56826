//! One worker, its owner and its peers.

use std::time::{Duration, Instant};

use rotunda_media_core::command::{
    ConsumerParameters, EncodingParameters, ExtensionIds, MediaKind, PayloadMapping,
    ProducerParameters,
};
use rotunda_media_core::event::WorkerStats;
use rotunda_media_core::id::{ConsumerId, ListenerId, ProducerId, RouterId, TransportId};
use rotunda_media_core::{Command, Config, Event, Output, Path, Received, Worker};
use rotunda_packet::demux::{PacketKind, classify};

use crate::input::Input;
use crate::media::{self, CODECS, Progress};
use crate::peer::Peer;

const PEERS: usize = 4;
const PRODUCERS: usize = 6;
const CONSUMERS: usize = 10;
/// No step may make the worker send so many datagrams, or wake so often, with so few peers.
const MOST: usize = 20_000;

/// What a DTLS handshake record begins with.
const DTLS: u8 = 22;

const IDS: ExtensionIds = ExtensionIds {
    mid: Some(9),
    rid: Some(10),
    repaired_rid: Some(11),
    abs_send_time: Some(2),
    transport_cc: Some(4),
    audio_level: Some(1),
    video_orientation: Some(13),
    dependency_descriptor: Some(12),
};

/// What the worker sent in one step.
#[derive(Default)]
struct Outbox(Vec<Vec<u8>>);

impl Output for Outbox {
    fn send(&mut self, _: Path, capacity: usize, write: impl FnOnce(&mut [u8]) -> Option<usize>) {
        let mut buffer = vec![0; capacity];
        if let Some(len) = write(&mut buffer) {
            buffer.truncate(len);
            self.0.push(buffer);
        }
    }

    fn dtls(&mut self, _: TransportId, _: &[u8]) {}
}

pub struct Driver {
    worker: Worker,
    now: Instant,
    outbox: Outbox,
    next_id: u64,
    peers: [Option<(TransportId, Peer)>; PEERS],
    generations: u8,
    producers: [ProducerId; PRODUCERS],
    consumers: [ConsumerId; CONSUMERS],
    progress: [Progress; media::SOURCES as usize],
    /// The media number that was sent last.
    newest: u16,
}

impl Driver {
    pub fn new() -> Self {
        let now = Instant::now();
        Self {
            worker: Worker::new(now, Config { seed: 7, ..Config::default() }),
            now,
            outbox: Outbox::default(),
            next_id: 1,
            peers: [const { None }; PEERS],
            generations: 0,
            producers: [ProducerId(0); PRODUCERS],
            consumers: [ConsumerId(0); CONSUMERS],
            progress: Default::default(),
            newest: 0,
        }
    }

    /// Does one thing.
    pub fn step(&mut self, step: u8, input: &mut Input<'_>) {
        match step % 16 {
            0 => self.join(input),
            1 => self.add_producer(input),
            2 | 3 => self.add_consumer(input),
            4 => self.owner(input),
            5 => self.pass(Duration::from_millis(u64::from(input.u8()) * 40)),
            6 => self.pass(Duration::from_millis(u64::from(input.u8()))),
            7 => self.garbage(input),
            8 | 9 => self.control(input),
            10 => self.check(input),
            _ => self.media(input),
        }
        self.settle();
    }

    /// Everything is taken away, and nothing is left.
    pub fn end(mut self) {
        for peer in std::mem::take(&mut self.peers).into_iter().flatten() {
            self.command(Command::RemoveTransport { transport: peer.0 });
        }
        let stats = self.stats();
        assert!(stats.transports.is_empty() && stats.producers.is_empty());
        assert!(stats.consumers.is_empty());
    }

    /// A peer comes, with keys or without; one that was there leaves.
    fn join(&mut self, input: &mut Input<'_>) {
        let place = usize::from(input.below(PEERS as u8));
        if let Some((transport, _)) = self.peers[place].take() {
            self.command(Command::RemoveTransport { transport });
        }
        if self.generations == u8::MAX {
            return;
        }
        self.generations += 1;
        let mut peer = Peer::new(place as u8 + 1, self.generations);
        let transport = TransportId(self.id());
        self.command(Command::AddTransport { transport, ice: peer.ice.clone() });
        let (check, path) = (peer.check(true), peer.path);
        if input.below(8) != 0 {
            self.command(Command::SetSrtp { transport, keys: peer.keys.clone() });
        }
        self.peers[place] = Some((transport, peer));
        self.receive(vec![(path, check)]);
    }

    fn add_producer(&mut self, input: &mut Input<'_>) {
        let place = usize::from(input.below(PRODUCERS as u8));
        let producer = ProducerId(self.id());
        let Some(transport) = self.transport(input) else { return };
        let video = input.below(4) != 0;
        let (first, signalled) = (u32::from(input.below(media::SOURCES)), input.flag());
        let encodings = (0..=input.below(3)).zip(first..).map(|(index, ssrc)| EncodingParameters {
            rid: Some(((b'a' + index) as char).to_string()),
            ssrc: signalled.then_some(100 + ssrc),
            rtx_ssrc: None,
        });
        let parameters = ProducerParameters {
            kind: if video { MediaKind::Video } else { MediaKind::Audio },
            mid: Some(input.below(4).to_string()),
            payloads: CODECS.map(payload_mapping).to_vec(),
            extensions: IDS,
            encodings: encodings.collect(),
            cname: "source".to_owned(),
        };
        self.command(Command::AddProducer {
            router: RouterId(1 + u64::from(input.below(2))),
            transport,
            producer,
            parameters: Box::new(parameters),
            paused: input.below(8) == 0,
        });
        self.producers[place] = producer;
    }

    fn add_consumer(&mut self, input: &mut Input<'_>) {
        let place = usize::from(input.below(CONSUMERS as u8));
        let consumer = ConsumerId(self.id());
        let Some(transport) = self.transport(input) else { return };
        let producer = self.producers[usize::from(input.below(PRODUCERS as u8))];
        let parameters = ConsumerParameters {
            mid: consumer.0.to_string(),
            ssrc: media::consumer_ssrc(input),
            rtx_ssrc: input.flag().then(|| media::consumer_ssrc(input)),
            payloads: CODECS.map(|(codec, number)| (codec, number, Some(number + 1))).to_vec(),
            extensions: IDS,
            cname: "a consumer".to_owned(),
            preferred_spatial: input.flag().then(|| input.below(4)),
        };
        self.command(Command::AddConsumer {
            transport,
            consumer,
            producer,
            parameters: Box::new(parameters),
            paused: input.below(8) == 0,
        });
        self.consumers[place] = consumer;
    }

    /// What owners ask for besides.
    fn owner(&mut self, input: &mut Input<'_>) {
        let consumer = self.consumers[usize::from(input.below(CONSUMERS as u8))];
        let producer = self.producers[usize::from(input.below(PRODUCERS as u8))];
        let Some(transport) = self.transport(input) else { return };
        let command = match input.below(9) {
            0 => Command::SetProducerPaused { producer, paused: input.flag() },
            1 => Command::RemoveProducer { producer },
            2 => Command::SetConsumerPaused { consumer, paused: input.flag() },
            3 | 4 => Command::SetPreferredLayers {
                consumer,
                spatial: input.below(4),
                temporal: input.flag().then(|| input.below(4)),
            },
            5 => Command::RequestKeyFrame { consumer },
            6 => Command::RemoveConsumer { consumer },
            7 => {
                let bits_per_second = u64::from(input.u32());
                Command::SetMaxIncomingBitrate { transport, bits_per_second }
            }
            _ => {
                let datagram = [&[DTLS], input.slice()].concat();
                Command::SendDtls { transport, datagram }
            }
        };
        self.command(command);
    }

    /// Media of one peer, some packets in one batch, perhaps from where it was not before.
    fn media(&mut self, input: &mut Input<'_>) {
        let place = usize::from(input.below(PEERS as u8));
        let elsewhere = input.below(32) == 0;
        let Some((_, peer)) = &mut self.peers[place] else { return };
        let mut path = peer.path;
        if elsewhere {
            path.remote.set_port(5001);
        }
        let batch = (0..=input.below(6))
            .map(|_| (path, peer.protect_rtp(&media::rtp(input, &mut self.progress))))
            .collect();
        self.receive(batch);
    }

    fn control(&mut self, input: &mut Input<'_>) {
        let place = usize::from(input.below(PEERS as u8));
        let Some((_, peer)) = &mut self.peers[place] else { return };
        let packet = peer.protect_rtcp(&media::rtcp(input, self.newest));
        let path = peer.path;
        self.receive(vec![(path, packet)]);
    }

    fn check(&mut self, input: &mut Input<'_>) {
        let place = usize::from(input.below(PEERS as u8));
        let (nominate, port) = (input.flag(), 5000 + u16::from(input.below(3)));
        let Some((_, peer)) = &mut self.peers[place] else { return };
        let (check, mut path) = (peer.check(nominate), peer.path);
        path.remote.set_port(port);
        self.receive(vec![(path, check)]);
    }

    /// Bytes from anywhere.
    fn garbage(&mut self, input: &mut Input<'_>) {
        let remote = ([10, 0, 0, input.below(6)], 5000).into();
        let path = Path { listener: ListenerId(0), remote };
        self.receive(vec![(path, input.slice().to_vec())]);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut wakes = 0;
        while let Some(next) = self.worker.next_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.worker.timeout(self.now, &mut self.outbox);
            self.settle();
            wakes += 1;
            assert!(wakes < MOST, "the worker does not come to rest");
        }
        self.now = end;
    }

    fn command(&mut self, command: Command) {
        self.worker.command(self.now, command, &mut self.outbox);
        self.settle();
    }

    fn receive(&mut self, mut datagrams: Vec<(Path, Vec<u8>)>) {
        let datagrams = datagrams.iter_mut();
        let mut batch: Vec<_> =
            datagrams.map(|(path, data)| Received { path: *path, data }).collect();
        self.worker.receive(self.now, &mut batch, &mut self.outbox);
        self.settle();
    }

    /// Takes what was sent: each media and control packet is one that a peer can open, and new.
    fn settle(&mut self) {
        while self.worker.take_event().is_some() {}
        let sent = std::mem::take(&mut self.outbox.0);
        assert!(sent.len() < MOST, "a step made {} datagrams", sent.len());
        for datagram in sent {
            let Some(kind) = classify(&datagram) else { continue };
            if kind == PacketKind::Rtp {
                self.newest = u16::from_be_bytes([datagram[2], datagram[3]]);
            }
            if matches!(kind, PacketKind::Rtp | PacketKind::Rtcp) {
                let mut peers = self.peers.iter_mut().flatten();
                assert!(peers.any(|(_, peer)| peer.opens(kind, &datagram)), "a number came twice");
            }
        }
    }

    fn stats(&mut self) -> WorkerStats {
        self.worker.command(self.now, Command::CollectStats { token: 1 }, &mut self.outbox);
        loop {
            match self.worker.take_event().expect("an answer") {
                Event::Stats { stats, .. } => return *stats,
                _ => {}
            }
        }
    }

    fn transport(&self, input: &mut Input<'_>) -> Option<TransportId> {
        let peer = self.peers[usize::from(input.below(PEERS as u8))].as_ref();
        peer.map(|(transport, _)| *transport)
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

fn payload_mapping(
    (codec, payload_type): (rotunda_media_core::command::Codec, u8),
) -> PayloadMapping {
    PayloadMapping {
        codec,
        clock_rate: 90_000,
        payload_type,
        rtx_payload_type: Some(payload_type + 1),
        nack: true,
    }
}
