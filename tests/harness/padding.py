"""A sender of H.264 without retransmissions that fills the pauses between its pictures, as encoders with a
constant bit rate do: with RTP packets of padding alone, which take sequence numbers like any other.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from fractions import Fraction

import av
from aiortc.codecs.h264 import H264Encoder
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from harness.callers import enter

from rotunda.caller import Participant, Transport
from rotunda.caller.picture import HEIGHT, WIDTH, draw
from rotunda.caller.rtp import rtp_packet, rtp_parameters

SSRC = 4321
FRAMES_PER_SECOND = 30
PADDING_PACKETS, PADDING_BYTES = 3, 200
X264 = {"tune": "zerolatency", "x264-params": "keyint=infinite:scenecut=0:threads=1"}
"""No key picture but those asked for: a viewer who is late would skip to one."""
H264 = {
    "mimeType": "video/H264",
    "payloadType": 102,
    "clockRate": 90_000,
    "parameters": {"packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1},
}


class PaddingSender:
    """One person whose camera this is. `name` and `participant_id` as the others know them."""

    def __init__(self, name: str, participant: Participant, transport: Transport) -> None:
        self.name = name
        self.participant_id = participant.id
        self._participant = participant
        self._transport = transport
        self._sequence = itertools.count(1000)
        self._count = 0
        self._encoder = encoder()
        self._packer = H264Encoder()

    @classmethod
    async def enter(cls, url: str, room: str, name: str) -> "PaddingSender":
        """Joins and publishes; nothing is sent yet."""
        participant = await enter(url, room, name)
        transport = await participant.transport("send")
        await participant.produce(transport, "video", rtp_parameters(H264, SSRC, mid="0"))
        return cls(name, participant, transport)

    async def send_until(self, met: Callable[[], Awaitable[bool]]) -> None:
        """Key pictures, each for itself, until something is so."""
        while not await met():
            self._picture(key=True)
            await asyncio.sleep(1 / FRAMES_PER_SECOND)

    async def send(self, pictures: int) -> None:
        """A key picture and others that need all before them, padding after each."""
        for number in range(pictures):
            self._picture(key=number == 0)
            for _ in range(PADDING_PACKETS):
                self._rtp(b"", padding=PADDING_BYTES)
            await asyncio.sleep(1 / FRAMES_PER_SECOND)

    async def close(self) -> None:
        await self._participant.leave()

    def _picture(self, *, key: bool) -> None:
        self._count += 1
        for packet in self._encoder.encode(picture(self._count, key=key)):
            payloads, _ = self._packer.pack(packet)
            for number, payload in enumerate(payloads, 1):
                self._rtp(payload, marker=number == len(payloads))

    def _rtp(self, payload: bytes, *, marker: bool = False, padding: int = 0) -> None:
        """Padding has the timestamp of the picture before it."""
        packet = rtp_packet(
            ssrc=SSRC,
            payload_type=102,
            sequence=next(self._sequence),
            timestamp=self._count * 90_000 // FRAMES_PER_SECOND,
            payload=payload,
            marker=marker,
            padding=padding,
        )
        self._transport.send_rtp(packet)


def encoder() -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base = Fraction(1, FRAMES_PER_SECOND)
    context.profile = "Baseline"
    context.options = X264
    return context


def picture(number: int, *, key: bool) -> av.VideoFrame:
    frame = draw(number)
    frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
    frame.pict_type = PictureType.I if key else PictureType.NONE
    return frame
