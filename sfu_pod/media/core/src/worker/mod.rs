//! The worker: what its owner calls, and what it holds.

mod commands;
mod control;
mod datagrams;
mod due;
mod egress;
mod forward;
mod layers;
mod paths;
mod registry;
mod replay;
mod reports;
mod resend;
mod stats;
mod stun;

use std::collections::VecDeque;
use std::time::Instant;

use rotunda_packet::rtcp::ReportBlock;
use rustc_hash::FxHashMap;
use slab::Slab;

use crate::command::Command;
use crate::config::Config;
use crate::consumer::Consumer;
use crate::event::Event;
use crate::io::{Counters, Output, Received};
use crate::keys::{ConsumerKey, TransportKey};
use crate::packet::MediaPacket;
use crate::path::Path;
use crate::producer::Producer;
use crate::router::Router;
use crate::timers::Timers;
use crate::transports::Transport;
use crate::wallclock::WallClock;

/// Forwards the media of many rooms. See the crate's manual.
pub struct Worker {
    config: Config,
    wall_clock: WallClock,
    rng: fastrand::Rng,
    transports: Slab<Transport>,
    producers: Slab<Producer>,
    consumers: Slab<Consumer>,
    routers: Slab<Router>,
    ids: registry::Ids,
    /// Transports by the local username fragment that a check names.
    ufrags: FxHashMap<String, TransportKey>,
    /// Transports by proven path.
    paths: FxHashMap<Path, TransportKey>,
    /// Transports by the SSRCs that their peers send with.
    sources: FxHashMap<u32, TransportKey>,
    timers: Timers,
    stale_layers: Vec<layers::Stale>,
    /// Who can start with a key frame of the past.
    replays: Vec<ConsumerKey>,
    events: VecDeque<Event>,
    counters: Counters,
    /// Transports for which something waits to be sent.
    waiting: Vec<TransportKey>,
    /// Reused between batches.
    pending: Vec<forward::Pending>,
    /// The same; always empty.
    views: Vec<MediaPacket<'static>>,
    /// Reused between reports.
    blocks: Vec<ReportBlock>,
    scratch: Vec<u8>,
}

impl Worker {
    /// A worker without transports. `now` is the origin of all later times.
    pub fn new(now: Instant, config: Config) -> Self {
        Self {
            wall_clock: WallClock::new(now, config.wall_clock),
            rng: fastrand::Rng::with_seed(config.seed),
            config,
            transports: Slab::new(),
            producers: Slab::new(),
            consumers: Slab::new(),
            routers: Slab::new(),
            ids: registry::Ids::default(),
            ufrags: FxHashMap::default(),
            paths: FxHashMap::default(),
            sources: FxHashMap::default(),
            timers: Timers::default(),
            stale_layers: Vec::new(),
            replays: Vec::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
            waiting: Vec::new(),
            pending: Vec::new(),
            views: Vec::new(),
            blocks: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Does what the owner asks. What makes no sense comes back as [`Event::CommandFailed`].
    pub fn command(&mut self, now: Instant, command: Command, output: &mut impl Output) {
        if let Err(message) = self.execute(now, command, output) {
            self.events.push_back(Event::CommandFailed { message });
        }
        self.timeout(now, output);
    }

    /// Handles what the sockets gave in one go and forwards it.
    pub fn receive(&mut self, now: Instant, batch: &mut [Received<'_>], output: &mut impl Output) {
        for (index, datagram) in batch.iter_mut().enumerate() {
            self.datagram(now, index, datagram.path, datagram.data, output);
        }
        self.forward_pending(now, batch, output);
        self.timeout(now, output);
    }

    /// Does what is due: reports, NACKs, feedback, consent. Early or late calls are harmless.
    pub fn timeout(&mut self, now: Instant, output: &mut impl Output) {
        self.choose_layers(now);
        self.replay(now);
        while let Some((at, timer)) = self.timers.expired(now) {
            self.fire(now, at, timer, output);
        }
        self.choose_layers(now);
        self.replay(now);
        self.send_waiting(now, &[], output);
    }

    /// The path can carry nothing any more: its connection is over.
    pub fn close_path(&mut self, now: Instant, path: Path, output: &mut impl Output) {
        if let Some(key) = self.paths.remove(&path) {
            let change = self.transports[key.index()].kind_mut().close(now, path);
            self.tell_path_change(now, key, change);
        }
        self.timeout(now, output);
    }

    /// A peer has proven the path and may go on using it.
    pub fn is_proven(&self, path: Path) -> bool {
        self.paths.contains_key(&path)
    }

    /// When [`Worker::timeout`] wants to be called next; `None`: nothing is under way.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The oldest event not yet taken.
    pub fn take_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Totals since the start.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}
