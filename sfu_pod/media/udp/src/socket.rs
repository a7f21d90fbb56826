//! The socket.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};

use crate::raw::{SOL_UDP, UDP_GRO, UDP_SEGMENT};
use crate::send::Sender;
use crate::{BacklogGauge, ReceiveBatch, SendBatch};

/// How to open a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketOptions {
    /// Use UDP_SEGMENT and UDP_GRO where the kernel has them.
    pub segmentation_offload: bool,
    /// Kernel buffer to ask for in each direction, bytes. The kernel may grant less.
    pub buffer_bytes: usize,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self { segmentation_offload: true, buffer_bytes: 4 << 20 }
    }
}

/// What a socket did since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// `recvmmsg` calls that brought something.
    pub receive_calls: u64,
    /// Messages received; with GRO one holds many datagrams.
    pub messages_received: u64,
    /// Datagrams received.
    pub datagrams_received: u64,
    /// Datagram bytes received.
    pub bytes_received: u64,
    /// `sendmmsg` calls.
    pub send_calls: u64,
    /// Messages sent; with GSO one holds many datagrams.
    pub messages_sent: u64,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Datagram bytes sent.
    pub bytes_sent: u64,
    /// Datagrams dropped because the socket's buffer was full.
    pub dropped_would_block: u64,
    /// Datagrams that the kernel refused: too large, filtered, no route.
    pub dropped_refused: u64,
}

/// A bound, non-blocking UDP socket.
pub struct UdpSocket {
    /// Shared with gauges, for the moment of their reading.
    socket: Arc<Socket>,
    sender: Sender,
    counters: Counters,
}

impl UdpSocket {
    /// Opens and binds. Port 0 lets the kernel choose. An IPv6 socket takes IPv6 only. An error
    /// names the address.
    pub fn bind(address: SocketAddr, options: SocketOptions) -> io::Result<Self> {
        let socket = open(address).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on udp {address}: {error}"))
        })?;
        enlarge_buffers(&socket, options.buffer_bytes);
        let segments = options.segmentation_offload && has_option(&socket, UDP_SEGMENT);
        if options.segmentation_offload {
            // A kernel without it delivers one by one: nothing is lost.
            let _ = set_option(&socket, SOL_UDP, UDP_GRO, 1);
        }
        let socket = Arc::new(socket);
        Ok(Self { socket, sender: Sender::new(segments), counters: Counters::default() })
    }

    /// The address with its real port.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.socket.local_addr()?;
        address.as_socket().ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))
    }

    /// Segmentation offload is in use for sending. Turns false when the kernel refuses it.
    pub fn segments(&self) -> bool {
        self.sender.segments()
    }

    /// Since the socket was opened.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Reads what waits in this socket, from any thread.
    pub fn backlog_gauge(&self) -> BacklogGauge {
        BacklogGauge::new(Arc::downgrade(&self.socket))
    }

    /// Replaces what `batch` holds by what waits on the socket; returns the number of datagrams,
    /// 0 if nothing waits. Errors that earlier sends caused (ECONNREFUSED) are skipped.
    pub fn receive(&mut self, batch: &mut ReceiveBatch) -> io::Result<usize> {
        while let Err(error) = batch.fill(self.socket.as_fd()) {
            match error.kind() {
                io::ErrorKind::WouldBlock => return Ok(0),
                io::ErrorKind::Interrupted | io::ErrorKind::ConnectionRefused => {}
                _ => return Err(error),
            }
        }
        let (datagrams, bytes) = batch.totals();
        self.counters.receive_calls += 1;
        self.counters.messages_received += batch.message_count() as u64;
        self.counters.datagrams_received += datagrams as u64;
        self.counters.bytes_received += bytes as u64;
        Ok(datagrams)
    }

    /// Sends and empties `batch`. What the socket cannot take now, or the kernel refuses, is
    /// dropped and counted: media does not wait.
    pub fn send(&mut self, batch: &mut SendBatch) {
        self.sender.send(self.socket.as_fd(), batch, &mut self.counters);
        batch.clear();
        batch.set_joining(self.sender.segments());
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Small buffers lose media in bursts. What is granted is bounded by net.core.rmem_max and
/// wmem_max, unless the process may go past them; smaller ones still work.
fn enlarge_buffers(socket: &Socket, bytes: usize) {
    let _ = socket.set_recv_buffer_size(bytes);
    let _ = socket.set_send_buffer_size(bytes);
    if let Ok(forced) = libc::c_int::try_from(bytes) {
        let _ = set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, forced);
        let _ = set_option(socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, forced);
    }
}

fn set_option(
    socket: &Socket,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the kernel reads an int of the length told.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            ptr::from_ref(&value).cast(),
            mem::size_of_val(&value) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The kernel knows this UDP option.
fn has_option(socket: &Socket, name: libc::c_int) -> bool {
    let mut value: libc::c_int = 0;
    let mut len = mem::size_of_val(&value) as libc::socklen_t;
    // SAFETY: the kernel writes at most an int, as told, and its length.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            SOL_UDP,
            name,
            ptr::from_mut(&mut value).cast(),
            &mut len,
        )
    };
    result == 0
}
