//! Real connections: who may have one, for how long, and what passes through it.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rotunda_tcp::{
    Accepted, Closed, Connections, Key, Limits, Pushed, ReadBuffer, Refused, TcpListener,
};

const PATIENCE: Duration = Duration::from_secs(60);
const LISTENER: u16 = 3;

/// A listener, its set, and whoever connected to it.
struct Scene {
    listener: TcpListener,
    connections: Connections,
    now: Instant,
    buffer: ReadBuffer,
}

impl Scene {
    fn new(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (connections, now) = (Connections::new(limits), Instant::now());
        Self { listener, connections, now, buffer: ReadBuffer::new() }
    }

    /// A peer and what became of its connection, a second later than whatever was before.
    fn connect(&mut self, from: [u8; 4]) -> (TcpStream, Result<Key, Refused>) {
        self.now += Duration::from_secs(1);
        let peer = connect_from(from.into(), self.listener.address());
        let accepted = until(|| match self.listener.accept() {
            Accepted::Connection(connection) => Some(connection),
            Accepted::Nobody => None,
            other => panic!("{other:?}"),
        });
        assert_eq!(accepted.remote(), peer.local_addr().unwrap());
        (peer, self.connections.add(self.now, LISTENER, accepted))
    }

    /// The next frames, or why there will be none.
    fn receive(&mut self, key: Key) -> Result<Vec<Vec<u8>>, Closed> {
        until(|| {
            let frames = match self.connections.receive(key, &mut self.buffer).unwrap() {
                Ok(frames) => frames,
                Err(closed) => return Some(Err(closed)),
            };
            let frames: Vec<_> = frames.map(|frame| frame.to_vec()).collect();
            (!frames.is_empty()).then_some(Ok(frames))
        })
    }

    fn prove(&mut self, key: Key) {
        self.connections.note_proven(self.now, key, true);
    }
}

fn connect_from(from: IpAddr, to: SocketAddr) -> TcpStream {
    let domain = socket2::Domain::for_address(to);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Some(seen) => return seen,
            None if start.elapsed() > PATIENCE => panic!("it did not happen"),
            None => std::thread::yield_now(),
        }
    }
}

/// The other side has closed it: an end or a reset, nothing else.
fn is_closed(mut peer: TcpStream) -> bool {
    !matches!(peer.read(&mut [0; 16]), Ok(1..))
}

const ONE: [u8; 4] = [127, 0, 0, 1];
const TWO: [u8; 4] = [127, 0, 0, 2];

#[test]
fn frames_pass_both_ways() {
    let mut scene = Scene::new(Limits::default());
    let (mut peer, key) = scene.connect(ONE);
    let key = key.unwrap();
    assert_eq!(scene.connections.addresses(key), Some((LISTENER, peer.local_addr().unwrap())));
    peer.write_all(b"\x00\x02ab\x00\x01c\x00").unwrap();
    assert_eq!(scene.receive(key).unwrap().concat(), b"abc");
    peer.write_all(b"\x01d").unwrap();
    assert_eq!(scene.receive(key).unwrap(), [b"d"]);

    let remote = peer.local_addr().unwrap();
    let say = |buffer: &mut [u8]| {
        buffer[..2].copy_from_slice(b"hi");
        Some(2)
    };
    assert_eq!(scene.connections.push(LISTENER, remote, 9, say), Pushed::Queued);
    assert_eq!(scene.connections.push(LISTENER + 1, remote, 9, say), Pushed::Nothing);
    scene.connections.flush(|_, _, result| panic!("there is room: {result:?}"));
    let mut answer = [0; 4];
    peer.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\x00\x02hi");
    let counters = scene.connections.counters();
    assert_eq!((counters.bytes_sent, counters.frames_sent, counters.send_calls), (2, 1, 1));
    assert_eq!(counters.bytes_received, 10);
}

#[test]
fn an_end_and_a_length_that_cannot_be_are_told() {
    let mut scene = Scene::new(Limits::default());
    let (peer, key) = scene.connect(ONE);
    peer.shutdown(Shutdown::Write).unwrap();
    assert!(matches!(scene.receive(key.unwrap()), Err(Closed::End)));
    let (mut peer, key) = scene.connect(ONE);
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let refused = scene.receive(key.unwrap()).unwrap_err();
    assert!(matches!(refused, Closed::NoFrame(_)), "{refused}");
}

#[test]
fn a_peer_that_reads_nothing_blocks_and_goes_on_when_it_reads() {
    let mut scene = Scene::new(Limits::default());
    let (mut peer, key) = scene.connect(ONE);
    let (key, remote) = (key.unwrap(), peer.local_addr().unwrap());
    let mut blocked = false;
    // Frames that are no media are all taken until the queue is full.
    let mut taken = 0u64;
    while !blocked {
        while scene.connections.push(LISTENER, remote, 1000, |b| Some(b.len())) == Pushed::Queued {
            taken += 1;
        }
        scene.connections.flush(|told, _, result| {
            result.unwrap();
            assert_eq!(told, key);
            blocked = true;
        });
    }
    scene.connections.flush(|_, _, _| panic!("once is enough"));
    assert!(scene.connections.counters().frames_dropped > 0);
    // Reads all that comes, on its own, until the end.
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).map(|_| bytes.len() as u64)
    });
    until(|| scene.connections.resume(key).unwrap().then_some(()));
    scene.connections.remove(key).unwrap();
    assert_eq!(reader.join().unwrap().unwrap(), taken * 1002);
}

#[test]
fn the_longest_unproven_of_an_address_gives_way() {
    let mut scene = Scene::new(Limits { per_address: 2, ..Limits::default() });
    let (_first, first_key) = scene.connect(ONE);
    scene.prove(first_key.unwrap());
    let (second, second_key) = scene.connect(ONE);
    let (_stranger, stranger_key) = scene.connect(TWO);
    let (_third, third_key) = scene.connect(ONE);
    assert!(is_closed(second));
    assert_eq!(scene.connections.len(), 3, "another address's does not");
    assert!(scene.connections.addresses(stranger_key.unwrap()).is_some());
    // The slot may be the same, the peer is not.
    assert_eq!(second_key.unwrap(), third_key.unwrap());
    scene.prove(third_key.unwrap());
    let (refused, key) = scene.connect(ONE);
    assert_eq!(key, Err(Refused));
    assert!(is_closed(refused));
    assert_eq!(scene.connections.len(), 3);
}

#[test]
fn all_in_all_there_is_a_bound_too() {
    let mut scene = Scene::new(Limits { connections: 2, ..Limits::default() });
    let (oldest, _) = scene.connect(ONE);
    let (_second, _) = scene.connect(TWO);
    let (_third, _) = scene.connect([127, 0, 0, 3]);
    assert!(is_closed(oldest));
    assert_eq!(scene.connections.len(), 2);
    scene.connections.keys().collect::<Vec<_>>().into_iter().for_each(|key| scene.prove(key));
    let (refused, key) = scene.connect([127, 0, 0, 4]);
    assert_eq!(key, Err(Refused));
    assert!(is_closed(refused));
}

#[test]
fn room_is_made_again_by_closing() {
    let mut scene = Scene::new(Limits { per_address: 1, ..Limits::default() });
    let (_peer, key) = scene.connect(ONE);
    scene.prove(key.unwrap());
    let (_refused, refused) = scene.connect(ONE);
    assert_eq!(refused, Err(Refused));
    assert!(scene.connections.remove(key.unwrap()).is_some());
    assert!(scene.connections.remove(key.unwrap()).is_none());
    let (_peer, key) = scene.connect(ONE);
    assert!(key.is_ok());
}

#[test]
fn the_deadline_is_for_the_unproven() {
    let mut scene = Scene::new(Limits::default());
    let (_peer, key) = scene.connect(ONE);
    let (key, deadline) = (key.unwrap(), Limits::default().proof_deadline);
    let start = scene.now;
    assert!(!scene.connections.is_overdue(start + deadline - Duration::from_millis(1), key));
    assert!(scene.connections.is_overdue(start + deadline, key));
    scene.now = start + 5 * deadline;
    scene.prove(key);
    assert!(!scene.connections.is_overdue(start + 20 * deadline, key));
    // Nobody vouches for it any more: the deadline counts from the last time that somebody did.
    scene.connections.note_proven(scene.now, key, false);
    assert!(!scene.connections.is_overdue(start + 6 * deadline - Duration::from_millis(1), key));
    assert!(scene.connections.is_overdue(start + 6 * deadline, key));
}

#[test]
fn half_an_ipv6_address_is_one_owner() {
    // One host may have all of a /64, and the loopback's is one.
    let listener = TcpListener::bind("[::1]:0".parse().unwrap()).unwrap();
    let mut connections = Connections::new(Limits { per_address: 1, ..Limits::default() });
    let mut peers = Vec::new();
    for _ in 0..2 {
        peers.push(connect_from("::1".parse().unwrap(), listener.address()));
        let accepted = until(|| match listener.accept() {
            Accepted::Connection(connection) => Some(connection),
            _ => None,
        });
        connections.add(Instant::now(), LISTENER, accepted).unwrap();
    }
    assert_eq!(connections.len(), 1);
    assert!(is_closed(peers.remove(0)));
}

#[test]
fn a_taken_port_is_named() {
    let first = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let error = TcpListener::bind(first.address()).unwrap_err();
    assert!(error.to_string().contains(&format!("cannot listen on tcp {}", first.address())));
}

#[test]
fn a_port_can_be_taken_again_at_once() {
    let mut scene = Scene::new(Limits::default());
    let (peer, key) = scene.connect(ONE);
    let address = scene.listener.address();
    // We close first, so the connection lingers on our side.
    scene.connections.remove(key.unwrap());
    drop(scene);
    assert!(is_closed(peer));
    assert_eq!(TcpListener::bind(address).unwrap().address(), address);
}
