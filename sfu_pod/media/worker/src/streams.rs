//! Media over TCP: the worker's listening sockets, and the connections that came in through them.
//!
//! The kernel tells what is ready by the keys of [`Ready`]. A connection is looked at again once a
//! second: one that no valid check vouches for has its deadline, one that the core no longer knows
//! gets the same deadline anew. So neither half-open connections, nor those of peers that have left,
//! nor those that send a byte now and then, stay.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rotunda_media_core::Path;
use rotunda_media_core::id::ListenerId;
use rotunda_tcp::{
    Accepted, Closed, Connection, Connections, Counters, Frames, Key, Limits, ReadBuffer,
    TcpListener,
};
use rustix::event::epoll;

/// Connections accepted from one listener in one turn, at most.
const ACCEPTS_PER_TURN: usize = 64;
/// Between two looks at all connections; also the rest after descriptors or memory ran out.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Set in the epoll keys of connections.
const CONNECTION: u64 = 1 << 32;

/// What an epoll key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    /// A listener, of UDP or TCP.
    Listener(ListenerId),
    Connection(Key),
}

impl Ready {
    pub(crate) fn from_key(key: u64) -> Self {
        match key & CONNECTION {
            0 => Self::Listener(ListenerId(key as u16)),
            _ => Self::Connection(Key((key ^ CONNECTION) as usize)),
        }
    }

    fn key(self) -> epoll::EventData {
        epoll::EventData::new_u64(match self {
            Self::Listener(listener) => u64::from(listener.0),
            Self::Connection(key) => CONNECTION | key.0 as u64,
        })
    }
}

/// The listeners and their connections.
pub(crate) struct Streams {
    listeners: Vec<TcpListener>,
    /// Id of the first listener; those of UDP come before.
    first: u16,
    connections: Connections,
    epoll: Arc<OwnedFd>,
    next_look: Option<Instant>,
    /// Listeners that rest.
    resting: bool,
    /// Of connections that are closed by now.
    gone: Vec<Path>,
}

impl Streams {
    /// Watches the listeners, whose ids begin with `first`.
    pub(crate) fn new(
        listeners: Vec<TcpListener>,
        first: u16,
        limits: Limits,
        epoll: Arc<OwnedFd>,
    ) -> io::Result<Self> {
        let connections = Connections::new(limits);
        let (next_look, resting, gone) = (None, false, Vec::new());
        let streams = Self { listeners, first, connections, epoll, next_look, resting, gone };
        for (id, listener) in streams.ids() {
            epoll::add(&streams.epoll, listener, Ready::Listener(id).key(), epoll::EventFlags::IN)?;
        }
        Ok(streams)
    }

    /// Whether a listener is one of these.
    pub(crate) fn has(&self, listener: ListenerId) -> bool {
        listener.0 >= self.first
    }

    pub(crate) fn counters(&self) -> Counters {
        self.connections.counters()
    }

    /// Connections that are open.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Takes who waits at a listener.
    pub(crate) fn accept(&mut self, now: Instant, listener: ListenerId) {
        for _ in 0..ACCEPTS_PER_TURN {
            let Some(from) = self.listeners.get(usize::from(listener.0 - self.first)) else {
                return;
            };
            match from.accept() {
                Accepted::Connection(connection) => self.add(now, listener, connection),
                Accepted::Lost => {}
                Accepted::Nobody => return,
                Accepted::Exhausted => return self.rest(now),
            }
        }
    }

    /// The path of a connection.
    pub(crate) fn path(&self, key: Key) -> Option<Path> {
        let (listener, remote) = self.connections.addresses(key)?;
        Some(Path { listener: ListenerId(listener), remote })
    }

    /// A valid check has vouched for the connection, as far as is known.
    pub(crate) fn is_proven(&self, key: Key) -> bool {
        self.connections.is_proven(key)
    }

    pub(crate) fn note_proven(&mut self, now: Instant, key: Key, proven: bool) {
        self.connections.note_proven(now, key, proven);
    }

    /// See [`Connections::receive`].
    pub(crate) fn receive<'b>(
        &mut self,
        key: Key,
        buffer: &'b mut ReadBuffer,
    ) -> Option<Result<Frames<'b>, Closed>> {
        self.connections.receive(key, buffer)
    }

    /// Lets a frame wait for the next flush.
    pub(crate) fn push(
        &mut self,
        path: Path,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        self.connections.push(path.listener.0, path.remote, capacity, write);
    }

    /// Sends what waits. What a kernel does not take waits until it has room.
    pub(crate) fn flush(&mut self) {
        let (epoll, mut broken) = (&self.epoll, Vec::new());
        self.connections.flush(|key, connection, result| match result {
            Ok(()) => {
                let wanted = epoll::EventFlags::IN | epoll::EventFlags::OUT;
                watch(epoll, connection, key, wanted);
            }
            Err(_) => broken.push(key),
        });
        broken.into_iter().for_each(|key| self.close(key));
    }

    /// Goes on sending where the kernel has room again.
    pub(crate) fn resume(&mut self, key: Key) {
        match (self.connections.resume(key), self.connections.get(key)) {
            (Ok(true), Some(connection)) => {
                watch(&self.epoll, connection, key, epoll::EventFlags::IN);
            }
            (Err(_), _) => self.close(key),
            _ => {}
        }
    }

    /// Closes a connection.
    pub(crate) fn close(&mut self, key: Key) {
        if let Some((listener, remote)) = self.connections.remove(key) {
            self.gone.push(Path { listener: ListenerId(listener), remote });
        }
    }

    /// Paths that have ended with their connections: the core is to be told in the same turn, as
    /// they may come again.
    pub(crate) fn take_gone(&mut self) -> Vec<Path> {
        std::mem::take(&mut self.gone)
    }

    /// When [`Streams::look`] has something to do; `None` where nobody is connected.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.next_look
    }

    /// Looks at all connections, and closes those whose time is over.
    pub(crate) fn look(&mut self, now: Instant, is_proven: impl Fn(Path) -> bool) {
        if self.next_look.is_none_or(|next| next > now) {
            return;
        }
        let keys: Vec<_> = self.connections.keys().collect();
        for key in keys {
            let proven = self.path(key).is_some_and(&is_proven);
            self.note_proven(now, key, proven);
            if self.connections.is_overdue(now, key) {
                self.close(key);
            }
        }
        if std::mem::take(&mut self.resting) {
            self.watch_listeners(epoll::EventFlags::IN);
        }
        self.next_look = (!self.connections.is_empty()).then_some(now + LOOK_INTERVAL);
    }

    fn add(&mut self, now: Instant, listener: ListenerId, connection: Connection) {
        // One with these addresses is over: the kernel would not have given them again.
        if let Some(old) = self.connections.find(listener.0, connection.remote()) {
            self.close(old);
        }
        let Ok(key) = self.connections.add(now, listener.0, connection) else { return };
        let Some(connection) = self.connections.get(key) else { return };
        let data = Ready::Connection(key).key();
        if epoll::add(&self.epoll, connection, data, epoll::EventFlags::IN).is_err() {
            self.connections.remove(key);
        }
        self.next_look.get_or_insert(now + LOOK_INTERVAL);
    }

    /// Listeners that cannot accept would be ready again and again: lets them be for a while.
    fn rest(&mut self, now: Instant) {
        self.resting = true;
        self.watch_listeners(epoll::EventFlags::empty());
        self.next_look.get_or_insert(now + LOOK_INTERVAL);
    }

    fn watch_listeners(&self, wanted: epoll::EventFlags) {
        for (id, listener) in self.ids() {
            // What is watched already can always be watched differently.
            let _ = epoll::modify(&self.epoll, listener, Ready::Listener(id).key(), wanted);
        }
    }

    fn ids(&self) -> impl Iterator<Item = (ListenerId, &TcpListener)> {
        (self.first..).map(ListenerId).zip(&self.listeners)
    }
}

/// Opens the TCP listeners of a worker whose UDP sockets are at `udp`. Port 0 means the port of the
/// UDP socket with the same IP address, so that one number leads to the worker.
pub(crate) fn open(asked: &[SocketAddr], udp: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let with_port = |address: SocketAddr| match address.port() {
        0 => udp.iter().copied().find(|other| other.ip() == address.ip()).unwrap_or(address),
        _ => address,
    };
    asked.iter().map(|address| TcpListener::bind(with_port(*address))).collect()
}

fn watch(epoll: &OwnedFd, connection: &Connection, key: Key, wanted: epoll::EventFlags) {
    let _ = epoll::modify(epoll, connection.as_fd(), Ready::Connection(key).key(), wanted);
}
