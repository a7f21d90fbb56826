//! A worker whose peers come over TCP: checks, handshakes and media pass both ways, and strangers
//! take neither memory nor descriptors nor time without bound.

mod tcp_peer;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rotunda_media_core::command::{
    Codec, Command, ConsumerParameters, EncodingParameters, ExtensionIds, IceCredentials,
    MediaKind, PayloadMapping, ProducerParameters, SrtpKeys,
};
use rotunda_media_core::event::Event as CoreEvent;
use rotunda_media_core::id::{ConsumerId, ListenerId, ProducerId, RouterId, TransportId};
use rotunda_media_worker::{Event, Handle, TcpLimits, WorkerOptions, spawn};
use rotunda_packet::demux::{PacketKind, classify};
use rotunda_packet::rtp::{RtpHeader, RtpPacket};
use rotunda_packet::srtp::{Receiver, Sender, SrtpProfile};
use tcp_peer::{PATIENCE, TcpPeer, UdpPeer};

const PROFILE: SrtpProfile = SrtpProfile::Aes128Gcm;
const ADA: TransportId = TransportId(1);
const BEN: TransportId = TransportId(2);

fn worker_at(addresses: &[&str], limits: TcpLimits) -> Handle {
    let listen: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let listen_tcp = listen.clone();
    let options = WorkerOptions { listen_tcp, tcp_limits: limits, ..WorkerOptions::new(listen) };
    let worker = spawn(options).unwrap();
    for transport in [ADA, BEN] {
        worker.command(Command::AddTransport { transport, ice: ice(transport) });
    }
    worker
}

fn worker() -> Handle {
    worker_at(&["127.0.0.1:0"], TcpLimits::default())
}

fn ice(transport: TransportId) -> IceCredentials {
    let number = transport.0;
    IceCredentials {
        ufrag: format!("ufrag{number}"),
        password: format!("password-of-22-byt-{number}xx"),
    }
}

/// What the worker told, kept until it is asked for.
#[derive(Default)]
struct Told(Vec<CoreEvent>);

impl Told {
    fn wait_for(&mut self, worker: &Handle, wanted: impl Fn(&CoreEvent) -> bool) -> CoreEvent {
        let start = Instant::now();
        loop {
            for event in worker.take_events() {
                match event {
                    Event::Core(event) => self.0.push(event),
                    Event::Failed { message } => panic!("the worker failed: {message}"),
                }
            }
            if let Some(place) = self.0.iter().position(&wanted) {
                return self.0.remove(place);
            }
            assert!(start.elapsed() < PATIENCE, "the event did not come: {:?}", self.0);
            std::thread::yield_now();
        }
    }
}

fn wait_until(otherwise: &str, mut met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !met() {
        assert!(start.elapsed() < PATIENCE, "{otherwise}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn checks_are_answered_on_the_port_of_udp_on_every_address() {
    let worker = worker_at(&["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"], TcpLimits::default());
    assert_eq!(worker.tcp_addresses(), worker.addresses());
    let mut told = Told::default();
    let mut peers: Vec<_> =
        worker.tcp_addresses().iter().map(|address| TcpPeer::connect(*address)).collect();
    for (index, peer) in peers.iter_mut().enumerate() {
        peer.check(&ice(ADA));
        let (listener, remote) = (ListenerId(3 + index as u16), peer.address());
        let connected = CoreEvent::IceConnected { transport: ADA, listener, remote };
        told.wait_for(&worker, |event| *event == connected);
    }
    wait_until("three are connected", || worker.load().tcp_connections == 3);
}

#[test]
fn handshakes_pass_both_ways() {
    let worker = worker();
    let mut peer = TcpPeer::connect(worker.tcp_addresses()[0]);
    peer.check(&ice(ADA));
    let record = [22, 254, 253, 1, 2, 3];
    peer.send(&record);
    let readable = CoreEvent::DtlsReadable { transport: ADA };
    Told::default().wait_for(&worker, |event| *event == readable);
    assert_eq!(worker.receive_dtls(ADA, 8), [record]);
    worker.command(Command::SendDtls { transport: ADA, datagram: vec![23; 1300] });
    assert_eq!(peer.receive(), [23; 1300]);
}

#[test]
fn media_passes_between_a_peer_on_tcp_and_one_on_udp() {
    let worker = worker();
    let mut ada = TcpPeer::connect(worker.tcp_addresses()[0]);
    let mut ben = UdpPeer::connect(worker.addresses()[0]);
    ada.check(&ice(ADA));
    ben.check(&ice(BEN));
    let (ada_keys, ben_keys) = (keys(1), keys(2));
    for (transport, keys) in [(ADA, &ada_keys), (BEN, &ben_keys)] {
        worker.command(Command::SetSrtp { transport, keys: keys.clone() });
    }
    for (producer, transport) in [(1, ADA), (2, BEN)] {
        produce(&worker, producer, transport);
        consume(&worker, producer, if transport == ADA { BEN } else { ADA }, producer);
    }
    let mut from_ada = Sender::new(PROFILE, &ada_keys.receive).unwrap();
    let mut from_ben = Sender::new(PROFILE, &ben_keys.receive).unwrap();
    let (mut to_ada, mut to_ben) = (receiver(&ada_keys), receiver(&ben_keys));
    // Commands and media come by different ways: the first packets may come too early.
    wait_until("Ben hears Ada", || {
        ada.send(&sound(&mut from_ada, 1));
        ben.try_receive().is_some_and(|datagram| payload(&mut to_ben, datagram) == Some(1))
    });
    wait_until("Ada hears Ben", || {
        ben.send(&sound(&mut from_ben, 2));
        ada.try_receive().is_some_and(|datagram| payload(&mut to_ada, datagram) == Some(2))
    });
}

#[test]
fn a_connection_that_ends_ends_its_path_and_another_one_takes_over() {
    let worker = worker();
    let mut told = Told::default();
    let mut first = TcpPeer::connect(worker.tcp_addresses()[0]);
    first.check(&ice(ADA));
    told.wait_for(&worker, |event| matches!(event, CoreEvent::IceConnected { .. }));
    drop(first);
    told.wait_for(&worker, |event| *event == CoreEvent::IceDisconnected { transport: ADA });

    let mut second = TcpPeer::connect(worker.tcp_addresses()[0]);
    second.check(&ice(ADA));
    let mut datagram = UdpPeer::connect(worker.addresses()[0]);
    datagram.check(&ice(ADA));
    let at = |remote: SocketAddr| move |event: &CoreEvent| matches!(event, CoreEvent::IceConnected { remote: r, .. } if *r == remote);
    told.wait_for(&worker, at(datagram.address()));
    second.check(&ice(ADA));
    told.wait_for(&worker, at(second.address()));
    let fallback = datagram.address();
    drop(second);
    // Nothing has to run out: the other path was proven as well.
    told.wait_for(&worker, at(fallback));
    worker.command(Command::SendDtls { transport: ADA, datagram: vec![23; 9] });
    assert_eq!(datagram.receive(), [23; 9]);
}

#[test]
fn who_reads_nothing_is_sent_no_more_than_a_queue_and_others_are_served() {
    let worker = worker();
    let mut stuck = TcpPeer::connect(worker.tcp_addresses()[0]);
    stuck.check(&ice(ADA));
    // Once more: before its answer comes the worker's own check, which shows that he is there.
    stuck.check(&ice(ADA));
    let mut other = TcpPeer::connect(worker.tcp_addresses()[0]);
    other.check(&ice(BEN));
    let before = worker.load();
    wait_until("the queue is full", || {
        for _ in 0..100 {
            worker.command(Command::SendDtls { transport: ADA, datagram: vec![23; 1200] });
        }
        worker.command(Command::SendDtls { transport: BEN, datagram: vec![24; 10] });
        assert_eq!(other.receive(), [24; 10]);
        worker.load().packets_dropped > before.packets_dropped + 1000
    });
    // The kernel's buffers on both sides and ours: far from all that was sent.
    let taken = worker.load().bytes_sent - before.bytes_sent;
    assert!(taken < 16 << 20, "{taken} bytes were taken for somebody who reads nothing");
    // It can go on when it reads: what waited comes first, then what is new.
    let end = vec![25; 5];
    wait_until("the end comes", || {
        worker.command(Command::SendDtls { transport: ADA, datagram: end.clone() });
        std::iter::from_fn(|| stuck.try_receive()).any(|record| record == end)
    });
}

#[test]
fn a_flood_of_connections_is_bounded_and_calls_go_on() {
    const FLOOD: usize = 400;
    let limits = TcpLimits { connections: 60, per_address: 50, ..TcpLimits::default() };
    let worker = worker_at(&["127.0.0.1:0"], limits);
    let mut call = TcpPeer::connect(worker.tcp_addresses()[0]);
    call.check(&ice(ADA));
    let mut half_open = Vec::new();
    for _ in 0..FLOOD {
        half_open.push(TcpStream::connect(worker.tcp_addresses()[0]).unwrap());
    }
    wait_until("all were accepted", || {
        call.check(&ice(ADA));
        half_open.iter().filter(|stream| tcp_peer::is_closed(stream)).count() >= FLOOD - 50
    });
    assert!(worker.load().tcp_connections <= 50);
    // Somebody who means it gets in all the same.
    let mut late = TcpPeer::connect(worker.tcp_addresses()[0]);
    late.check(&ice(BEN));
    call.check(&ice(ADA));
}

#[test]
fn garbage_closes_its_connection_at_once() {
    let worker = worker();
    let mut call = TcpPeer::connect(worker.tcp_addresses()[0]);
    call.check(&ice(ADA));
    let unproven: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x00",
        b"\x00\x03\x16\xfe\xfd",
        b"\x00\x0c\x80\x60\x00\x01\x00\x00\x00\x00\x00\x00\x00\x07",
    ];
    for garbage in unproven {
        let mut stranger = TcpStream::connect(worker.tcp_addresses()[0]).unwrap();
        stranger.write_all(garbage).unwrap();
        wait_until("it is closed", || tcp_peer::is_closed(&stranger));
        call.check(&ice(ADA));
    }
    // Nobody may lose his place in the stream, known or not.
    call.send(&[77; 20]);
    wait_until("it is closed", || call.is_closed());
    wait_until("nobody is left", || worker.load().tcp_connections == 0);
}

#[test]
fn who_proves_nothing_or_has_left_is_let_go() {
    let limits = TcpLimits { proof_deadline: Duration::from_secs(3), ..TcpLimits::default() };
    let worker = worker_at(&["127.0.0.1:0"], limits);
    let mut ada = TcpPeer::connect(worker.tcp_addresses()[0]);
    ada.check(&ice(ADA));
    let mut loris = TcpStream::connect(worker.tcp_addresses()[0]).unwrap();
    loris.write_all(&[0]).unwrap();
    let silent = TcpStream::connect(worker.tcp_addresses()[0]).unwrap();
    for stranger in [&loris, &silent] {
        wait_until("the deadline is over", || tcp_peer::is_closed(stranger));
    }
    ada.check(&ice(ADA));
    worker.command(Command::RemoveTransport { transport: ADA });
    wait_until("Ada's connection is closed", || ada.is_closed());
}

#[test]
fn a_tcp_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let listen_tcp = vec![address];
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let options = WorkerOptions { listen_tcp, ..WorkerOptions::new(listen) };
    // A port that was asked for is not chosen again.
    let error = spawn(options).err().unwrap().to_string();
    assert!(error.contains(&format!("cannot listen on tcp {address}")), "{error}");
}

fn keys(number: u8) -> SrtpKeys {
    let key = |direction: u8| vec![16 * direction + number; PROFILE.key_len() + PROFILE.salt_len()];
    SrtpKeys { profile: PROFILE, send: key(1), receive: key(2) }
}

fn receiver(keys: &SrtpKeys) -> Receiver {
    Receiver::new(PROFILE, &keys.send).unwrap()
}

fn produce(worker: &Handle, number: u64, transport: TransportId) {
    let parameters = ProducerParameters {
        kind: MediaKind::Audio,
        mid: Some("0".to_owned()),
        payloads: vec![PayloadMapping {
            codec: Codec::Opus,
            clock_rate: 48_000,
            payload_type: 111,
            rtx_payload_type: None,
            nack: false,
        }],
        extensions: ExtensionIds::default(),
        encodings: vec![EncodingParameters {
            rid: None,
            ssrc: Some(number as u32),
            rtx_ssrc: None,
        }],
        cname: "speaker".to_owned(),
    };
    worker.command(Command::AddProducer {
        router: RouterId(1),
        transport,
        producer: ProducerId(number),
        parameters: Box::new(parameters),
        paused: false,
    });
}

fn consume(worker: &Handle, number: u64, transport: TransportId, producer: u64) {
    let parameters = ConsumerParameters {
        mid: "0".to_owned(),
        ssrc: 100 + number as u32,
        rtx_ssrc: None,
        payloads: vec![(Codec::Opus, 100, None)],
        extensions: ExtensionIds::default(),
        cname: "speaker".to_owned(),
        preferred_spatial: None,
    };
    worker.command(Command::AddConsumer {
        transport,
        consumer: ConsumerId(number),
        producer: ProducerId(producer),
        parameters: Box::new(parameters),
        paused: false,
    });
}

/// The next packet of a speaker: its payload is its number.
fn sound(sender: &mut Sender, ssrc: u32) -> Vec<u8> {
    static SEQUENCE: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(1);
    let sequence_number = SEQUENCE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let timestamp = u32::from(sequence_number) * 960;
    let header = RtpHeader { marker: false, payload_type: 111, sequence_number, timestamp, ssrc };
    let mut packet = [0; 200];
    let start = header.write(&mut packet, &[]).unwrap();
    packet[start..start + 50].fill(ssrc as u8);
    let len = sender.protect_rtp(&mut packet, start + 50).unwrap();
    packet[..len].to_vec()
}

/// What a datagram says, if it is sound.
fn payload(receiver: &mut Receiver, mut datagram: Vec<u8>) -> Option<u8> {
    if classify(&datagram) != Some(PacketKind::Rtp) {
        return None;
    }
    let len = receiver.unprotect_rtp(&mut datagram).unwrap();
    let packet = RtpPacket::parse(&datagram[..len]).unwrap();
    assert_eq!((packet.payload_type(), packet.payload().len()), (100, 50));
    packet.payload().first().copied()
}
