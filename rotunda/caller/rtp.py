"""Headers of RTP (RFC 3550 section 5.1)."""

import struct


def rtp_header(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, *, marker: bool = False, padded: bool = False
) -> bytes:
    """Without extensions; numbers wrap around. `padded`: the payload ends in padding."""
    first = 0xA0 if padded else 0x80
    second = payload_type | (0x80 if marker else 0)
    return struct.pack("!BBHII", first, second, sequence % 2**16, timestamp % 2**32, ssrc % 2**32)
