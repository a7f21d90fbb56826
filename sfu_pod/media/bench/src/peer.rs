//! What a publisher and a subscriber have in common: a transport, a checked socket, keys.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use rotunda_media_core::Command;
use rotunda_media_core::command::{IceCredentials, SrtpKeys};
use rotunda_media_core::id::TransportId;
use rotunda_media_worker::Handle;
use rotunda_packet::srtp::{Sender, SrtpProfile};
use rotunda_packet::stun::{IceRole, Message, TransactionId, write_binding_request};

/// One remote peer, connected.
pub struct Peer {
    /// Its transport.
    pub transport: TransportId,
    /// Connected to the worker.
    pub socket: UdpSocket,
    /// For what it sends.
    pub srtp: Sender,
}

impl Peer {
    /// Makes the transport and shakes hands with it: a real nominating check, keys by command.
    pub fn connect(worker: &Handle, number: u64, profile: SrtpProfile) -> io::Result<Self> {
        let transport = TransportId(number);
        let ice = IceCredentials {
            ufrag: format!("bench{number}"),
            password: format!("password-of-the-bench-{number}"),
        };
        worker.command(Command::AddTransport { transport, ice: ice.clone() });
        let send = key(profile, number, 1);
        let receive = key(profile, number, 2);
        let srtp = Sender::new(profile, &receive).expect("a key of the right length");
        worker.command(Command::SetSrtp { transport, keys: SrtpKeys { profile, send, receive } });
        let socket = UdpSocket::bind(SocketAddr::new(worker.addresses()[0].ip(), 0))?;
        socket.connect(worker.addresses()[0])?;
        check(&socket, number, &ice)?;
        Ok(Self { transport, socket, srtp })
    }
}

fn key(profile: SrtpProfile, number: u64, direction: u8) -> Vec<u8> {
    let mut key = vec![direction; profile.key_len() + profile.salt_len()];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key
}

fn check(socket: &UdpSocket, number: u64, ice: &IceCredentials) -> io::Result<()> {
    let mut id = [0; 12];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let mut request = Vec::new();
    let username = format!("{}:remote", ice.ufrag);
    let key = ice.password.as_bytes();
    let role = IceRole::Controlling(number);
    write_binding_request(&mut request, TransactionId(id), &username, role, 1, true, key);
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    socket.send(&request)?;
    let mut answer = [0; 1500];
    let length = socket.recv(&mut answer)?;
    let answer = Message::parse(&answer[..length]).map_err(io::Error::other)?;
    match answer.xor_mapped_address() {
        Some(mapped) if mapped == socket.local_addr()? => socket.set_nonblocking(true),
        _ => Err(io::Error::other(format!("the check of peer {number} was refused"))),
    }
}
