//! The worker's totals.

use pyo3::prelude::*;
use rotunda_media_worker::Load;

/// Counters since the start, and what waits now; seconds and bytes.
#[pyclass(frozen, get_all, module = "rotunda_media")]
#[derive(Debug, Clone)]
pub struct WorkerLoad {
    busy_seconds: f64,
    bytes_sent: u64,
    bytes_received: u64,
    packets_forwarded: u64,
    packets_dropped: u64,
    packets_overflowed: u64,
    packets_refused: u64,
    send_calls: u64,
    messages_sent: u64,
    segments_sent: u64,
    padding_bytes: u64,
    tcp_connections: u64,
    backlog_bytes: u64,
    backlog_share: f64,
    commands_waiting: u64,
}

impl From<Load> for WorkerLoad {
    fn from(load: Load) -> Self {
        Self {
            busy_seconds: load.busy.as_secs_f64(),
            bytes_sent: load.bytes_sent,
            bytes_received: load.bytes_received,
            packets_forwarded: load.packets_forwarded,
            packets_dropped: load.packets_dropped,
            packets_overflowed: load.packets_overflowed,
            packets_refused: load.packets_refused,
            send_calls: load.send_calls,
            messages_sent: load.messages_sent,
            segments_sent: load.segments_sent,
            padding_bytes: load.padding_bytes,
            tcp_connections: load.tcp_connections,
            backlog_bytes: load.backlog_bytes,
            backlog_share: load.backlog_share,
            commands_waiting: load.commands_waiting,
        }
    }
}
