//! A media worker: one thread that drives the sans-IO core with real sockets.
//!
//! [`spawn`] opens the sockets and starts the thread; the [`Handle`] it returns posts commands and
//! takes events, neither of which waits for the thread. One turn of the thread does commands, then
//! received datagrams, then what is due by time, and sends what came of it. Each share is bounded,
//! so that none starves the others: a flood on one socket delays a command by one turn at most.
//!
//! A busy thread lets datagrams gather for up to a millisecond between waking and receiving
//! (`gather.rs`): together they leave in fewer messages. It does not while some wait already.
//!
//! The thread logs nothing and prints nothing. What its owner should know is an [`Event`].

mod dtls;
mod gather;
mod handle;
mod listener;
mod load;
mod outlet;
mod queue;
mod shared;
mod streams;
mod thread;

use std::net::SocketAddr;

use rotunda_media_core as core;

pub use handle::{Handle, spawn};
pub use load::Load;
pub use rotunda_tcp::Limits as TcpLimits;

/// What a worker is told when it is made.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// UDP sockets to open, at least one; port 0 lets the kernel choose.
    pub listen: Vec<SocketAddr>,
    /// Addresses to take TCP connections on as well; port 0 is the port of the UDP socket with the
    /// same IP address.
    pub listen_tcp: Vec<SocketAddr>,
    /// How many TCP connections there may be.
    pub tcp_limits: TcpLimits,
    /// The thread's name; the kernel shows its first 15 bytes.
    pub name: String,
    /// Sends runs of equal datagrams in one message (UDP GSO) where the kernel can.
    pub segmentation_offload: bool,
    /// Bounds each transport's queue of received DTLS datagrams.
    pub dtls_queue_datagrams: usize,
}

impl WorkerOptions {
    /// The usual settings for these addresses, without TCP.
    pub fn new(listen: Vec<SocketAddr>) -> Self {
        Self {
            listen,
            listen_tcp: Vec::new(),
            tcp_limits: TcpLimits::default(),
            name: "media".to_owned(),
            segmentation_offload: true,
            dtls_queue_datagrams: 64,
        }
    }
}

/// What a worker tells its owner.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// From the core.
    Core(core::Event),
    /// The thread ended by a defect; nothing more will come.
    Failed {
        /// What the panic said.
        message: String,
    },
}
