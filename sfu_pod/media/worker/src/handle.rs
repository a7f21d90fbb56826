//! The owner's side of a worker.

use std::any::Any;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use rotunda_media_core::id::TransportId;
use rotunda_media_core::{self as core, Command};
use rotunda_tcp::TcpListener;
use rustix::event::epoll;

use crate::dtls::DtlsQueues;
use crate::listener::Listener;
use crate::load::{Load, LoadCounters};
use crate::outlet::Outlet;
use crate::queue::{self, CommandSender, EventQueue, Message};
use crate::shared::Shared;
use crate::streams::{self, Streams};
use crate::thread::MediaThread;
use crate::{Event, WorkerOptions};

/// How often the kernel may choose a port.
const PORT_ATTEMPTS: u32 = 32;

/// Opens the sockets, which fails with the address in the error, and starts the thread.
pub fn spawn(options: WorkerOptions) -> io::Result<Handle> {
    check(&options)?;
    let (listeners, tcp_listeners) = open(&options)?;
    let addresses = listeners.iter().map(Listener::address).collect();
    let tcp_addresses = tcp_listeners.iter().map(TcpListener::address).collect();
    let core = core::Worker::new(Instant::now(), config(&listeners));
    let shared = Arc::new(Shared {
        events: EventQueue::new()?,
        dtls: DtlsQueues::new(options.dtls_queue_datagrams),
        load: LoadCounters::new(listeners.iter().map(Listener::backlog_gauge).collect()),
    });
    let (commands, receiver) = queue::commands()?;
    let epoll = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?);
    let first = listeners.len() as u16;
    let streams = Streams::new(tcp_listeners, first, options.tcp_limits, Arc::clone(&epoll))?;
    let outlet = Outlet::new(listeners, streams, Arc::clone(&shared));
    let thread = MediaThread::new(core, outlet, receiver, epoll)?;
    let joined = start(options.name, Arc::clone(&shared), move || thread.run())?;
    Ok(Handle { addresses, tcp_addresses, commands, shared, thread: Mutex::new(Some(joined)) })
}

/// A running worker. Dropping it stops the thread.
///
/// Every method may be called from any thread. After [`Handle::close`], or after
/// [`Event::Failed`], commands lead nowhere; what was queued can still be taken.
pub struct Handle {
    addresses: Vec<SocketAddr>,
    tcp_addresses: Vec<SocketAddr>,
    commands: CommandSender,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    /// What was opened for UDP, with the real ports, in the order asked for. A listener's id is its
    /// place here; those of TCP come after.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What was opened for TCP.
    pub fn tcp_addresses(&self) -> &[SocketAddr] {
        &self.tcp_addresses
    }

    /// Posts a command; does not wait.
    pub fn command(&self, command: Command) {
        self.commands.post(Message::Command(command));
    }

    /// Takes all events that wait, oldest first.
    pub fn take_events(&self) -> VecDeque<Event> {
        self.shared.events.take()
    }

    /// Readable exactly while events wait; open as long as the handle is.
    pub fn events_fd(&self) -> BorrowedFd<'_> {
        self.shared.events.fd()
    }

    /// Takes up to `limit` DTLS datagrams of a transport, oldest first.
    /// [`core::Event::DtlsReadable`] comes again only after the queue was empty.
    pub fn receive_dtls(&self, transport: TransportId, limit: usize) -> Vec<Vec<u8>> {
        self.shared.dtls.take(transport, limit)
    }

    /// DTLS datagrams dropped because the transport's queue was full.
    pub fn dtls_dropped(&self, transport: TransportId) -> u64 {
        self.shared.dtls.dropped(transport)
    }

    /// Totals and what waits, read without asking the thread.
    pub fn load(&self) -> Load {
        Load { commands_waiting: self.commands.waiting(), ..self.shared.load.read() }
    }

    /// Stops and joins the thread, which closes the sockets. Twice is allowed.
    pub fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.commands.post(Message::Stop);
            // The thread catches its own panics.
            let _ = thread.join();
        }
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.events_fd()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

fn check(options: &WorkerOptions) -> io::Result<()> {
    let fault = if options.listen.is_empty() {
        "a worker needs at least one address to listen on"
    } else if options.listen.len() + options.listen_tcp.len() > usize::from(u16::MAX) {
        "a worker listens on at most 65,535 addresses"
    } else if options.name.contains('\0') {
        "a thread's name holds no NUL"
    } else if options.dtls_queue_datagrams == 0 {
        "a queue of DTLS datagrams holds at least one"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, fault))
}

/// Opens all sockets. Where the kernel chose a port for UDP that TCP cannot have, it chooses again.
fn open(options: &WorkerOptions) -> io::Result<(Vec<Listener>, Vec<TcpListener>)> {
    let open_udp = |address| Listener::open(address, options.segmentation_offload);
    let mut attempts = 0;
    loop {
        let listeners =
            options.listen.iter().copied().map(open_udp).collect::<io::Result<Vec<_>>>()?;
        let addresses: Vec<_> = listeners.iter().map(Listener::address).collect();
        attempts += 1;
        match streams::open(&options.listen_tcp, &addresses) {
            Ok(tcp) => return Ok((listeners, tcp)),
            Err(error) if attempts < PORT_ATTEMPTS && may_choose_again(options, &error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn may_choose_again(options: &WorkerOptions, error: &io::Error) -> bool {
    let chosen = options.listen.iter().any(|address| address.port() == 0);
    chosen && error.kind() == io::ErrorKind::AddrInUse
}

fn config(listeners: &[Listener]) -> core::Config {
    let mut config = core::Config {
        seed: RandomState::new().hash_one(std::process::id()),
        wall_clock: SystemTime::now(),
        ..core::Config::default()
    };
    if !listeners.iter().any(Listener::segments) {
        config.pad_segments_up_to = 0;
    }
    config
}

/// Starts a thread that publishes its CPU time, and tells when it ended by a panic.
fn start(
    name: String,
    shared: Arc<Shared>,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(move || {
        shared.load.thread_starts();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            shared.events.push(Event::Failed { message: message_of(&*panic) });
        }
        shared.load.thread_ends();
    })
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_of_the_thread_is_told() {
        let shared = Arc::new(Shared {
            events: EventQueue::new().unwrap(),
            dtls: DtlsQueues::new(1),
            load: LoadCounters::new(Vec::new()),
        });
        let number = 7;
        let thread = start("doomed".into(), Arc::clone(&shared), move || panic!("at {number}"));
        thread.unwrap().join().unwrap();
        assert_eq!(shared.events.take(), [Event::Failed { message: "at 7".into() }]);
    }

    #[test]
    fn options_that_could_never_be_right_are_refused() {
        let refused = |options| spawn(options).err().map(|error| error.to_string()).unwrap();
        assert!(refused(WorkerOptions::new(vec![])).contains("at least one address"));
        let anywhere = WorkerOptions::new(vec!["127.0.0.1:0".parse().unwrap()]);
        let unnamed = WorkerOptions { name: "a\0b".into(), ..anywhere.clone() };
        assert!(refused(unnamed).contains("NUL"));
        let no_queue = WorkerOptions { dtls_queue_datagrams: 0, ..anywhere };
        assert!(refused(no_queue).contains("at least one"));
    }
}
