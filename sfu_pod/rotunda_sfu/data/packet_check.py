"""What an SCTP packet must be before aiortc's parser may see it (RFC 9260 section 3).

That parser never comes back from a parameter of length zero, and does expensive work for each of
some chunks, of which one packet needs one at most.
"""

from __future__ import annotations

import struct
from collections import Counter

COMMON_HEADER_BYTES = 12
CHUNK_HEADER_BYTES = 4
_INIT_FIXED_BYTES = 16

INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, ERROR = 1, 2, 3, 4, 5, 6, 9
RECONFIG, FORWARD_TSN = 130, 192
# Where the parameters of a chunk begin, behind its header.
_PARAMETERS_AT = {
    INIT: _INIT_FIXED_BYTES,
    INIT_ACK: _INIT_FIXED_BYTES,
    HEARTBEAT: 0,
    HEARTBEAT_ACK: 0,
    ABORT: 0,
    ERROR: 0,
    RECONFIG: 0,
}
_ONCE = frozenset((INIT, INIT_ACK, SACK, HEARTBEAT, RECONFIG, FORWARD_TSN))


def is_sound(packet: bytes) -> bool:
    """Whether chunks and parameters have lengths that lead through the packet, costly ones once."""
    seen: Counter[int] = Counter()
    position = COMMON_HEADER_BYTES
    while position + CHUNK_HEADER_BYTES <= len(packet):
        kind, _flags, length = struct.unpack_from("!BBH", packet, position)
        if length < CHUNK_HEADER_BYTES or position + length > len(packet):
            return False
        seen[kind] += 1
        if kind in _PARAMETERS_AT:
            start = position + CHUNK_HEADER_BYTES + _PARAMETERS_AT[kind]
            if not _parameters_are_sound(packet, start, position + length):
                return False
        position += _padded(length)
    return all(seen[kind] <= 1 for kind in _ONCE)


def _parameters_are_sound(packet: bytes, position: int, end: int) -> bool:
    while position + 4 <= end:
        _kind, length = struct.unpack_from("!HH", packet, position)
        if length < 4 or position + length > end:
            return False
        position += _padded(length)
    return True


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4
