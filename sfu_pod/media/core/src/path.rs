//! Ways between a socket of ours and a peer.

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

/// Something about a peer's paths that the owner of its transport wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathChange {
    /// The peer is there: what is sent to it goes over this path from now on.
    Connected(Path),
    /// The peer is nowhere any more.
    Disconnected,
}
