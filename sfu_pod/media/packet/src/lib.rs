//! Packets of WebRTC as bytes: no sockets, no clocks, no allocation on the paths that every media
//! packet takes.
//!
//! Reading order: [`demux`] tells what a datagram is; [`stun`] is for connectivity checks;
//! [`srtp`] opens and closes media; [`rtp`] and [`rtcp`] read and write what is inside.
//!
//! Nothing here panics on what a peer sent: every reader returns an error or `None`.

#![forbid(unsafe_code)]

mod bytes;
pub mod demux;
pub mod rtcp;
pub mod rtp;
pub mod srtp;
pub mod stun;

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;
