//! A worker on real sockets: each answers for itself, and a flood starves nobody.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rotunda_media_core::command::{Command, IceCredentials};
use rotunda_media_core::event::Event as CoreEvent;
use rotunda_media_core::id::{ListenerId, TransportId};
use rotunda_media_worker::{Event, Handle, WorkerOptions, spawn};
use rotunda_packet::stun::{Class, IceRole, Message, TransactionId, write_binding_request};

/// Nothing waits that long when all is well.
const PATIENCE: Duration = Duration::from_secs(60);
const UFRAG: &str = "ufrag";
const PASSWORD: &str = "a-password-of-22-bytes";

fn worker(addresses: &[&str]) -> Handle {
    let listen = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let worker = spawn(WorkerOptions::new(listen)).unwrap();
    let ice = IceCredentials { ufrag: UFRAG.to_owned(), password: PASSWORD.to_owned() };
    worker.command(Command::AddTransport { transport: TransportId(1), ice });
    worker
}

/// A socket on the same interface as one of the worker's.
fn peer_of(worker: &Handle, listener: usize) -> UdpSocket {
    let address = worker.addresses()[listener];
    let socket = UdpSocket::bind((address.ip(), 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(address).unwrap();
    socket
}

/// Sends a check and reads its answer, which a connected socket takes from the right address only.
fn check(peer: &UdpSocket) {
    let (mut request, id) = (Vec::new(), TransactionId([7; 12]));
    let (name, role) = (format!("{UFRAG}:remote"), IceRole::Controlling(1));
    write_binding_request(&mut request, id, &name, role, 1, true, PASSWORD.as_bytes());
    peer.send(&request).unwrap();
    let mut buffer = [0; 1500];
    loop {
        let length = peer.recv(&mut buffer).unwrap();
        let message = Message::parse(&buffer[..length]).unwrap();
        // The worker checks the path as well, in its own time.
        if message.class() != Class::Request {
            assert_eq!(message.class(), Class::Success);
            assert_eq!(message.xor_mapped_address(), Some(peer.local_addr().unwrap()));
            return;
        }
    }
}

/// Polls until an event is the wanted one.
fn wait_for(worker: &Handle, wanted: impl Fn(&CoreEvent) -> bool) {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        for event in worker.take_events() {
            match event {
                Event::Core(event) if wanted(&event) => return,
                Event::Core(_) => {}
                Event::Failed { message } => panic!("the worker failed: {message}"),
            }
        }
        std::thread::yield_now();
    }
    panic!("the event did not come");
}

fn wait_until(met: impl Fn() -> bool, otherwise: &str) {
    let start = Instant::now();
    while !met() {
        assert!(start.elapsed() < PATIENCE, "{otherwise}");
        std::thread::yield_now();
    }
}

#[test]
fn every_listener_answers_from_its_own_address() {
    let worker = worker(&["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"]);
    for listener in 0..3 {
        let peer = peer_of(&worker, listener);
        check(&peer);
        let remote = peer.local_addr().unwrap();
        let (transport, listener) = (TransportId(1), ListenerId(listener as u16));
        let connected = CoreEvent::IceConnected { transport, listener, remote };
        wait_for(&worker, |event| *event == connected);
    }
}

#[test]
fn a_flood_starves_neither_commands_nor_other_listeners() {
    let worker = worker(&["127.0.0.1:0", "127.0.0.2:0"]);
    let (flooder, bystander) = (peer_of(&worker, 0), peer_of(&worker, 1));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let start = Instant::now();
            while !done.load(Ordering::Relaxed) && start.elapsed() < PATIENCE {
                // First bytes of SRTP from nobody; a full buffer is what is wanted.
                let _ = flooder.send(&[0x80; 1200]);
            }
        });
        // All that follows happens in the flood, however late its thread began.
        wait_until(|| worker.load().packets_dropped > 0, "the flood did not arrive");
        let some_wait = || worker.load().backlog_bytes > 0 && worker.load().backlog_share > 0.0;
        wait_until(some_wait, "nothing ever waited");
        for token in 0..5 {
            worker.command(Command::CollectStats { token });
            wait_for(
                &worker,
                |event| matches!(event, CoreEvent::Stats { token: t, .. } if *t == token),
            );
            check(&bystander);
        }
        done.store(true, Ordering::Relaxed);
    });
    wait_until(|| worker.load().backlog_bytes == 0, "some was never received");
}

#[test]
fn commands_that_wait_are_told() {
    let worker = worker(&["127.0.0.1:0"]);
    let post_and_look = || {
        worker.command(Command::CollectStats { token: 1 });
        worker.load().commands_waiting > 0
    };
    wait_until(post_and_look, "each was taken before anybody looked");
    wait_until(|| worker.load().commands_waiting == 0, "some were never taken");
}

#[test]
fn dropping_the_handle_ends_the_thread_and_frees_the_port() {
    let first = worker(&["127.0.0.1:0"]);
    let address = first.addresses()[0];
    drop(first);
    let second = spawn(WorkerOptions::new(vec![address])).unwrap();
    assert_eq!(second.addresses(), [address]);
    let taken = spawn(WorkerOptions::new(vec![address])).err().unwrap();
    assert!(taken.to_string().contains(&address.to_string()), "{taken}");
}
