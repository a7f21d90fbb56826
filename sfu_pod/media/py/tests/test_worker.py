"""The worker as a thing: sockets, life and death, and what it refuses."""

import select
import socket
import time
from collections.abc import Callable

import pytest

from rotunda_media import (
    CommandFailed,
    Encoding,
    ExtensionIds,
    ListenAddress,
    PayloadMapping,
    Stats,
    Worker,
)

LOOPBACK = ListenAddress("127.0.0.1", 0)
PASSWORD = "p" * 22


def readable(worker: Worker) -> bool:
    return bool(select.select([worker.fileno()], [], [], 0)[0])


def wait(worker: Worker) -> None:
    assert select.select([worker.fileno()], [], [], 60)[0], "no event"


def test_addresses_have_the_real_port_and_the_announced_address() -> None:
    worker = Worker([LOOPBACK, ListenAddress("::1", 0, announced="2001:db8::1")])
    v4, v6 = worker.addresses
    assert (v4.ip, v4.announced, v4.protocol) == ("127.0.0.1", "127.0.0.1", "udp")
    assert (v6.ip, v6.announced) == ("::1", "2001:db8::1")
    assert v4.port > 0
    assert v6.port > 0
    worker.close()


def test_tcp_has_the_port_of_udp() -> None:
    worker = Worker(
        [
            ListenAddress("127.0.0.1", 0, protocol="tcp", announced="192.0.2.1"),
            LOOPBACK,
            ListenAddress("::1", 0),
            ListenAddress("::1", 0, protocol="tcp"),
        ]
    )
    v4_tcp, v4, v6, v6_tcp = worker.addresses
    assert [each.protocol for each in worker.addresses] == ["tcp", "udp", "udp", "tcp"]
    assert (v4_tcp.ip, v4_tcp.announced, v4_tcp.port) == ("127.0.0.1", "192.0.2.1", v4.port)
    assert (v6_tcp.ip, v6_tcp.port) == ("::1", v6.port)
    assert repr(v6_tcp) == f'ListenAddress("::1", {v6.port}, protocol="tcp", announced="::1")'
    worker.close()


def test_a_taken_tcp_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on tcp 127.0.0.1:{port}"):
            Worker([LOOPBACK, ListenAddress("127.0.0.1", port, protocol="tcp")])


def test_a_taken_address_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
            Worker([LOOPBACK, ListenAddress("127.0.0.1", port)])


def test_closing_frees_the_port_and_twice_is_allowed() -> None:
    worker = Worker([LOOPBACK])
    port = worker.addresses[0].port
    worker.close()
    worker.close()
    worker.remove_transport(1)
    again = Worker([ListenAddress("127.0.0.1", port)])
    again.close()


def test_collecting_a_worker_closes_it() -> None:
    worker = Worker([LOOPBACK])
    port = worker.addresses[0].port
    del worker
    Worker([ListenAddress("127.0.0.1", port)]).close()


def test_its_descriptor_is_readable_exactly_while_events_wait(worker: Worker) -> None:
    assert not readable(worker)
    worker.collect_stats(7)
    wait(worker)
    match worker.take_events():
        case [Stats(7, [], [], [])]:
            pass
        case other:
            raise AssertionError(other)
    assert not readable(worker)
    assert worker.take_events() == []


def test_what_the_thread_finds_wrong_comes_as_an_event(worker: Worker) -> None:
    worker.request_key_frame(4711)
    wait(worker)
    (event,) = worker.take_events()
    assert isinstance(event, CommandFailed)
    assert "4711" in event.message
    assert repr(event) == f"CommandFailed(message={event.message!r})"


def test_load_counts_from_zero(worker: Worker) -> None:
    load = worker.load()
    assert 0 <= load.busy_seconds < 1
    assert (load.bytes_sent, load.packets_forwarded, load.segments_sent) == (0, 0, 0)
    assert (load.packets_overflowed, load.backlog_bytes, load.backlog_share) == (0, 0, 0.0)


def test_a_command_that_waits_is_told(worker: Worker) -> None:
    deadline = time.monotonic() + 60
    worker.collect_stats(1)
    while worker.load().commands_waiting == 0:
        assert time.monotonic() < deadline, "each was taken before anybody looked"
        worker.collect_stats(1)
    while worker.load().commands_waiting > 0:
        assert time.monotonic() < deadline, "some were never taken"


def test_datagrams_that_wait_are_told(worker: Worker) -> None:
    deadline = time.monotonic() + 60
    (address,) = worker.addresses
    load = worker.load()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
        while load.backlog_bytes == 0:
            assert time.monotonic() < deadline, "each was received before anybody looked"
            flooder.sendto(b"\x80" * 1200, (address.ip, address.port))
            load = worker.load()
    assert load.backlog_bytes > 1
    assert 0 < load.backlog_share <= 1
    while worker.load().backlog_bytes > 0:
        assert time.monotonic() < deadline, "some were never received"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: Worker([]), "at least one address"),
        (lambda w: Worker([LOOPBACK], name="a\0b"), "NUL"),
        (lambda w: Worker([LOOPBACK], dtls_queue_datagrams=0), "dtls_queue_datagrams must be 1 to"),
        (lambda w: ListenAddress("localhost", 0), "ip must be an IP address, got \"localhost\""),
        (lambda w: ListenAddress("::1", 65536), "port must be 0 to 65535, got 65536"),
        (lambda w: ListenAddress("::1", 0, announced="x"), "announced must be an IP address"),
        (lambda w: Worker([ListenAddress("::1", 0, protocol="tcp")]), "at least one address"),
        (lambda w: Worker([LOOPBACK], tcp_connections=0), "tcp_connections must be 1 to"),
        (lambda w: ListenAddress("::1", 0, protocol="tls"), "protocol must be one of udp, tcp"),  # type: ignore[arg-type]
        (lambda w: ExtensionIds(mid=15), "mid must be 1 to 14 or 16 to 255, got 15"),
        (lambda w: ExtensionIds(mid=3, rid=3), "mid and rid both have id 3"),
        (lambda w: PayloadMapping("vp8", 128, clock_rate=90000), "payload_type must be 0 to 127"),
        (lambda w: PayloadMapping("mp3", 96, clock_rate=1), "codec must be one of opus"),  # type: ignore[arg-type]
        (lambda w: PayloadMapping("vp8", 96, clock_rate=0), "clock_rate must be 1 to"),
        (lambda w: Encoding(ssrc=-1), "ssrc must be 1 to 4294967295, got -1"),
        (lambda w: Encoding(rid=""), "rid must be 1 to 255 bytes long"),
        (lambda w: w.remove_transport(0), "transport must be 1 to"),
        (lambda w: w.remove_consumer(-3), "consumer must be 1 to .*, got -3"),
        (lambda w: w.add_transport(1, ufrag="abc", password=PASSWORD), "ufrag must be 4 to 256"),
        (lambda w: w.add_transport(1, ufrag="a:bcd", password=PASSWORD), "ufrag must hold only"),
        (lambda w: w.add_transport(1, ufrag="abcd", password="short"), "password must be 22 to 256"),
        (lambda w: w.add_plain_transport(1, "localhost", 5004), "remote_address must be an IP address"),
        (lambda w: w.add_plain_transport(1, "0.0.0.0", 5004), "remote_address must be that of one peer"),
        (lambda w: w.add_plain_transport(1, "127.0.0.1", 65536), "remote_port must be 0 to 65535"),
        (
            lambda w: w.add_plain_transport(1, "127.0.0.1", 5004, remote_rtcp_port=0),
            "remote_rtcp_port must be 1 to 65535, got 0",
        ),
        (lambda w: w.add_plain_transport(1, "::1", 5004), "no UDP socket is of IPv6"),
        (
            lambda w: w.add_plain_transport(1, "127.0.0.1", 5004, "127.0.0.9"),
            "no IPv4 UDP socket is bound to local_address 127.0.0.9",
        ),
        (lambda w: w.set_max_incoming_bitrate(1, 0), "bits_per_second must be 1 to"),
        (lambda w: w.send_dtls(1, b""), "datagram must be 1 to 65507 bytes, got 0"),
        (
            lambda w: w.set_srtp(1, "AEAD_AES_128_GCM", send=bytes(28), receive=bytes(30)),
            "receive must be 28 bytes, key then salt, got 30 bytes",
        ),
        (
            lambda w: w.set_srtp(1, "NULL", send=b"", receive=b""),
            "profile must be one of AEAD_AES_128_GCM",
        ),
        (
            lambda w: w.add_producer(
                1, router=1, transport=1, kind="audio", mid="0", payloads=[],
                extensions=ExtensionIds(), encodings=[Encoding()], cname="c",
            ),
            "payloads must hold at least one",
        ),
        (
            lambda w: w.add_consumer(
                1, transport=1, producer=1, mid="m" * 17, ssrc=1, rtx_ssrc=None,
                payloads=[], extensions=ExtensionIds(), cname="c",
            ),
            "payloads must hold at least one",
        ),
    ],
)  # fmt: skip
def test_an_argument_that_could_never_be_right_is_a_value_error(
    worker: Worker, call: Callable[[Worker], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        call(worker)


def test_an_argument_of_the_wrong_type_is_a_type_error(worker: Worker) -> None:
    with pytest.raises(TypeError, match="transport must be an integer, got str"):
        worker.remove_transport("1")  # type: ignore[arg-type]
