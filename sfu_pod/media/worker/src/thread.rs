//! The thread: turns of commands, datagrams and time, with sleep in between.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rotunda_media_core::id::ListenerId;
use rotunda_media_core::{self as core, Command, Path, Received};
use rotunda_udp::ReceiveBatch;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::gather::Gathering;
use crate::outlet::Outlet;
use crate::queue::{CommandReceiver, Message};

/// Commands done in one turn, at most.
const COMMANDS_PER_TURN: usize = 256;
/// A socket's share of a turn is over with the receive call that ends after this.
const RECEIVE_TIME: Duration = Duration::from_millis(2);
/// Messages of one receive call.
const RECEIVE_MESSAGES: usize = 32;
/// The epoll key of the command queue; listeners have their index.
const COMMANDS_KEY: u64 = u64::MAX;

/// Everything that the thread owns.
pub(crate) struct MediaThread {
    core: core::Worker,
    outlet: Outlet,
    received: ReceiveBatch,
    commands: CommandReceiver,
    gathering: Gathering,
    epoll: OwnedFd,
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
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let watch =
            |fd, key| epoll::add(&epoll, fd, epoll::EventData::new_u64(key), epoll::EventFlags::IN);
        watch(commands.wake(), COMMANDS_KEY)?;
        for (index, listener) in outlet.listeners().iter().enumerate() {
            watch(listener.as_fd(), index as u64)?;
        }
        let received = ReceiveBatch::new(RECEIVE_MESSAGES);
        let gathering = Gathering::new(Instant::now());
        Ok(Self { core, outlet, received, commands, gathering, epoll })
    }

    /// Turns until the owner says stop.
    pub(crate) fn run(mut self) {
        let mut ready = Vec::with_capacity(self.outlet.listeners().len() + 1);
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
        for key in ready.iter().map(|event| event.data.u64()).filter(|key| *key != COMMANDS_KEY) {
            self.receive_from(ListenerId(key as u16));
        }
        let now = Instant::now();
        if self.core.next_timeout().is_some_and(|due| due <= now) {
            self.core.timeout(now, &mut self.outlet);
        }
        self.outlet.flush();
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
        let mut now = start;
        while now.duration_since(start) < RECEIVE_TIME {
            let count = self.outlet.receive(listener.0, &mut self.received);
            if count == 0 {
                return;
            }
            let mut batch = Vec::with_capacity(count);
            batch.extend(self.received.datagrams_mut().map(|(remote, data)| {
                let path = Path { listener, remote };
                Received { path, data }
            }));
            self.core.receive(now, &mut batch, &mut self.outlet);
            now = Instant::now();
        }
    }

    /// Finds out which sockets are ready. Waits for one, for a command or for the core's next
    /// timeout only if asked to and if no command has come meanwhile.
    fn poll(&mut self, ready: &mut Vec<epoll::Event>, sleep: bool) {
        let mut timeout = Some(Timespec::default());
        if sleep {
            self.commands.about_to_sleep();
            if self.commands.is_empty() {
                timeout = self.core.next_timeout().map(from_now);
            }
        }
        // An interrupted wait is a turn with nothing ready.
        let _ = epoll::wait(&self.epoll, spare_capacity(ready), timeout.as_ref());
        let rung = ready.iter().any(|event| event.data.u64() == COMMANDS_KEY);
        self.commands.awake(rung);
        let pause = self.gathering.pause(Instant::now(), || self.outlet.busy());
        if !ready.is_empty() && !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
}

fn from_now(due: Instant) -> Timespec {
    let left = due.saturating_duration_since(Instant::now());
    Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) }
}
