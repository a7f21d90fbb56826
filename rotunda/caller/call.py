"""A call of two: one publishes sound, the other receives it."""

import asyncio
import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass

from rotunda.caller.errors import NoMedia
from rotunda.caller.person import Person
from rotunda.caller.sound import INTERVAL_SECONDS, SOUND, number_of, sound_packet
from rotunda.caller.transport import CallerTransport
from rotunda.caller.ways import WayKind

MEDIA_SECONDS = 20.0
"""How long the packets that are asked for may take to arrive."""


@dataclass(frozen=True, slots=True)
class CallReport:
    """What became of a call; the ways are those of the sender and of the receiver."""

    sent: int
    received: int
    ways: tuple[str, str]
    connect_seconds: float
    first_packet_seconds: float


async def call(
    url: str,
    room: str,
    *,
    kind: WayKind = "udp",
    packets: int = 50,
    token: str = "",
    context: ssl.SSLContext | None = None,
) -> CallReport:
    """Both leave once `packets` different ones have arrived. Raises CallError, which names the hop."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with AsyncExitStack() as people:
        ada, ben = [
            await _enter(people, url, room, name, token, context) for name in ("Caller Ada", "Caller Ben")
        ]
        hearing = _Hearing(packets)
        speaking = await ada.transport("send", kind)
        listening = await ben.transport("recv", kind, hearing.on_packet)
        await ben.consume(listening, await ada.publish_sound(speaking))
        connected = loop.time()
        sent = await _speak(speaking, hearing)
        return CallReport(
            sent=sent,
            received=len(hearing.numbers),
            ways=(speaking.way, listening.way),
            connect_seconds=connected - began,
            first_packet_seconds=hearing.first_at - connected,
        )


async def _enter(
    people: AsyncExitStack, url: str, room: str, name: str, token: str, context: ssl.SSLContext | None
) -> Person:
    person = await Person.enter(url, room, name, token=token, context=context)
    people.push_async_callback(person.leave)
    return person


class _Hearing:
    """Counts different packets until there are enough."""

    def __init__(self, wanted: int) -> None:
        self.numbers: set[int] = set()
        self.first_at = 0.0
        self.enough = asyncio.Event()
        self._wanted = wanted

    def on_packet(self, packet: bytes, arrived: int) -> None:
        number = number_of(packet)
        if number is None:
            return
        if not self.numbers:
            self.first_at = asyncio.get_running_loop().time()
        self.numbers.add(number)
        if len(self.numbers) >= self._wanted:
            self.enough.set()


async def _speak(transport: CallerTransport, hearing: _Hearing) -> int:
    """At the pace of a microphone until enough has been heard; how many were sent."""
    loop = asyncio.get_running_loop()
    began, number = loop.time(), 0
    while not hearing.enough.is_set():
        if loop.time() > began + MEDIA_SECONDS:
            heard = len(hearing.numbers)
            raise NoMedia(f"of {number} packets sent over {transport.way} only {heard} were received")
        transport.send_rtp(sound_packet(SOUND, number))
        number += 1
        await asyncio.sleep(max(0.0, began + number * INTERVAL_SECONDS - loop.time()))
    return number
