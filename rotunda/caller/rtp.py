"""RTP packets (RFC 3550 section 5.1), and which of a peer's RTCP packets wish for a key frame."""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

from aiortc.rtp import RTCP_PSFB_FIR, RTCP_PSFB_PLI, RtcpPacket, RtcpPsfbPacket

JsonObject = dict[str, Any]
Kind = Literal["audio", "video"]


def rtp_packet(
    *,
    ssrc: int,
    payload_type: int,
    sequence: int,
    timestamp: int,
    payload: bytes = b"",
    marker: bool = False,
    padding: int = 0,
) -> bytes:
    """One packet without header extensions and with up to 255 bytes of padding. Numbers wrap."""
    first = 0xA0 if padding else 0x80
    second = payload_type | (0x80 if marker else 0)
    head = struct.pack("!BBHII", first, second, sequence % 2**16, timestamp % 2**32, ssrc)
    return head + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def ssrc_of(packet: bytes) -> int | None:
    """None for what is too short for a header."""
    return int.from_bytes(packet[8:12]) if len(packet) >= 12 else None


def is_rtcp(packet: bytes) -> bool:
    """RFC 5761 section 4."""
    return len(packet) > 1 and 192 <= packet[1] <= 223


def wished_key_frames(rtcp: bytes) -> Iterator[int]:
    """The SSRCs for which a compound packet wishes a key frame: PLI (RFC 4585), FIR (RFC 5104)."""
    try:
        packets = RtcpPacket.parse(rtcp)
    except ValueError:
        return
    for each in packets:
        if not isinstance(each, RtcpPsfbPacket):
            continue
        if each.fmt == RTCP_PSFB_PLI:
            yield each.media_ssrc
        elif each.fmt == RTCP_PSFB_FIR:
            for entry in range(0, len(each.fci) - 7, 8):
                yield int.from_bytes(each.fci[entry : entry + 4])


def rtp_parameters(codec: JsonObject, ssrc: int, *, mid: str) -> JsonObject:
    """The rtpParameters of `produce` for one stream. `mid` is its own within a transport."""
    return {
        "mid": mid,
        "codecs": [{"parameters": {}, "rtcpFeedback": []} | codec],
        "headerExtensions": [],
        "encodings": [{"ssrc": ssrc}],
        "rtcp": {"cname": "caller"},
    }


async def ticks(seconds: float) -> AsyncIterator[int]:
    """Counts at a steady pace; a late tick does not move those after it."""
    loop = asyncio.get_running_loop()
    began, count = loop.time(), 0
    while True:
        yield count
        count += 1
        await asyncio.sleep(max(0.0, began + count * seconds - loop.time()))
