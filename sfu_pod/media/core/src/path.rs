//! One way between a socket of ours and a peer.

use std::net::SocketAddr;

use crate::id::ListenerId;

/// A local socket and a remote address: what ICE validates and what datagrams travel on. Over TCP
/// that names one connection, and [`crate::Worker::close_path`] tells when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where it arrives and leaves.
    pub listener: ListenerId,
    /// The peer's address as we see it.
    pub remote: SocketAddr,
}
