//! Where the core's output goes, and the sockets it goes through.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rotunda_media_core::id::TransportId;
use rotunda_media_core::{self as core, Output, Path};
use rotunda_udp::{Counters, ReceiveBatch};

use crate::Event;
use crate::listener::Listener;
use crate::shared::Shared;
use crate::streams::Streams;

/// The sockets and what is shared with the owner.
pub(crate) struct Outlet {
    /// Of UDP; their ids come first.
    listeners: Vec<Listener>,
    streams: Streams,
    shared: Arc<Shared>,
    /// Transports whose DTLS queue has something since the last call of [`Outlet::tell`].
    readable: Vec<TransportId>,
}

impl Outlet {
    pub(crate) fn new(listeners: Vec<Listener>, streams: Streams, shared: Arc<Shared>) -> Self {
        Self { listeners, streams, shared, readable: Vec::new() }
    }

    pub(crate) fn streams(&mut self) -> &mut Streams {
        &mut self.streams
    }

    pub(crate) fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// CPU time of the thread so far.
    pub(crate) fn busy(&self) -> Duration {
        self.shared.load.busy()
    }

    /// See [`Listener::receive`].
    pub(crate) fn receive(&mut self, index: u16, batch: &mut ReceiveBatch) -> usize {
        self.listeners[usize::from(index)].receive(batch)
    }

    pub(crate) fn flush(&mut self) {
        self.listeners.iter_mut().for_each(Listener::flush);
        self.streams.flush();
    }

    /// Hands the core's events to the owner, then which DTLS queues have something.
    pub(crate) fn tell(&mut self, core: &mut core::Worker) {
        while let Some(event) = core.take_event() {
            self.shared.events.push(Event::Core(event));
        }
        for transport in self.readable.drain(..) {
            self.shared.events.push(Event::Core(core::Event::DtlsReadable { transport }));
        }
    }

    /// Forgets what waited for a removed transport.
    pub(crate) fn removed(&mut self, transport: TransportId) {
        self.readable.retain(|other| *other != transport);
        self.shared.dtls.remove(transport);
    }

    /// Publishes the totals.
    pub(crate) fn count(&self, core: core::Counters) {
        let sum = |of: fn(&Counters) -> u64| self.listeners.iter().map(|l| of(&l.counters())).sum();
        let refused: u64 = sum(|c| c.dropped_would_block + c.dropped_refused);
        let (streams, load) = (self.streams.counters(), &self.shared.load);
        for (counter, value) in [
            (&load.bytes_received, sum(|c| c.bytes_received) + streams.bytes_received),
            (&load.bytes_sent, sum(|c| c.bytes_sent) + streams.bytes_sent),
            (&load.packets_forwarded, core.packets_forwarded),
            (
                &load.packets_dropped,
                core.packets_dropped + core.packets_unsent + refused + streams.frames_dropped,
            ),
            (&load.packets_refused, core.packets_refused),
            (&load.send_calls, sum(|c| c.send_calls) + streams.send_calls),
            (&load.messages_sent, sum(|c| c.messages_sent) + streams.send_calls),
            (&load.segments_sent, sum(|c| c.datagrams_sent) + streams.frames_sent),
            (&load.padding_bytes, core.padding_bytes),
            (&load.tcp_connections, self.streams.len() as u64),
        ] {
            counter.store(value, Ordering::Relaxed);
        }
    }
}

impl Output for Outlet {
    fn send(
        &mut self,
        path: Path,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        match self.listeners.get_mut(usize::from(path.listener.0)) {
            Some(listener) => listener.push(path.remote, capacity, write),
            None => self.streams.push(path, capacity, write),
        }
    }

    fn dtls(&mut self, transport: TransportId, datagram: &[u8]) {
        if self.shared.dtls.push(transport, datagram) {
            self.readable.push(transport);
        }
    }
}
