"""RTP packets of numbered silence: Opus frames (RFC 6716) behind plain headers (RFC 3550 section 5.1)."""

import struct
from dataclasses import dataclass
from typing import Any

from rotunda.caller.rtp import rtp_header

INTERVAL_SECONDS = 0.02
_SAMPLES = 960
_SILENCE = b"\xf8\xff\xfe"
"""A 20 ms frame of CELT without any energy; what follows it is never decoded."""
_MARK = b"rotunda-caller"


@dataclass(frozen=True, slots=True)
class SoundStream:
    """What tells a stream's packets: payload type and SSRC."""

    payload_type: int
    ssrc: int


SOUND = SoundStream(payload_type=111, ssrc=0x0CA11E12)


def sound_parameters(stream: SoundStream) -> dict[str, Any]:
    """The rtpParameters of `produce`."""
    codec = {
        "mimeType": "audio/opus",
        "payloadType": stream.payload_type,
        "clockRate": 48000,
        "channels": 2,
        "parameters": {},
        "rtcpFeedback": [],
    }
    return {
        "mid": "0",
        "codecs": [codec],
        "headerExtensions": [],
        "encodings": [{"ssrc": stream.ssrc}],
        "rtcp": {"cname": "caller"},
    }


def sound_packet(stream: SoundStream, number: int) -> bytes:
    head = rtp_header(stream.payload_type, number, number * _SAMPLES, stream.ssrc)
    return head + _SILENCE + _MARK + struct.pack("!I", number)


def number_of(packet: bytes) -> int | None:
    """Which packet of ours it is; None for others."""
    at = packet.find(_MARK)
    if at < 0 or len(packet) < at + len(_MARK) + 4:
        return None
    number: int = struct.unpack_from("!I", packet, at + len(_MARK))[0]
    return number
