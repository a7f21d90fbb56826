//! Where connections come in.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Protocol, Socket, Type};

use crate::connection::Connection;

/// Connections that the kernel has finished and nobody has taken yet.
const BACKLOG: i32 = 256;
/// What the kernel holds of what it has not sent yet: the rest waits where it can be dropped.
const UNSENT_BYTES: u32 = 32 << 10;

/// A bound, listening, non-blocking socket.
#[derive(Debug)]
pub struct TcpListener {
    socket: Socket,
    address: SocketAddr,
}

/// What an accept gave.
#[derive(Debug)]
pub enum Accepted {
    /// Somebody's connection.
    Connection(Connection),
    /// One that ended before it was taken; accept(2) has many errors for that.
    Lost,
    /// Nobody waits.
    Nobody,
    /// The process or the machine has no descriptor or memory left: try again later.
    Exhausted,
}

impl TcpListener {
    /// Opens and binds. Port 0 lets the kernel choose. An IPv6 socket takes IPv6 only. An error
    /// names the address.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot listen on tcp {address}: {error}"))
        };
        let socket = open(address).map_err(named)?;
        let bound = socket.local_addr().map_err(named)?.as_socket();
        let address = bound.ok_or_else(|| named(io::ErrorKind::AddrNotAvailable.into()))?;
        Ok(Self { socket, address })
    }

    /// The address with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes the next connection.
    pub fn accept(&self) -> Accepted {
        match self.socket.accept() {
            Ok((socket, remote)) => match (prepare(&socket), remote.as_socket()) {
                (Ok(()), Some(remote)) => Accepted::Connection(Connection::new(socket, remote)),
                _ => Accepted::Lost,
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Accepted::Nobody,
            Err(error) if is_exhaustion(&error) => Accepted::Exhausted,
            Err(_) => Accepted::Lost,
        }
    }
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of whoever listened here before may still be on their way out.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

fn prepare(socket: &Socket) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)
}

fn is_exhaustion(error: &io::Error) -> bool {
    let exhaustion = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
    error.raw_os_error().is_some_and(|code| exhaustion.contains(&code))
}
