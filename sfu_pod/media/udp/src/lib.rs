//! Batched, non-blocking UDP for Linux.
//!
//! The kernel's path costs more than the system call, so only segmentation offload saves much:
//! a [`SendBatch`] joins datagrams of equal size to one remote into one message (UDP_SEGMENT),
//! a [`ReceiveBatch`] takes joined ones apart again (UDP_GRO). Where the kernel or a device lacks
//! it, the same batches go out datagram by datagram.
//!
//! ```no_run
//! # use rotunda_udp::{ReceiveBatch, SendBatch, SocketOptions, UdpSocket};
//! # fn main() -> std::io::Result<()> {
//! let mut socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap(), SocketOptions::default())?;
//! let (mut received, mut batch) = (ReceiveBatch::new(32), SendBatch::new(1 << 20));
//! if socket.receive(&mut received)? > 0 {
//!     for (remote, datagram) in received.datagrams_mut() {
//!         if !batch.fits(datagram.len()) {
//!             socket.send(&mut batch);
//!         }
//!         batch.push(remote, datagram.len(), |buffer| {
//!             buffer.copy_from_slice(datagram);
//!             Some(buffer.len())
//!         });
//!     }
//!     socket.send(&mut batch);
//! }
//! # Ok(()) }
//! ```

mod address;
mod backlog;
mod batch;
mod raw;
mod receive;
mod send;
mod socket;

pub use backlog::{Backlog, BacklogGauge};
pub use batch::SendBatch;
pub use receive::ReceiveBatch;
pub use socket::{Counters, SocketOptions, UdpSocket};
