//! Media over TCP for peers whose network lets no UDP through (RFC 6544), non-blocking, on Linux.
//!
//! A datagram travels as a frame: its length in two bytes, then itself (RFC 4571). A [`Deframer`]
//! finds the frames in what arrives, in place; an [`Outgoing`] holds those that wait to be sent,
//! bounded, and drops whole pictures' packets where a peer does not keep up. [`Connections`] is the
//! set of all connections of a worker's [`TcpListener`]s: it knows who may have one more, and who
//! has had his time.
//!
//! Nobody is known when a connection begins. It becomes *proven* when its owner says so, after a
//! valid connectivity check; one that is not proven has [`Limits::proof_deadline`] to become so,
//! and is the first to give way where there are too many.
//!
//! Time is an argument, and readiness is the owner's affair: a [`Connection`] and a [`TcpListener`]
//! give their descriptors.

#![forbid(unsafe_code)]

mod connection;
mod connections;
mod frame;
mod listener;
mod outgoing;

pub use connection::{Closed, Connection, Counters, ReadBuffer};
pub use connections::{Connections, Key, Limits, Refused};
pub use frame::{Deframer, FrameTooLong, Frames, LENGTH_BYTES, MAX_FRAME};
pub use listener::{Accepted, TcpListener};
pub use outgoing::{Outgoing, Pushed, QUEUE_BYTES};
