"""A picture without a camera: VP8 (RFC 6386) with a number in it that can be read after decoding.

The number stands in columns, a bit each, the highest first: white above black is 1, black above white is 0.
What is neither is no number.
"""

from dataclasses import dataclass
from fractions import Fraction

import av
from aiortc.codecs.vpx import Vp8Decoder, Vp8Encoder, vp8_depayload
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from rotunda.caller.counting import Count
from rotunda.caller.rtp import JsonObject, Kind, rtp_packet, rtp_parameters

WIDTH, HEIGHT = 320, 180
FRAMES_PER_SECOND = 15
CLOCK_RATE = 90_000
BITS = 16
_BLACK, _GREY, _WHITE = 16, 128, 235
_KEY_FRAME_FEEDBACK = [{"type": "nack", "parameter": "pli"}, {"type": "ccm", "parameter": "fir"}]
_VP8 = {
    "mimeType": "video/VP8",
    "payloadType": 96,
    "clockRate": CLOCK_RATE,
    "rtcpFeedback": _KEY_FRAME_FEEDBACK,
}
_JITTER_PACKETS = 128


class NumberedPicture:
    """A Source: pictures with the numbers 0, 1, … 2¹⁶ - 1, and again. Its first is a key frame."""

    kind: Kind = "video"
    interval = 1 / FRAMES_PER_SECOND

    def __init__(self, ssrc: int = 0x0CA11E13) -> None:
        self.ssrc = ssrc
        self._encoder = Vp8Encoder()
        self._sequence = 0
        self._key_frame_wanted = True

    @property
    def rtp_parameters(self) -> JsonObject:
        return rtp_parameters(_VP8, self.ssrc, mid="1")

    def request_key_frame(self) -> None:
        """The next picture is one."""
        self._key_frame_wanted = True

    def packets(self, count: int) -> list[bytes]:
        """One picture, encoded now: about a millisecond of CPU."""
        frame = draw(count)
        frame.pts, frame.time_base = count, Fraction(1, FRAMES_PER_SECOND)
        payloads, timestamp = self._encoder.encode(frame, force_keyframe=self._key_frame_wanted)
        self._key_frame_wanted = False
        return [self._packet(each, timestamp, marker=each is payloads[-1]) for each in payloads]

    def _packet(self, payload: bytes, timestamp: int, *, marker: bool) -> bytes:
        self._sequence += 1
        return rtp_packet(
            ssrc=self.ssrc,
            payload_type=96,
            sequence=self._sequence,
            timestamp=timestamp,
            payload=payload,
            marker=marker,
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """A decoded picture; `number` is None where none can be read."""

    number: int | None
    width: int
    height: int


class PictureDecoder:
    """Decodes what a consumer of a NumberedPicture receives. `numbered` counts pictures with a number.

    Without a key frame nothing can be decoded: whoever uses this asks for another one where `numbered` stays.
    """

    def __init__(self) -> None:
        self.numbered = Count()
        self.decoded = 0
        self.last: Seen | None = None
        self._jitter = JitterBuffer(capacity=_JITTER_PACKETS, is_video=True)
        self._decoder = Vp8Decoder()

    def on_packet(self, packet: bytes, at: int) -> None:
        """Given RTP packets as they arrive."""
        try:
            parsed = RtpPacket.parse(packet)
            # aiortc's jitter buffer takes the payload without its descriptor from here.
            parsed._data = vp8_depayload(parsed.payload)  # type: ignore[attr-defined]
        except ValueError:
            return
        _, encoded = self._jitter.add(parsed)
        if encoded is None:
            return
        try:
            frames = self._decoder.decode(encoded)
        except av.FFmpegError:  # before the first key frame
            return
        for frame in frames:
            assert isinstance(frame, av.VideoFrame)
            self._see(frame)

    def _see(self, frame: av.VideoFrame) -> None:
        self.decoded += 1
        self.last = Seen(read(frame), frame.width, frame.height)
        if self.last.number is not None:
            self.numbered.add()


def draw(number: int, width: int = WIDTH, height: int = HEIGHT) -> av.VideoFrame:
    """The picture of a number, modulo 2¹⁶."""
    frame = av.VideoFrame(width=width, height=height, format="yuv420p")
    luma, *chroma = frame.planes
    bits = [number >> bit & 1 for bit in reversed(range(BITS))]

    def line(one: int, zero: int) -> bytes:
        stripes = (bytes([one if bit else zero]) * (width // BITS) for bit in bits)
        return b"".join(stripes).ljust(luma.line_size, bytes([_GREY]))

    above, below = line(_WHITE, _BLACK), line(_BLACK, _WHITE)
    luma.update(above * (height // 2) + below * (height - height // 2))
    for plane in chroma:
        plane.update(bytes([_GREY]) * plane.buffer_size)
    return frame


def read(frame: av.VideoFrame) -> int | None:
    """The number of a picture; None where it cannot be told."""
    luma = frame.planes[0]
    pixels, stripe = memoryview(luma), frame.width // BITS
    number = 0
    for column in range(BITS):
        x = column * stripe + stripe // 2
        above = pixels[frame.height // 4 * luma.line_size + x]
        below = pixels[frame.height * 3 // 4 * luma.line_size + x]
        if abs(above - below) < (_WHITE - _BLACK) // 2:
            return None
        number = number << 1 | (above > below)
    return number
