//! Peers of a worker on real sockets, as far as ICE is concerned.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use rotunda_media_core::command::IceCredentials;
use rotunda_packet::stun::{Class, IceRole, Message, TransactionId, write_binding_request};

/// Nothing waits that long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A peer's end of a connection.
pub struct TcpPeer {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl TcpPeer {
    pub fn connect(worker: SocketAddr) -> Self {
        let stream = TcpStream::connect(worker).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, bytes: Vec::new() }
    }

    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    /// Sends a nominating check and reads on until its answer.
    pub fn check(&mut self, ice: &IceCredentials) {
        self.send(&request(ice));
        let answer = loop {
            let frame = self.receive();
            if frame[0] < 4 {
                break frame;
            }
        };
        assert_answer(&answer, self.address());
    }

    pub fn send(&mut self, datagram: &[u8]) {
        let length = (datagram.len() as u16).to_be_bytes();
        self.stream.write_all(&[&length[..], datagram].concat()).unwrap();
    }

    /// The next frame.
    pub fn receive(&mut self) -> Vec<u8> {
        self.read(Some(PATIENCE)).expect("a frame comes")
    }

    /// The next frame, if it is there soon.
    pub fn try_receive(&mut self) -> Option<Vec<u8>> {
        self.read(Some(Duration::from_millis(10)))
    }

    /// The worker has closed it. What came before is lost.
    pub fn is_closed(&self) -> bool {
        is_closed(&self.stream)
    }

    /// Refuses checks, as an agent does that does not know the credentials.
    fn read(&mut self, patience: Option<Duration>) -> Option<Vec<u8>> {
        self.stream.set_read_timeout(patience).unwrap();
        let mut buffer = [0; 4096];
        loop {
            if let Some((length, rest)) = self.bytes.split_first_chunk() {
                let length = usize::from(u16::from_be_bytes(*length));
                if rest.len() >= length {
                    let frame = rest[..length].to_vec();
                    self.bytes.drain(..2 + length);
                    if let Some(refusal) = refusal_of(&frame) {
                        self.send(&refusal);
                        continue;
                    }
                    return Some(frame);
                }
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the worker closed the connection"),
                Ok(count) => self.bytes.extend(&buffer[..count]),
                Err(error) if is_timeout(&error) => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// A peer's UDP socket.
pub struct UdpPeer(UdpSocket);

impl UdpPeer {
    pub fn connect(worker: SocketAddr) -> Self {
        let socket = UdpSocket::bind((worker.ip(), 0)).unwrap();
        socket.connect(worker).unwrap();
        Self(socket)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Sends a nominating check and reads its answer.
    pub fn check(&mut self, ice: &IceCredentials) {
        self.send(&request(ice));
        assert_answer(&self.receive(), self.address());
    }

    pub fn send(&self, datagram: &[u8]) {
        self.0.send(datagram).unwrap();
    }

    pub fn receive(&self) -> Vec<u8> {
        self.read(PATIENCE).expect("a datagram comes")
    }

    pub fn try_receive(&self) -> Option<Vec<u8>> {
        self.read(Duration::from_millis(10))
    }

    /// Refuses checks, as an agent does that does not know the credentials.
    fn read(&self, patience: Duration) -> Option<Vec<u8>> {
        self.0.set_read_timeout(Some(patience)).unwrap();
        let mut buffer = [0; 2048];
        loop {
            match self.0.recv(&mut buffer) {
                Ok(count) => match refusal_of(&buffer[..count]) {
                    Some(refusal) => self.send(&refusal),
                    None => return Some(buffer[..count].to_vec()),
                },
                Err(error) if is_timeout(&error) => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The other side has closed it: an end or a reset. Takes what came before.
pub fn is_closed(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let closed = loop {
        match stream.read(&mut [0; 4096]) {
            Ok(1..) => {}
            Err(error) if is_timeout(&error) => break false,
            Ok(0) | Err(_) => break true,
        }
    };
    stream.set_nonblocking(false).unwrap();
    closed
}

/// What refuses the worker's own check of a path, a Binding request: error 400 (RFC 8489).
fn refusal_of(datagram: &[u8]) -> Option<Vec<u8>> {
    let message = Message::parse(datagram).ok()?;
    let code = [0, 9, 0, 4, 0, 0, 4, 0];
    let refusal = || [&[1, 0x11, 0, code.len() as u8], &datagram[4..20], &code].concat();
    (message.class() == Class::Request).then(refusal)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn request(ice: &IceCredentials) -> Vec<u8> {
    let (mut request, name) = (Vec::new(), format!("{}:remote", ice.ufrag));
    let (id, role) = (TransactionId([7; 12]), IceRole::Controlling(1));
    write_binding_request(&mut request, id, &name, role, 1, true, ice.password.as_bytes());
    request
}

fn assert_answer(answer: &[u8], mapped: SocketAddr) {
    let answer = Message::parse(answer).unwrap();
    assert_eq!(answer.class(), Class::Success);
    assert_eq!(answer.xor_mapped_address(), Some(mapped));
}
