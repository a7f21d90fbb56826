//! All connections of a worker: who may have one, and for how long.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use slab::Slab;

use crate::connection::{Closed, Connection, Counters, ReadBuffer};
use crate::frame::Frames;
use crate::outgoing::Pushed;

/// How much strangers may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once of one remote address; of IPv6 of one /64, as that is what one host has.
    pub per_address: usize,
    /// How long a connection may go without being proven.
    pub proof_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 1000, per_address: 200, proof_deadline: Duration::from_secs(10) }
    }
}

/// Names a connection as long as it is open; then the number may be another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub usize);

/// There are as many connections as there may be, all of them proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// The set. Connections are told apart by their listener, a number of the owner's, and their
/// remote address.
#[derive(Debug)]
pub struct Connections {
    limits: Limits,
    entries: Slab<Entry>,
    keys: FxHashMap<(u16, SocketAddr), Key>,
    per_address: FxHashMap<IpAddr, usize>,
    /// With something to send that was pushed since the last [`Connections::flush`].
    dirty: Vec<Key>,
    counters: Counters,
}

#[derive(Debug)]
struct Entry {
    listener: u16,
    connection: Connection,
    /// When it was made, or was last seen proven.
    since: Instant,
    proven: bool,
    dirty: bool,
    /// The owner knows that the kernel has no room.
    told_blocked: bool,
}

impl Connections {
    /// An empty set.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: Slab::new(),
            keys: FxHashMap::default(),
            per_address: FxHashMap::default(),
            dirty: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Of all connections since the beginning.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Adds a connection. Where there are too many, all in all or of its address, the one that has
    /// gone unproven longest gives way; it was not proven, so nobody has to be told. Without such a
    /// one the new connection is refused, and closed.
    pub fn add(
        &mut self,
        now: Instant,
        listener: u16,
        connection: Connection,
    ) -> Result<Key, Refused> {
        let remote = connection.remote();
        let owner = owner_of(remote.ip());
        if self.per_address.get(&owner).is_some_and(|count| *count >= self.limits.per_address) {
            self.make_room(|entry| owner_of(entry.connection.remote().ip()) == owner)?;
        }
        if self.entries.len() >= self.limits.connections {
            self.make_room(|_| true)?;
        }
        // The kernel has let go of a connection with the same addresses, or it gave no new one.
        // An owner who wants to know looks for it before.
        if let Some(old) = self.find(listener, remote) {
            self.remove(old);
        }
        let (proven, dirty, told_blocked) = (false, false, false);
        let entry = Entry { listener, connection, since: now, proven, dirty, told_blocked };
        let key = Key(self.entries.insert(entry));
        self.keys.insert((listener, remote), key);
        *self.per_address.entry(owner).or_default() += 1;
        Ok(key)
    }

    /// Closes a connection; its listener and remote address.
    pub fn remove(&mut self, key: Key) -> Option<(u16, SocketAddr)> {
        let entry = self.entries.try_remove(key.0)?;
        let (listener, remote) = (entry.listener, entry.connection.remote());
        self.keys.remove(&(listener, remote));
        let owner = owner_of(remote.ip());
        if let Some(count) = self.per_address.get_mut(&owner) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&owner);
            }
        }
        Some((listener, remote))
    }

    /// The connection with these addresses.
    pub fn find(&self, listener: u16, remote: SocketAddr) -> Option<Key> {
        self.keys.get(&(listener, remote)).copied()
    }

    /// A connection, if it is still open.
    pub fn get(&self, key: Key) -> Option<&Connection> {
        self.entries.get(key.0).map(|entry| &entry.connection)
    }

    /// A connection's listener and remote address.
    pub fn addresses(&self, key: Key) -> Option<(u16, SocketAddr)> {
        self.entries.get(key.0).map(|entry| (entry.listener, entry.connection.remote()))
    }

    /// The connection was proven when last looked at.
    pub fn is_proven(&self, key: Key) -> bool {
        self.entries.get(key.0).is_some_and(|entry| entry.proven)
    }

    /// Notes whether the connection is proven now.
    pub fn note_proven(&mut self, now: Instant, key: Key, proven: bool) {
        if let Some(entry) = self.entries.get_mut(key.0) {
            entry.proven = proven;
            if proven {
                entry.since = now;
            }
        }
    }

    /// Every connection's key.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.entries.iter().map(|(key, _)| Key(key))
    }

    /// The connection has been unproven for too long.
    pub fn is_overdue(&self, now: Instant, key: Key) -> bool {
        self.entries.get(key.0).is_some_and(|entry| {
            !entry.proven
                && now.saturating_duration_since(entry.since) >= self.limits.proof_deadline
        })
    }

    /// See [`Connection::receive`]. `None`: there is no such connection any more.
    pub fn receive<'b>(
        &mut self,
        key: Key,
        buffer: &'b mut ReadBuffer,
    ) -> Option<Result<Frames<'b>, Closed>> {
        let entry = self.entries.get_mut(key.0)?;
        Some(entry.connection.receive(buffer, &mut self.counters))
    }

    /// Lets a frame wait for [`Connections::flush`]. To nobody where there is no such connection.
    pub fn push(
        &mut self,
        listener: u16,
        remote: SocketAddr,
        capacity: usize,
        fill: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Pushed {
        let Some(key) = self.find(listener, remote) else { return Pushed::Nothing };
        let entry = &mut self.entries[key.0];
        let pushed = entry.connection.push(capacity, fill, &mut self.counters);
        if pushed == Pushed::Queued && !entry.dirty {
            entry.dirty = true;
            self.dirty.push(key);
        }
        pushed
    }

    /// Sends what was pushed since the last time. `after` is told of each connection whose kernel has
    /// no room any more, which [`Connections::resume`] is for, and of each that is over.
    pub fn flush(&mut self, mut after: impl FnMut(Key, &Connection, Result<(), Closed>)) {
        for key in self.dirty.drain(..) {
            let Some(entry) = self.entries.get_mut(key.0).filter(|entry| entry.dirty) else {
                continue;
            };
            entry.dirty = false;
            let result = match entry.connection.is_blocked() {
                true => Ok(()),
                false => entry.connection.flush(&mut self.counters),
            };
            // It may have been full since a push, or since long ago.
            let news = entry.connection.is_blocked() && !entry.told_blocked;
            if news || result.is_err() {
                entry.told_blocked = true;
                after(key, &entry.connection, result);
            }
        }
    }

    /// Sends what waits on a connection whose kernel has room again. False: not all of it went.
    pub fn resume(&mut self, key: Key) -> Result<bool, Closed> {
        let Some(entry) = self.entries.get_mut(key.0) else { return Ok(true) };
        entry.connection.flush(&mut self.counters)?;
        entry.told_blocked = entry.connection.is_blocked();
        Ok(!entry.told_blocked)
    }

    /// Closes, among those that `may_go`, the one that has been unproven longest.
    fn make_room(&mut self, may_go: impl Fn(&Entry) -> bool) -> Result<(), Refused> {
        let candidates = self.entries.iter().filter(|(_, entry)| !entry.proven && may_go(entry));
        let oldest = candidates.min_by_key(|(_, entry)| entry.since).map(|(key, _)| Key(key));
        self.remove(oldest.ok_or(Refused)?);
        Ok(())
    }
}

/// Who is counted: the address, or the first half of an IPv6 one.
fn owner_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
    }
}
