"""Taking datagrams apart into records and putting them together."""

import random
import struct

import pytest

from rotunda_sfu.dtls.records import MAX_DATAGRAM_BYTES, pack_records, split_records


def record(length: int, content_type: int = 22) -> bytes:
    return struct.pack("!BHHHIH", content_type, 0xFEFD, 0, 0, length, length) + bytes(length)


def test_records_come_apart_in_order() -> None:
    records = [record(3, 22), record(1, 20), record(40, 22)]
    assert split_records(b"".join(records)) == records


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x16",
        record(10)[:-1],
        b"\x80" + record(5)[1:],
        b"\x16\x03" + record(5)[2:],
        b"\x2f" + bytes(40),
    ],
)
def test_what_follows_a_malformed_record_is_left_out(garbage: bytes) -> None:
    assert split_records(garbage) == []
    assert split_records(record(5) + garbage) == [record(5)]


def test_noise_never_raises() -> None:
    noise = random.Random(3)
    for _ in range(2000):
        datagram = bytearray(b"".join(record(noise.randrange(30)) for _ in range(3)))
        datagram[noise.randrange(len(datagram))] = noise.randrange(256)
        assert (
            b"".join(split_records(bytes(datagram)))
            == bytes(datagram)[: len(b"".join(split_records(bytes(datagram))))]
        )


def test_packing_keeps_records_whole_and_datagrams_short() -> None:
    sizes = random.Random(4)
    records = [record(sizes.randrange(900)) for _ in range(50)]
    datagrams = pack_records(b"".join(records))
    assert [each for datagram in datagrams for each in split_records(datagram)] == records
    assert max(map(len, datagrams)) <= MAX_DATAGRAM_BYTES
    assert len(datagrams) < len(records)


def test_a_long_record_goes_alone() -> None:
    assert pack_records(record(1) + record(2000) + record(1)) == [record(1), record(2000), record(1)]
