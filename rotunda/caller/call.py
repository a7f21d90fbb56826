"""A call of two: one publishes sound and a picture, the other receives them."""

import asyncio
import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass

from rotunda.caller.consumer import Consumer
from rotunda.caller.errors import NoMedia
from rotunda.caller.participant import Participant
from rotunda.caller.picture import NumberedPicture, PictureDecoder
from rotunda.caller.sound import NumberedSilence
from rotunda.caller.trace import PacketTrace
from rotunda.caller.transport import Transport
from rotunda.caller.ways import WayKind

MEDIA_SECONDS = 20.0
"""How long what is asked for may take to arrive."""
PICTURES = 10
KEY_FRAME_SECONDS = 1.0
"""Who has seen too little for so long asks for a key frame."""
VP8 = "video/vp8"


@dataclass(frozen=True, slots=True)
class PictureReport:
    """`seen`: pictures whose number could be read after decoding."""

    sent: int
    seen: int
    width: int
    height: int
    first_seconds: float


@dataclass(frozen=True, slots=True)
class CallReport:
    """What became of a call; the ways are those of the sender and of the receiver.

    `picture` is None where none was to be sent, or where the room forwards no VP8.
    """

    sent: int
    received: int
    ways: tuple[str, str]
    connect_seconds: float
    first_packet_seconds: float
    picture: PictureReport | None


async def call(
    url: str,
    room: str,
    *,
    kind: WayKind = "udp",
    packets: int = 50,
    video: bool = True,
    token: str = "",
    context: ssl.SSLContext | None = None,
    media_seconds: float = MEDIA_SECONDS,
) -> CallReport:
    """Both leave once `packets` different ones of the sound, and ten pictures, have arrived.

    Raises CallError, which names the hop: NoMedia where that takes longer than `media_seconds`.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with AsyncExitStack() as people:
        ada, ben = [
            await _enter(people, url, room, name, token, context) for name in ("Caller Ada", "Caller Ben")
        ]
        sending, receiving = await ada.transport("send", kind), await ben.transport("recv", kind)
        call = _Call(ada, sending, ben, receiving, media_seconds)
        connected = loop.time()
        sound, picture = await call.run(packets, video=video and forwards(ada, VP8))
        return CallReport(
            sent=sound.departures.value,
            received=sound.arrivals.value,
            ways=(sending.way, receiving.way),
            connect_seconds=connected - began,
            first_packet_seconds=(sound.arrivals.first_at or connected) - connected,
            picture=picture,
        )


def forwards(participant: Participant, mime_type: str) -> bool:
    """Whether the room takes and gives this codec; `mime_type` in lower case."""
    codecs = participant.joined["routerRtpCapabilities"]["codecs"]
    return mime_type in {str(codec["mimeType"]).lower() for codec in codecs}


@dataclass(frozen=True, slots=True)
class _Call:
    """Ada sends and Ben receives."""

    ada: Participant
    sending: Transport
    ben: Participant
    receiving: Transport
    seconds: float

    async def run(self, packets: int, *, video: bool) -> tuple[PacketTrace, PictureReport | None]:
        """Sound and picture at once; the first that fails ends both. Raises NoMedia."""
        showing = asyncio.create_task(self.show() if video else _nothing())
        try:
            return await self.speak(packets), await showing
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def speak(self, packets: int) -> PacketTrace:
        """At the pace of a microphone until enough has been heard. Raises NoMedia."""
        trace = PacketTrace()
        publication = await self.ada.publish(self.sending, NumberedSilence(), trace.on_sent)
        await self.ben.consume(self.receiving, publication.id, trace.on_received)
        publication.start()
        try:
            async with asyncio.timeout(self.seconds):
                await trace.arrivals.reach(packets)
        except TimeoutError:
            sent, heard = trace.departures.value, trace.arrivals.value
            raise NoMedia(
                f"of {sent} packets sent over {self.sending.way} only {heard} were received"
            ) from None
        finally:
            await publication.stop()
        return trace

    async def show(self) -> PictureReport:
        """At the pace of a camera until enough has been seen. Raises NoMedia."""
        decoder, loop = PictureDecoder(), asyncio.get_running_loop()
        began = loop.time()
        publication = await self.ada.publish(self.sending, NumberedPicture())
        consumer = await self.ben.consume(self.receiving, publication.id, decoder.on_packet)
        publication.start()
        try:
            async with asyncio.timeout(self.seconds):
                await _until_seen(decoder, consumer)
        except TimeoutError:
            raise NoMedia(
                f"of {publication.frames} pictures sent over {self.sending.way} only {decoder.decoded} were "
                f"decoded, {decoder.numbered.value} of them as they were sent; {consumer.packets.value} "
                "packets of them were received"
            ) from None
        finally:
            await publication.stop()
        assert decoder.last is not None
        assert decoder.numbered.first_at is not None
        return PictureReport(
            sent=publication.frames,
            seen=decoder.numbered.value,
            width=decoder.last.width,
            height=decoder.last.height,
            first_seconds=decoder.numbered.first_at - began,
        )


async def _until_seen(decoder: PictureDecoder, consumer: Consumer) -> None:
    while decoder.numbered.value < PICTURES:
        try:
            async with asyncio.timeout(KEY_FRAME_SECONDS):
                await decoder.numbered.reach(PICTURES)
        except TimeoutError:
            await consumer.request_key_frame()


async def _nothing() -> None:
    return None


async def _enter(
    people: AsyncExitStack, url: str, room: str, name: str, token: str, context: ssl.SSLContext | None
) -> Participant:
    participant = await Participant.enter(url, room, name, token=token, context=context)
    people.push_async_callback(participant.leave)
    return participant
