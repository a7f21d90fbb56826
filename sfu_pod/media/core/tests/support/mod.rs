//! A worker in virtual time and peers that speak STUN and SRTP to it.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod bytes;
pub mod camera;
pub mod netem;
pub mod peer;
pub mod source;
pub mod viewing;

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use rotunda_media_core::command::{
    Codec, ConsumerParameters, EncodingParameters, ExtensionIds, IceCredentials, MediaKind,
    PayloadMapping, ProducerParameters, SrtpKeys,
};
use rotunda_media_core::event::{Event, WorkerStats};
use rotunda_media_core::id::{ConsumerId, ListenerId, ProducerId, RouterId, TransportId};
use rotunda_media_core::{Command, Config, Output, Path, Received, Worker};
use rotunda_packet::srtp::SrtpProfile;

pub use peer::Peer;

/// The extension ids that sources of these tests use.
pub const SOURCE_IDS: ExtensionIds = ExtensionIds {
    mid: Some(9),
    rid: Some(10),
    repaired_rid: Some(11),
    abs_send_time: Some(2),
    transport_cc: Some(4),
    audio_level: Some(1),
    video_orientation: Some(13),
    dependency_descriptor: None,
};

/// The extension ids that consumers of these tests use: others, to see that they are mapped.
pub const SINK_IDS: ExtensionIds = ExtensionIds {
    mid: Some(1),
    rid: None,
    repaired_rid: None,
    abs_send_time: Some(3),
    transport_cc: Some(5),
    audio_level: Some(10),
    video_orientation: Some(11),
    dependency_descriptor: Some(12),
};

pub const ROUTER: RouterId = RouterId(1);

/// Datagrams that the worker sent.
#[derive(Default)]
pub struct Outbox {
    pub sent: Vec<(Path, Vec<u8>)>,
    pub dtls: Vec<(TransportId, Vec<u8>)>,
}

impl Output for Outbox {
    fn send(
        &mut self,
        path: Path,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        let mut buffer = vec![0; capacity];
        if let Some(len) = write(&mut buffer) {
            buffer.truncate(len);
            self.sent.push((path, buffer));
        }
    }

    fn dtls(&mut self, transport: TransportId, datagram: &[u8]) {
        self.dtls.push((transport, datagram.to_vec()));
    }
}

/// One worker and its peers, driven by hand.
pub struct Call {
    pub worker: Worker,
    pub start: Instant,
    pub now: Instant,
    pub outbox: Outbox,
    pub events: Vec<Event>,
    pub peers: HashMap<Path, Peer>,
    pub largest_datagram: usize,
    /// Who joins leaves probes unanswered.
    pub deaf: bool,
}

impl Call {
    pub fn new(seed: u64) -> Self {
        Self::with(Config { seed, ..Config::default() })
    }

    pub fn with(config: Config) -> Self {
        let start = Instant::now();
        let wall_clock = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let worker = Worker::new(start, Config { wall_clock, ..config });
        Self {
            worker,
            start,
            now: start,
            outbox: Outbox::default(),
            events: Vec::new(),
            peers: HashMap::new(),
            largest_datagram: 0,
            deaf: false,
        }
    }

    /// A connected peer with keys; its path is its name.
    pub fn join(&mut self, transport: u64) -> Path {
        let (path, keys) = self.join_without_keys(transport);
        self.command(Command::SetSrtp { transport: TransportId(transport), keys });
        path
    }

    /// A peer whose handshake is still under way, and the keys that it will have.
    pub fn join_without_keys(&mut self, transport: u64) -> (Path, SrtpKeys) {
        let profile = SrtpProfile::Aes128Gcm;
        let key = |n: u8| vec![n ^ transport as u8; profile.key_len() + profile.salt_len()];
        let remote = ([10, 0, (transport >> 8) as u8, transport as u8], 5000).into();
        let path = Path { listener: ListenerId(0), remote };
        let ice = IceCredentials {
            ufrag: format!("ufrag{transport}"),
            password: format!("a password long enough {transport}"),
        };
        let keys = SrtpKeys { profile, send: key(1), receive: key(2) };
        let mut peer = Peer::new(path, &ice, &keys);
        peer.deaf = self.deaf;
        self.command(Command::AddTransport { transport: TransportId(transport), ice });
        let check = peer.check(true);
        self.peers.insert(path, peer);
        self.receive(vec![(path, check)]);
        (path, keys)
    }

    pub fn command(&mut self, command: Command) {
        self.worker.command(self.now, command, &mut self.outbox);
        self.settle();
    }

    /// One batch of datagrams arrives.
    pub fn receive(&mut self, datagrams: Vec<(Path, Vec<u8>)>) {
        let mut datagrams = datagrams;
        let mut batch: Vec<Received<'_>> =
            datagrams.iter_mut().map(|(path, data)| Received { path: *path, data }).collect();
        self.worker.receive(self.now, &mut batch, &mut self.outbox);
        self.settle();
    }

    /// A connection ends.
    pub fn close_path(&mut self, path: Path) {
        self.worker.close_path(self.now, path, &mut self.outbox);
        self.settle();
    }

    /// Lets time pass; the worker's timeouts happen on the way.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.worker.next_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.worker.timeout(self.now, &mut self.outbox);
            self.settle();
        }
        self.now = end;
    }

    pub fn pass_ms(&mut self, ms: u64) {
        self.pass(Duration::from_millis(ms));
    }

    /// Every peer's check, without which consent ends after 30 s.
    pub fn keep_alive(&mut self) {
        let peers = self.peers.values_mut();
        let checks: Vec<_> = peers.map(|peer| (peer.path, peer.check(true))).collect();
        self.receive(checks);
    }

    pub fn peer(&mut self, path: Path) -> &mut Peer {
        self.peers.get_mut(&path).expect("a peer that joined")
    }

    pub fn stats(&mut self) -> WorkerStats {
        self.command(Command::CollectStats { token: 77 });
        let at = self.events.iter().position(|event| matches!(event, Event::Stats { .. }));
        match self.events.remove(at.expect("an answer")) {
            Event::Stats { token: 77, stats } => *stats,
            other => panic!("{other:?}"),
        }
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Hands everything sent to the peers, which decrypt it.
    fn settle(&mut self) {
        while let Some(event) = self.worker.take_event() {
            self.events.push(event);
        }
        for (path, datagram) in self.outbox.sent.drain(..) {
            self.largest_datagram = self.largest_datagram.max(datagram.len());
            if let Some(peer) = self.peers.get_mut(&path) {
                peer.take(self.now, datagram);
            }
        }
        let mut answers: Vec<(Path, Vec<u8>)> = Vec::new();
        for peer in self.peers.values_mut() {
            let path = peer.path;
            answers.extend(peer.answers.drain(..).map(|answer| (path, answer)));
        }
        if !answers.is_empty() {
            self.receive(answers);
        }
    }

    pub fn add_audio(&mut self, transport: u64, producer: u64) {
        self.add_producer(transport, producer, audio_parameters(producer));
    }

    /// VP8 with `layers` simulcast encodings, recognised by MID and RID.
    pub fn add_video(&mut self, transport: u64, producer: u64, layers: usize) {
        self.add_producer(transport, producer, video_parameters(producer, layers));
    }

    pub fn add_producer(&mut self, transport: u64, producer: u64, parameters: ProducerParameters) {
        self.command(Command::AddProducer {
            router: ROUTER,
            transport: TransportId(transport),
            producer: ProducerId(producer),
            parameters: Box::new(parameters),
            paused: false,
        });
    }

    /// A running consumer whose SSRC is 1000 times its id, its RTX one more.
    pub fn add_consumer(&mut self, transport: u64, consumer: u64, producer: u64) {
        self.add_consumer_with(transport, consumer, producer, |_| {});
    }

    pub fn add_consumer_with(
        &mut self,
        transport: u64,
        consumer: u64,
        producer: u64,
        change: impl FnOnce(&mut ConsumerParameters),
    ) {
        let mut parameters = ConsumerParameters {
            mid: format!("{consumer}"),
            ssrc: consumer as u32 * 1000,
            rtx_ssrc: Some(consumer as u32 * 1000 + 1),
            payloads: vec![(Codec::Opus, 100, None), (Codec::Vp8, 101, Some(102))],
            extensions: SINK_IDS,
            cname: format!("cname{producer}"),
            preferred_spatial: None,
        };
        change(&mut parameters);
        self.command(Command::AddConsumer {
            transport: TransportId(transport),
            consumer: ConsumerId(consumer),
            producer: ProducerId(producer),
            parameters: Box::new(parameters),
            paused: false,
        });
    }
}

pub fn audio_parameters(producer: u64) -> ProducerParameters {
    ProducerParameters {
        kind: MediaKind::Audio,
        mid: Some(format!("m{producer}")),
        payloads: vec![PayloadMapping {
            codec: Codec::Opus,
            clock_rate: 48_000,
            payload_type: 111,
            rtx_payload_type: None,
            nack: false,
        }],
        extensions: SOURCE_IDS,
        encodings: vec![EncodingParameters::default()],
        cname: String::new(),
    }
}

pub fn video_parameters(producer: u64, layers: usize) -> ProducerParameters {
    let rid = |n: usize| (layers > 1).then(|| format!("r{n}"));
    ProducerParameters {
        kind: MediaKind::Video,
        mid: Some(format!("m{producer}")),
        payloads: vec![PayloadMapping {
            codec: Codec::Vp8,
            clock_rate: 90_000,
            payload_type: 96,
            rtx_payload_type: Some(97),
            nack: true,
        }],
        extensions: SOURCE_IDS,
        encodings: (0..layers)
            .map(|n| EncodingParameters { rid: rid(n), ..EncodingParameters::default() })
            .collect(),
        cname: String::new(),
    }
}
