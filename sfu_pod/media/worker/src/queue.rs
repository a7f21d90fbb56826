//! The two queues between a worker's owner and its thread, and the descriptors that wake them.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use rotunda_media_core::Command;
use rustix::event::{EventfdFlags, eventfd};

use crate::Event;

/// What the owner sends to the thread.
pub(crate) enum Message {
    Command(Command),
    Stop,
}

/// Makes the command queue.
pub(crate) fn commands() -> io::Result<(CommandSender, CommandReceiver)> {
    let (sender, receiver) = mpsc::channel();
    let bell = Arc::new(Bell::new()?);
    let waiting = Arc::new(AtomicU64::new(0));
    let (bell_of_receiver, waiting_of_receiver) = (Arc::clone(&bell), Arc::clone(&waiting));
    let receiver = CommandReceiver {
        receiver,
        seen: None,
        bell: bell_of_receiver,
        waiting: waiting_of_receiver,
    };
    Ok((CommandSender { sender, bell, waiting }, receiver))
}

/// The owner's end of the command queue.
pub(crate) struct CommandSender {
    sender: mpsc::Sender<Message>,
    bell: Arc<Bell>,
    /// Counted up before a message is sent, and down when it was taken: never less than there are.
    waiting: Arc<AtomicU64>,
}

impl CommandSender {
    /// Posts a message. A thread that has ended takes nothing any more, which is no error: its end
    /// was told by an event, or asked for.
    pub(crate) fn post(&self, message: Message) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.sender.send(message).is_ok() {
            self.bell.ring();
        }
    }

    /// How many messages were posted and not taken. All that follow the thread's end.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// The thread's end of the command queue.
pub(crate) struct CommandReceiver {
    receiver: mpsc::Receiver<Message>,
    /// Seen by `is_empty`, not yet taken.
    seen: Option<Message>,
    bell: Arc<Bell>,
    waiting: Arc<AtomicU64>,
}

impl CommandReceiver {
    /// The oldest message. An owner that is gone wants the thread to stop.
    pub(crate) fn take(&mut self) -> Option<Message> {
        if self.seen.is_some() {
            return self.seen.take();
        }
        match self.receiver.try_recv() {
            Ok(message) => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                Some(message)
            }
            Err(mpsc::TryRecvError::Empty) => None,
            Err(mpsc::TryRecvError::Disconnected) => Some(Message::Stop),
        }
    }

    /// Nothing waits.
    pub(crate) fn is_empty(&mut self) -> bool {
        self.seen = self.take();
        self.seen.is_none()
    }

    /// Readable when the bell was rung.
    pub(crate) fn wake(&self) -> BorrowedFd<'_> {
        self.bell.fd.as_fd()
    }

    /// From now on a post rings the bell. Look at the queue once more between this and sleeping.
    pub(crate) fn about_to_sleep(&self) {
        self.bell.armed.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Posts need not ring any more, and what rang is silenced.
    pub(crate) fn awake(&self, rung: bool) {
        self.bell.armed.store(false, Ordering::Relaxed);
        if rung {
            drain(&self.bell.fd);
        }
    }
}

/// An eventfd that is written only while the other side sleeps: a busy thread costs its owner no
/// system call.
struct Bell {
    armed: AtomicBool,
    fd: OwnedFd,
}

impl Bell {
    fn new() -> io::Result<Self> {
        Ok(Self { armed: AtomicBool::new(false), fd: new_eventfd()? })
    }

    fn ring(&self) {
        // Orders the post before the look at `armed`; its partner is in `about_to_sleep`. One of
        // the two sides sees the other.
        fence(Ordering::SeqCst);
        if self.armed.swap(false, Ordering::Relaxed) {
            signal(&self.fd);
        }
    }
}

/// Events on their way to the owner; its descriptor is readable exactly while there are some.
pub(crate) struct EventQueue {
    events: Mutex<VecDeque<Event>>,
    fd: OwnedFd,
}

impl EventQueue {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { events: Mutex::default(), fd: new_eventfd()? })
    }

    pub(crate) fn push(&self, event: Event) {
        let mut events = self.lock();
        events.push_back(event);
        if events.len() == 1 {
            signal(&self.fd);
        }
    }

    pub(crate) fn take(&self) -> VecDeque<Event> {
        let mut events = self.lock();
        if !events.is_empty() {
            drain(&self.fd);
        }
        std::mem::take(&mut events)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// A queue is whole after any panic, so poison says nothing.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_eventfd() -> io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

/// Cannot fail in a way that matters: a full counter is readable already.
fn signal(fd: &OwnedFd) {
    let _ = rustix::io::write(fd, &1u64.to_ne_bytes());
}

fn drain(fd: &OwnedFd) {
    let _ = rustix::io::read(fd, &mut [0u8; 8]);
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn readable(fd: BorrowedFd<'_>) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&now)).unwrap() == 1
    }

    fn stats_request(token: u64) -> Message {
        Message::Command(Command::CollectStats { token })
    }

    #[test]
    fn events_are_readable_exactly_while_there_are_some() {
        let queue = EventQueue::new().unwrap();
        assert!(!readable(queue.fd()));
        queue.push(Event::Failed { message: "one".into() });
        queue.push(Event::Failed { message: "two".into() });
        assert!(readable(queue.fd()));
        assert_eq!(queue.take().len(), 2);
        assert!(!readable(queue.fd()));
        assert!(queue.take().is_empty());
    }

    #[test]
    fn a_post_rings_only_a_sleeper() {
        let (sender, receiver) = commands().unwrap();
        sender.post(stats_request(1));
        assert!(!readable(receiver.wake()));
        receiver.about_to_sleep();
        sender.post(stats_request(2));
        assert!(readable(receiver.wake()));
        receiver.awake(true);
        assert!(!readable(receiver.wake()));
    }

    #[test]
    fn messages_keep_their_order_and_a_lost_owner_means_stop() {
        let (sender, mut receiver) = commands().unwrap();
        sender.post(stats_request(1));
        sender.post(stats_request(2));
        assert_eq!(sender.waiting(), 2);
        assert!(!receiver.is_empty());
        assert_eq!(sender.waiting(), 1);
        drop(sender);
        for wanted in [1, 2] {
            let Some(Message::Command(Command::CollectStats { token })) = receiver.take() else {
                panic!("no command {wanted}");
            };
            assert_eq!(token, wanted);
        }
        assert!(matches!(receiver.take(), Some(Message::Stop)));
    }
}
