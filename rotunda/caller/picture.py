"""Video that can be decoded: VP8 (RFC 6386, RFC 7741) of grey pictures, each in another grey."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from aiortc.codecs.vpx import Vp8Encoder

from rotunda.caller.rtp import rtp_header

CLOCK_RATE = 90_000
FRAMES_PER_SECOND = 15


@dataclass(frozen=True, slots=True)
class PictureStream:
    """What tells a stream's packets, payload type and SSRC, and how large its pictures are."""

    payload_type: int = 96
    ssrc: int = 0x0CA11E13
    width: int = 320
    height: int = 180


PICTURE = PictureStream()


def picture_parameters(stream: PictureStream) -> dict[str, Any]:
    """The rtpParameters of `produce`."""
    codec = {
        "mimeType": "video/VP8",
        "payloadType": stream.payload_type,
        "clockRate": CLOCK_RATE,
        "parameters": {},
        "rtcpFeedback": [{"type": "nack", "parameter": "pli"}],
    }
    return {
        "mid": "1",
        "codecs": [codec],
        "headerExtensions": [],
        "encodings": [{"ssrc": stream.ssrc}],
        "rtcp": {"cname": "caller"},
    }


class PictureEncoder:
    """Its packets are one stream: sequence numbers and times go on from picture to picture."""

    def __init__(self, stream: PictureStream = PICTURE) -> None:
        self._stream = stream
        self._encoder = Vp8Encoder()
        self._sequence = 0
        self._count = 0

    def packets(self, *, key: bool) -> Iterator[bytes]:
        """RTP packets of the next picture; a `key` picture can be decoded without those before it."""
        payloads, _ = self._encoder.encode(self._frame(), force_keyframe=key)
        timestamp = self._count * CLOCK_RATE // FRAMES_PER_SECOND
        self._count += 1
        for number, payload in enumerate(payloads, 1):
            last = number == len(payloads)
            head = rtp_header(
                self._stream.payload_type, self._sequence, timestamp, self._stream.ssrc, marker=last
            )
            self._sequence += 1
            yield head + payload

    def _frame(self) -> av.VideoFrame:
        frame = av.VideoFrame(width=self._stream.width, height=self._stream.height, format="yuv420p")
        for plane, shade in zip(frame.planes, (self._count % 256, 128, 128), strict=True):
            plane.update(bytes([shade]) * plane.buffer_size)
        frame.pts, frame.time_base = self._count, Fraction(1, FRAMES_PER_SECOND)
        return frame
