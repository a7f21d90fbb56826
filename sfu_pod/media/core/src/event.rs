//! What a worker tells its owner.

use std::net::SocketAddr;

use crate::id::{ConsumerId, ListenerId, ProducerId, RouterId, TransportId};

/// One thing that happened.
#[allow(missing_docs, reason = "fields are named after their types")]
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The transport's queue of DTLS datagrams went from empty to non-empty.
    DtlsReadable { transport: TransportId },
    /// The first valid check arrived, or the selected remote address changed.
    IceConnected { transport: TransportId, listener: ListenerId, remote: SocketAddr },
    /// The first packet came that the peer protected with the keys that stand now: it has everything
    /// of the handshake.
    SrtpReceived { transport: TransportId },
    /// No valid check for the consent time (RFC 7675). Checks that come later connect again.
    IceDisconnected { transport: TransportId },
    /// The first packet came from the address of a plain transport, or the first after
    /// [`Event::RemoteSilent`].
    RemoteHeard { transport: TransportId, listener: ListenerId, remote: SocketAddr },
    /// Nothing is sent to the address of a plain transport any more, until it is heard: it is on
    /// another machine, and was silent for too long.
    RemoteSilent { transport: TransportId },
    /// More video came than [`crate::command::Command::SetMaxIncomingBitrate`] lets through:
    /// `refused` packets since the last such event. At most once a second for each transport.
    MediaLimited { transport: TransportId, refused: u64 },
    /// The first media packet of a producer's encoding arrived.
    ProducerStarted { producer: ProducerId, encoding: u8 },
    /// What is forwarded to a consumer changed; `None`: nothing.
    LayersChanged { consumer: ConsumerId, layers: Option<Layers> },
    /// Who speaks in a room; `None` is silence.
    ActiveSpeaker { router: RouterId, producer: Option<ProducerId> },
    /// Answer to [`crate::command::Command::CollectStats`].
    Stats { token: u64, stats: Box<WorkerStats> },
    /// A command made no sense; a defect of the caller.
    CommandFailed { message: String },
}

/// Which of a producer's layers a consumer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layers {
    /// 0 is the lowest encoding.
    pub spatial: u8,
    /// 0 is the lowest frame rate.
    pub temporal: u8,
}

/// Counters since the thing was made; rates over the last second or so.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WorkerStats {
    /// Every transport.
    pub transports: Vec<TransportStats>,
    /// Every producer.
    pub producers: Vec<ProducerStats>,
    /// Every consumer.
    pub consumers: Vec<ConsumerStats>,
}

/// One transport.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TransportStats {
    /// Which.
    pub transport: u64,
    /// Datagram payload bytes received.
    pub bytes_received: u64,
    /// Datagram payload bytes sent.
    pub bytes_sent: u64,
    /// Packets refused by SRTP: authentication or replay.
    pub srtp_rejected: u64,
    /// Video packets beyond what the owner allows.
    pub packets_refused: u64,
    /// What the path to this peer is believed to carry, bit/s; `None`: not known yet.
    pub available_outgoing_bitrate: Option<u64>,
    /// Round trip in seconds, from RTCP or STUN; `None`: not known yet.
    pub round_trip_time: Option<f64>,
}

/// One producer, all encodings together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProducerStats {
    /// Which.
    pub producer: u64,
    /// Media packets received, repaired ones included.
    pub packets_received: u64,
    /// Lost for good so far, by RFC 3550 section A.3.
    pub packets_lost: i64,
    /// Retransmissions received.
    pub rtx_received: u64,
    /// NACKed sequence numbers that we asked for.
    pub nacks_sent: u64,
    /// Key frames asked for.
    pub plis_sent: u64,
    /// Interarrival jitter in seconds.
    pub jitter: f64,
    /// Bit/s received, by encoding, lowest first.
    pub bitrates: Vec<u64>,
    /// RFC 6464 level, 0 (loudest) to 127, smoothed; audio only.
    pub audio_level: Option<u8>,
}

/// One consumer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerStats {
    /// Which.
    pub consumer: u64,
    /// Media packets sent.
    pub packets_sent: u64,
    /// Payload bytes sent.
    pub bytes_sent: u64,
    /// Retransmissions sent.
    pub rtx_sent: u64,
    /// NACKed sequence numbers that the peer asked for.
    pub nacks_received: u64,
    /// Key frames that the peer asked for.
    pub plis_received: u64,
    /// Share lost between us and the peer by its last report, 0 to 1: what was lost before us is
    /// subtracted.
    pub fraction_lost: f64,
    /// Jitter between us and the peer in seconds by its last report, the source's subtracted.
    pub jitter: f64,
    /// What it gets now.
    pub layers: Option<Layers>,
}
