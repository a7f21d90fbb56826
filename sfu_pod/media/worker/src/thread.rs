//! The thread: turns of commands, datagrams and time, with sleep in between.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rotunda_media_core::id::ListenerId;
use rotunda_media_core::{self as core, Command, Path, Received};
use rotunda_packet::demux::{PacketKind, classify};
use rotunda_tcp::{Key, ReadBuffer};
use rotunda_udp::ReceiveBatch;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::gather::Gathering;
use crate::outlet::Outlet;
use crate::queue::{CommandReceiver, Message};
use crate::streams::Ready;

/// Commands done in one turn, at most.
const COMMANDS_PER_TURN: usize = 256;
/// A socket's share of a turn is over with the receive call that ends after this.
const RECEIVE_TIME: Duration = Duration::from_millis(2);
/// Messages of one receive call.
const RECEIVE_MESSAGES: usize = 32;
/// Sockets that one turn hears of, beside those that were opened at the start.
const READY_CONNECTIONS: usize = 64;
/// The epoll key of the command queue; those of sockets are in `streams.rs`.
const COMMANDS_KEY: u64 = u64::MAX;

/// Everything that the thread owns.
pub(crate) struct MediaThread {
    core: core::Worker,
    outlet: Outlet,
    received: ReceiveBatch,
    /// Reused between batches; always empty.
    batch: Vec<Received<'static>>,
    read: ReadBuffer,
    commands: CommandReceiver,
    gathering: Gathering,
    epoll: Arc<OwnedFd>,
}

/// What to do after a turn.
enum Next {
    Turn,
    Sleep,
    Stop,
}

impl MediaThread {
    /// Everything that can fail is done here, before the thread starts.
    pub(crate) fn new(
        core: core::Worker,
        outlet: Outlet,
        commands: CommandReceiver,
        epoll: Arc<OwnedFd>,
    ) -> io::Result<Self> {
        let watch =
            |fd, key| epoll::add(&epoll, fd, epoll::EventData::new_u64(key), epoll::EventFlags::IN);
        watch(commands.wake(), COMMANDS_KEY)?;
        for (index, listener) in outlet.listeners().iter().enumerate() {
            watch(listener.as_fd(), index as u64)?;
        }
        let received = ReceiveBatch::new(RECEIVE_MESSAGES);
        let (read, gathering) = (ReadBuffer::new(), Gathering::new(Instant::now()));
        let batch = Vec::with_capacity(RECEIVE_MESSAGES);
        Ok(Self { core, outlet, received, batch, read, commands, gathering, epoll })
    }

    /// Turns until the owner says stop.
    pub(crate) fn run(mut self) {
        let opened = self.outlet.listeners().len() + 1;
        let mut ready = Vec::with_capacity(opened + READY_CONNECTIONS);
        loop {
            let next = self.turn(&ready);
            ready.clear();
            match next {
                Next::Turn => self.poll(&mut ready, false),
                Next::Sleep => self.poll(&mut ready, true),
                Next::Stop => return,
            }
        }
    }

    fn turn(&mut self, ready: &[epoll::Event]) -> Next {
        let next = self.do_commands();
        if ready.iter().any(|event| event.data.u64() != COMMANDS_KEY) {
            self.gathering.turn_begins();
        }
        for event in ready.iter().filter(|event| event.data.u64() != COMMANDS_KEY) {
            match Ready::from_key(event.data.u64()) {
                Ready::Listener(listener) => self.receive_from(listener),
                Ready::Connection(key) => self.serve(key, event.flags),
            }
        }
        let now = Instant::now();
        if self.core.next_timeout().is_some_and(|due| due <= now) {
            self.core.timeout(now, &mut self.outlet);
        }
        self.outlet.streams().look(now, |path| self.core.is_proven(path));
        self.forget_what_is_gone(now);
        self.outlet.flush();
        // That a connection broke may have shown only now.
        if self.forget_what_is_gone(now) {
            self.outlet.flush();
        }
        self.outlet.tell(&mut self.core);
        self.outlet.count(self.core.counters());
        next
    }

    fn do_commands(&mut self) -> Next {
        for _ in 0..COMMANDS_PER_TURN {
            match self.commands.take() {
                Some(Message::Command(command)) => self.do_command(command),
                Some(Message::Stop) => return Next::Stop,
                None => return Next::Sleep,
            }
        }
        Next::Turn
    }

    fn do_command(&mut self, command: Command) {
        let removed = match command {
            Command::RemoveTransport { transport } => Some(transport),
            _ => None,
        };
        self.core.command(Instant::now(), command, &mut self.outlet);
        if let Some(transport) = removed {
            self.outlet.removed(transport);
        }
    }

    fn receive_from(&mut self, listener: ListenerId) {
        let start = Instant::now();
        if self.outlet.streams().has(listener) {
            return self.outlet.streams().accept(start, listener);
        }
        let mut now = start;
        while now.duration_since(start) < RECEIVE_TIME {
            let count = self.outlet.receive(listener.0, &mut self.received);
            if count == 0 {
                return self.gathering.emptied(now);
            }
            let mut batch = recycle(std::mem::take(&mut self.batch));
            batch.extend(self.received.datagrams_mut().map(|(remote, data)| {
                let path = Path { listener, remote };
                Received { path, data }
            }));
            self.core.receive(now, &mut batch, &mut self.outlet);
            self.batch = recycle(batch);
            now = Instant::now();
        }
        self.gathering.left_over();
    }

    /// What a connection is ready for.
    fn serve(&mut self, key: Key, flags: epoll::EventFlags) {
        if flags.contains(epoll::EventFlags::OUT) {
            self.outlet.streams().resume(key);
        }
        // An end or an error is read as well.
        if flags.intersects(!epoll::EventFlags::OUT) && self.read_from(key).is_none() {
            self.outlet.streams().close(key);
        }
    }

    /// Reads once from a connection. `None`: it is over, or what came is not what ICE, DTLS and
    /// SRTP say, or not a check while nobody is known to be there. RFC 4571 has an empty packet;
    /// no ICE agent has a use for it.
    fn read_from(&mut self, key: Key) -> Option<()> {
        let streams = self.outlet.streams();
        let (path, proven) = (streams.path(key)?, streams.is_proven(key));
        let expected = |data: &[u8]| match classify(data) {
            Some(PacketKind::Stun) => true,
            Some(_) => proven,
            None => false,
        };
        let mut batch = Vec::new();
        let mut trusted = true;
        for data in streams.receive(key, &mut self.read)?.ok()? {
            trusted = expected(data);
            if !trusted {
                break;
            }
            batch.push(Received { path, data });
        }
        let now = Instant::now();
        self.gathering.emptied(now);
        self.core.receive(now, &mut batch, &mut self.outlet);
        if !proven && self.core.is_proven(path) {
            self.outlet.streams().note_proven(now, key, true);
        }
        trusted.then_some(())
    }

    /// Tells the core of paths that ended; whether there were any.
    fn forget_what_is_gone(&mut self, now: Instant) -> bool {
        let gone = self.outlet.streams().take_gone();
        for path in &gone {
            self.core.close_path(now, *path, &mut self.outlet);
        }
        !gone.is_empty()
    }

    /// Finds out which sockets are ready. Waits for one, for a command or for the core's next
    /// timeout only if asked to and if nothing has come meanwhile.
    fn poll(&mut self, ready: &mut Vec<epoll::Event>, sleep: bool) {
        self.wait(ready, Some(Timespec::default()));
        if ready.is_empty() && sleep {
            self.sleep(ready);
        }
        // A bell may ring late, when the thread is awake already.
        let rung = ready.iter().any(|event| event.data.u64() == COMMANDS_KEY);
        self.commands.awake(rung);
        if ready.is_empty() {
            return;
        }
        let pause = self.gathering.pause(Instant::now(), || self.outlet.busy());
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }

    fn sleep(&mut self, ready: &mut Vec<epoll::Event>) {
        self.commands.about_to_sleep();
        if self.commands.is_empty() {
            let due = [self.core.next_timeout(), self.outlet.streams().next_look()];
            self.wait(ready, due.into_iter().flatten().min().map(from_now));
            self.gathering.slept(Instant::now());
        }
    }

    fn wait(&self, ready: &mut Vec<epoll::Event>, timeout: Option<Timespec>) {
        // An interrupted wait is a turn with nothing ready.
        let _ = epoll::wait(&self.epoll, spare_capacity(ready), timeout.as_ref());
    }
}

/// The memory of one batch's list for that of the next: collecting in place allocates nothing.
fn recycle<'a>(mut batch: Vec<Received<'_>>) -> Vec<Received<'a>> {
    batch.clear();
    batch.into_iter().map(|_| unreachable!("there are none")).collect()
}

fn from_now(due: Instant) -> Timespec {
    let left = due.saturating_duration_since(Instant::now());
    Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) }
}
