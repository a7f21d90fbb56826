//! One way between a socket of ours and a peer.

use std::net::SocketAddr;

use crate::id::ListenerId;

/// A local socket and a remote address: what ICE validates and what datagrams travel on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where it arrives and leaves.
    pub listener: ListenerId,
    /// The peer's address as we see it.
    pub remote: SocketAddr,
}
