//! What `collect_stats` brings.

use pyo3::prelude::*;
use rotunda_media_core::event;

/// One transport.
#[pyclass(frozen, get_all, module = "rotunda_media")]
pub struct TransportStats {
    transport: u64,
    bytes_received: u64,
    bytes_sent: u64,
    srtp_rejected: u64,
    packets_refused: u64,
    available_outgoing_bitrate: Option<u64>,
    round_trip_time: Option<f64>,
}

impl From<event::TransportStats> for TransportStats {
    fn from(stats: event::TransportStats) -> Self {
        Self {
            transport: stats.transport,
            bytes_received: stats.bytes_received,
            bytes_sent: stats.bytes_sent,
            srtp_rejected: stats.srtp_rejected,
            packets_refused: stats.packets_refused,
            available_outgoing_bitrate: stats.available_outgoing_bitrate,
            round_trip_time: stats.round_trip_time,
        }
    }
}

/// One producer.
#[pyclass(frozen, get_all, module = "rotunda_media")]
pub struct ProducerStats {
    producer: u64,
    packets_received: u64,
    packets_lost: i64,
    rtx_received: u64,
    nacks_sent: u64,
    plis_sent: u64,
    jitter: f64,
    bitrates: Vec<u64>,
    audio_level: Option<u8>,
}

impl From<event::ProducerStats> for ProducerStats {
    fn from(stats: event::ProducerStats) -> Self {
        Self {
            producer: stats.producer,
            packets_received: stats.packets_received,
            packets_lost: stats.packets_lost,
            rtx_received: stats.rtx_received,
            nacks_sent: stats.nacks_sent,
            plis_sent: stats.plis_sent,
            jitter: stats.jitter,
            bitrates: stats.bitrates,
            audio_level: stats.audio_level,
        }
    }
}

/// One consumer.
#[pyclass(frozen, get_all, module = "rotunda_media")]
pub struct ConsumerStats {
    consumer: u64,
    packets_sent: u64,
    bytes_sent: u64,
    rtx_sent: u64,
    nacks_received: u64,
    plis_received: u64,
    fraction_lost: f64,
    jitter: f64,
    spatial: Option<u8>,
    temporal: Option<u8>,
}

impl From<event::ConsumerStats> for ConsumerStats {
    fn from(stats: event::ConsumerStats) -> Self {
        Self {
            consumer: stats.consumer,
            packets_sent: stats.packets_sent,
            bytes_sent: stats.bytes_sent,
            rtx_sent: stats.rtx_sent,
            nacks_received: stats.nacks_received,
            plis_received: stats.plis_received,
            fraction_lost: stats.fraction_lost,
            jitter: stats.jitter,
            spatial: stats.layers.map(|layers| layers.spatial),
            temporal: stats.layers.map(|layers| layers.temporal),
        }
    }
}
