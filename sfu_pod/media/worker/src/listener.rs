//! The worker's sockets: what arrives, and what waits to be sent.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use rotunda_udp::{BacklogGauge, Counters, ReceiveBatch, SendBatch, SocketOptions, UdpSocket};

/// Arena of the datagrams that wait; about 800 of 1,200 bytes.
const SEND_BYTES: usize = 1 << 19;

/// One open socket.
pub(crate) struct Listener {
    socket: UdpSocket,
    address: SocketAddr,
    outgoing: SendBatch,
}

impl Listener {
    /// Opens a socket; an error names the address.
    pub(crate) fn open(address: SocketAddr, segmentation_offload: bool) -> io::Result<Self> {
        let options = SocketOptions { segmentation_offload, ..SocketOptions::default() };
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot listen on udp {address}: {error}"))
        };
        let socket = UdpSocket::bind(address, options).map_err(named)?;
        let address = socket.local_addr().map_err(named)?;
        Ok(Self { socket, address, outgoing: SendBatch::new(SEND_BYTES) })
    }

    /// The address with its real port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs of equal datagrams leave in one message.
    pub(crate) fn segments(&self) -> bool {
        self.socket.segments()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.socket.counters()
    }

    /// See [`UdpSocket::backlog_gauge`].
    pub(crate) fn backlog_gauge(&self) -> BacklogGauge {
        self.socket.backlog_gauge()
    }

    /// Receives what waits; the number of datagrams. A socket's error is an earlier send's fate or
    /// a passing shortage: reading it clears it, and media is not repeated.
    pub(crate) fn receive(&mut self, batch: &mut ReceiveBatch) -> usize {
        self.socket.receive(batch).unwrap_or(0)
    }

    /// Lets a datagram wait for the next flush, which happens at once where there is no room.
    pub(crate) fn push(
        &mut self,
        remote: SocketAddr,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        if !self.outgoing.fits(capacity) {
            self.flush();
        }
        self.outgoing.push(remote, capacity, write);
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self) {
        if !self.outgoing.is_empty() {
            self.socket.send(&mut self.outgoing);
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
