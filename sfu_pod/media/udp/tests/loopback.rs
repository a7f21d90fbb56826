//! Real sockets on the loopback device: what is sent arrives, whatever the kernel joined.

use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::time::Duration;

use rotunda_udp::{ReceiveBatch, SendBatch, SocketOptions, UdpSocket};

const PLAIN: SocketOptions = SocketOptions { segmentation_offload: false, buffer_bytes: 1 << 20 };
const OFFLOAD: SocketOptions = SocketOptions { segmentation_offload: true, buffer_bytes: 1 << 20 };

fn open(address: &str, options: SocketOptions) -> UdpSocket {
    UdpSocket::bind(address.parse().unwrap(), options).unwrap()
}

/// A datagram whose every byte depends on its number.
fn datagram(number: usize, len: usize) -> Vec<u8> {
    (0..len).map(|index| (number * 31 + index * 7) as u8).collect()
}

fn push(batch: &mut SendBatch, remote: SocketAddr, bytes: &[u8]) {
    assert!(batch.push(remote, bytes.len(), |buffer| {
        buffer.copy_from_slice(bytes);
        Some(bytes.len())
    }));
}

/// Blocks until something can be read; a lost datagram fails the test after a minute.
fn wait_readable(socket: &UdpSocket) {
    let mut poll =
        libc::pollfd { fd: socket.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid pollfd.
    assert_eq!(unsafe { libc::poll(&mut poll, 1, 60_000) }, 1, "nothing arrived");
}

fn receive(socket: &mut UdpSocket, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let (mut batch, mut received) = (ReceiveBatch::new(8), Vec::new());
    while received.len() < count {
        wait_readable(socket);
        let told = socket.receive(&mut batch).unwrap();
        let before = received.len();
        received.extend(batch.datagrams_mut().map(|(remote, bytes)| (remote, bytes.to_vec())));
        assert_eq!(received.len() - before, told);
    }
    received
}

fn exchange(from: &str, to: &str, sender: SocketOptions, receiver: SocketOptions, lens: &[usize]) {
    let (mut sender, mut receiver) = (open(from, sender), open(to, receiver));
    let (source, target) = (sender.local_addr().unwrap(), receiver.local_addr().unwrap());
    let sent: Vec<_> = lens.iter().enumerate().map(|(n, len)| datagram(n, *len)).collect();
    let mut batch = SendBatch::new(1 << 18);
    sent.iter().for_each(|bytes| push(&mut batch, target, bytes));
    sender.send(&mut batch);
    assert!(batch.is_empty());
    let expected: Vec<_> = sent.into_iter().map(|bytes| (source, bytes)).collect();
    assert_eq!(receive(&mut receiver, lens.len()), expected);
    let bytes = lens.iter().sum::<usize>() as u64;
    assert_eq!(sender.counters().datagrams_sent, lens.len() as u64);
    assert_eq!(sender.counters().bytes_sent, bytes);
    assert_eq!(receiver.counters().datagrams_received, lens.len() as u64);
    assert_eq!(receiver.counters().bytes_received, bytes);
}

const MIXED: [usize; 9] = [1100, 1100, 1100, 1099, 1200, 3, 1200, 1200, 40];

#[test]
fn joined_datagrams_arrive_apart() {
    exchange("127.0.0.1:0", "127.0.0.1:0", OFFLOAD, OFFLOAD, &[1100; 50]);
}

#[test]
fn mixed_sizes_arrive_in_order() {
    exchange("127.0.0.1:0", "127.0.0.1:0", OFFLOAD, OFFLOAD, &MIXED);
}

#[test]
fn plain_sockets_send_the_same() {
    exchange("127.0.0.1:0", "127.0.0.1:0", PLAIN, PLAIN, &MIXED);
}

#[test]
fn offload_needs_no_consent_of_the_receiver() {
    exchange("127.0.0.1:0", "127.0.0.1:0", OFFLOAD, PLAIN, &MIXED);
    exchange("127.0.0.1:0", "127.0.0.1:0", PLAIN, OFFLOAD, &MIXED);
}

#[test]
fn ipv6_does_the_same() {
    exchange("[::1]:0", "[::1]:0", OFFLOAD, OFFLOAD, &MIXED);
    exchange("[::1]:0", "[::1]:0", PLAIN, PLAIN, &MIXED);
}

#[test]
fn offload_sends_fewer_messages() {
    let mut sender = open("127.0.0.1:0", OFFLOAD);
    if !sender.segments() {
        return; // a kernel before 4.18
    }
    let receivers: Vec<_> = (0..3).map(|_| StdSocket::bind("127.0.0.1:0").unwrap()).collect();
    let mut batch = SendBatch::new(1 << 16);
    for number in 0..4 {
        for receiver in &receivers {
            push(&mut batch, receiver.local_addr().unwrap(), &datagram(number, 500));
        }
    }
    sender.send(&mut batch);
    let counters = sender.counters();
    assert_eq!((counters.send_calls, counters.messages_sent, counters.datagrams_sent), (1, 3, 12));
    for receiver in &receivers {
        receiver.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        for number in 0..4 {
            let mut buffer = [0; 1500];
            let len = receiver.recv(&mut buffer).unwrap();
            assert_eq!(buffer[..len], datagram(number, 500));
        }
    }
}

#[test]
fn what_the_kernel_refuses_does_not_stop_the_rest() {
    let (mut sender, mut receiver) = (open("127.0.0.1:0", OFFLOAD), open("127.0.0.1:0", OFFLOAD));
    let target = receiver.local_addr().unwrap();
    let mut batch = SendBatch::new(1 << 20);
    push(&mut batch, target, &datagram(0, 100));
    push(&mut batch, "[::1]:9".parse().unwrap(), &datagram(1, 100)); // wrong family
    push(&mut batch, target, &datagram(2, 200));
    push(&mut batch, "127.0.0.1:9".parse().unwrap(), &datagram(3, 65_530)); // too large
    push(&mut batch, target, &datagram(4, 300));
    sender.send(&mut batch);
    let lens: Vec<_> = receive(&mut receiver, 3).iter().map(|(_, bytes)| bytes.len()).collect();
    assert_eq!(lens, [100, 200, 300]);
    assert_eq!(sender.counters().dropped_refused, 2);
    assert_eq!(sender.counters().datagrams_sent, 3);
}

#[test]
fn refused_joined_messages_go_out_in_pieces_until_joining_is_given_up() {
    let (mut sender, mut receiver) = (open("127.0.0.1:0", OFFLOAD), open("127.0.0.1:0", OFFLOAD));
    if !sender.segments() {
        return; // a kernel before 4.18
    }
    let target = receiver.local_addr().unwrap();
    no_checksums(&sender);
    let mut batch = SendBatch::new(1 << 20);
    for round in 1..=9 {
        (0..5).for_each(|number| push(&mut batch, target, &datagram(number, 700)));
        sender.send(&mut batch);
        let received = receive(&mut receiver, 5);
        assert!(received.iter().enumerate().all(|(n, (_, bytes))| *bytes == datagram(n, 700)));
        assert_eq!(sender.segments(), round < 8, "round {round}");
    }
    let counters = sender.counters();
    assert_eq!((counters.datagrams_sent, counters.dropped_refused), (45, 0));
    assert_eq!(counters.messages_sent, 45);
    // A refused call and five single ones in eight rounds, one call for all five in the ninth.
    assert_eq!(counters.send_calls, 8 * 6 + 1);
}

#[test]
fn a_gauge_tells_what_waits_and_what_found_no_room() {
    let small = SocketOptions { segmentation_offload: false, buffer_bytes: 1 << 14 };
    let (mut receiver, peer) =
        (open("127.0.0.1:0", small), StdSocket::bind("127.0.0.1:0").unwrap());
    let (target, gauge) = (receiver.local_addr().unwrap(), receiver.backlog_gauge());
    let empty = gauge.read();
    assert_eq!((empty.waiting_bytes, empty.share(), empty.dropped), (0, 0.0, 0));
    assert!(empty.limit_bytes >= 1 << 14);

    (0..3).for_each(|number| assert!(peer.send_to(&datagram(number, 1000), target).is_ok()));
    let some = std::thread::scope(|scope| scope.spawn(|| gauge.read()).join().unwrap());
    assert!((3000..some.limit_bytes).contains(&some.waiting_bytes), "{some:?}");
    assert_eq!(some.dropped, 0);
    (0..97).for_each(|number| assert!(peer.send_to(&datagram(number, 1000), target).is_ok()));
    let full = gauge.read();
    assert!(full.share() > 0.8 && full.dropped > 0, "{full:?}");

    let held = 100 - full.dropped as usize;
    assert_eq!(receive(&mut receiver, held).len(), held);
    assert_eq!((gauge.read().waiting_bytes, gauge.read().dropped), (0, full.dropped));
    drop(receiver);
    let port_is_free = StdSocket::bind(target);
    assert!(port_is_free.is_ok(), "a gauge keeps no socket open");
    assert_eq!((gauge.read().limit_bytes, gauge.read().dropped), (0, full.dropped));
}

#[test]
fn nothing_waiting_is_no_error_and_no_datagram() {
    let mut socket = open("127.0.0.1:0", OFFLOAD);
    assert_eq!(socket.receive(&mut ReceiveBatch::new(2)).unwrap(), 0);
    assert_eq!(socket.counters().receive_calls, 0);
}

#[test]
fn a_closed_remote_port_does_no_harm() {
    let (mut sender, mut receiver) = (open("127.0.0.1:0", OFFLOAD), open("127.0.0.1:0", OFFLOAD));
    let closed = StdSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut batch = SendBatch::new(1 << 16);
    for number in 0..3 {
        push(&mut batch, closed, &datagram(number, 100));
        sender.send(&mut batch);
    }
    push(&mut batch, receiver.local_addr().unwrap(), &datagram(3, 100));
    sender.send(&mut batch);
    assert_eq!(receive(&mut receiver, 1)[0].1, datagram(3, 100));
    assert_eq!(sender.receive(&mut ReceiveBatch::new(2)).unwrap(), 0);
}

#[test]
fn a_full_receive_batch_leaves_the_rest_for_the_next_call() {
    let (mut sender, mut receiver) = (open("127.0.0.1:0", PLAIN), open("127.0.0.1:0", PLAIN));
    let target = receiver.local_addr().unwrap();
    let mut batch = SendBatch::new(1 << 16);
    (0..20).for_each(|number| push(&mut batch, target, &datagram(number, 50 + number)));
    sender.send(&mut batch);
    let received = receive(&mut receiver, 20);
    assert!(received.iter().enumerate().all(|(n, (_, bytes))| *bytes == datagram(n, 50 + n)));
    assert_eq!(receiver.counters().receive_calls, 3);
}

#[test]
fn an_address_in_use_is_named() {
    let first = open("127.0.0.1:0", PLAIN);
    let address = first.local_addr().unwrap();
    let error = UdpSocket::bind(address, PLAIN).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

/// UDP without checksums: the kernel then refuses UDP_SEGMENT with EINVAL.
fn no_checksums(socket: &UdpSocket) {
    let on: libc::c_int = 1;
    // SAFETY: the kernel reads one int.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NO_CHECK,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    assert_eq!(result, 0);
}
