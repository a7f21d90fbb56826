"""DTLS records within datagrams (RFC 6347 section 4.1): taking several apart, putting several together."""

from __future__ import annotations

HEADER_BYTES = 13
MAX_DATAGRAM_BYTES = 1200
"""Fits any path that WebRTC works over."""

_CONTENT_TYPES = range(20, 26)
_MAJOR_VERSION = 0xFE
APPLICATION_DATA = 23


def split_records(datagram: bytes) -> list[bytes]:
    """The whole records of a datagram in order; what follows a malformed one is left out.

    OpenSSL reads a memory BIO as a stream and would take a second record only with the next datagram.
    """
    records = []
    rest = memoryview(datagram)
    while len(rest) >= HEADER_BYTES and rest[0] in _CONTENT_TYPES and rest[1] == _MAJOR_VERSION:
        end = HEADER_BYTES + int.from_bytes(rest[11:13], "big")
        if end > len(rest):
            break
        records.append(bytes(rest[:end]))
        rest = rest[end:]
    return records


def pack_records(stream: bytes) -> list[bytes]:
    """Datagrams of whole records from what OpenSSL wrote, each at most `MAX_DATAGRAM_BYTES`.

    A single record that is longer gets a datagram of its own.
    """
    datagrams: list[bytes] = []
    current = b""
    for record in split_records(stream):
        if current and len(current) + len(record) > MAX_DATAGRAM_BYTES:
            datagrams.append(current)
            current = b""
        current += record
    return [*datagrams, current] if current else datagrams
