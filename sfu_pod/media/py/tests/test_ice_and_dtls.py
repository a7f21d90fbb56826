"""What comes before media: checks, and DTLS datagrams on their way to whoever shakes hands."""

import struct
from collections.abc import Callable

from aioice import stun

from rotunda_media import CommandFailed, DtlsReadable, IceConnected, Stats, Worker

from .media_peer import Peer, take_all_until, take_until

NewPeer = Callable[[], Peer]

# First byte of a DTLS handshake record (RFC 7983).
HANDSHAKE = b"\x16"


def test_a_check_is_answered_and_signed(worker: Worker) -> None:
    peer = Peer(worker, 1)
    answer = peer.check()
    assert answer.message_class == stun.Class.RESPONSE
    assert answer.check_message_integrity(peer.password.encode())
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == peer.address
    connected = take_until(worker, IceConnected)
    assert (connected.transport, connected.remote_ip, connected.remote_port) == (1, *peer.address)
    assert connected.protocol == "udp"


def test_a_check_with_a_wrong_password_is_refused(worker: Worker) -> None:
    peer = Peer(worker, 1)
    answer = peer.check(password="x" * 22)
    assert answer.message_class == stun.Class.ERROR
    assert answer.error_code == 401


def test_dtls_goes_both_ways(worker: Worker, new_peer: NewPeer) -> None:
    peer = new_peer()
    peer.socket.send(HANDSHAKE + b"hello")
    assert take_until(worker, DtlsReadable).transport == peer.transport
    assert worker.receive_dtls(peer.transport) == [HANDSHAKE + b"hello"]
    assert worker.receive_dtls(peer.transport) == []
    worker.send_dtls(peer.transport, HANDSHAKE + b"hello yourself")
    assert peer.receive() == HANDSHAKE + b"hello yourself"


def test_dtls_is_told_once_and_taken_in_order(worker: Worker, new_peer: NewPeer) -> None:
    peer = new_peer()
    flights = [HANDSHAKE + struct.pack("!H", number) for number in range(10)]
    for flight in flights:
        peer.socket.send(flight)
    peer.check()  # Answered after all that came before.
    assert worker.receive_dtls(peer.transport, 4) == flights[:4]
    assert worker.receive_dtls(peer.transport) == flights[4:]
    worker.collect_stats(1)  # Told after all that came before.
    told = take_all_until(worker, Stats)
    assert sum(isinstance(event, DtlsReadable) for event in told) == 1


def test_a_full_queue_drops_and_counts(worker: Worker, new_peer: NewPeer) -> None:
    peer = new_peer()
    for number in range(70):
        peer.socket.send(HANDSHAKE + bytes([number]))
    peer.check()
    assert worker.dtls_dropped(peer.transport) == 6
    taken = worker.receive_dtls(peer.transport, 100)
    assert [datagram[1] for datagram in taken] == list(range(64))


def test_an_unknown_transport_has_nothing(worker: Worker, new_peer: NewPeer) -> None:
    assert worker.receive_dtls(99) == []
    assert worker.dtls_dropped(99) == 0
    worker.send_dtls(99, HANDSHAKE)
    assert "99" in take_until(worker, CommandFailed).message


def test_a_removed_transport_answers_no_checks_and_keeps_no_datagrams(
    worker: Worker, new_peer: NewPeer
) -> None:
    peer, other = new_peer(), new_peer()
    peer.socket.send(HANDSHAKE)
    take_until(worker, DtlsReadable)
    worker.remove_transport(peer.transport)
    worker.request_key_frame(99)
    take_until(worker, CommandFailed)  # Commands are done in order.
    assert worker.receive_dtls(peer.transport) == []
    peer.send_check()
    assert other.check().message_class == stun.Class.RESPONSE  # Answered after what came before.
    assert peer.waiting() == []
