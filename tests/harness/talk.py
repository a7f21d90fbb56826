"""Somebody shows others a picture in a room: real RTP through the room's media node, from callers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from harness.callers import enter
from harness.probe import BulkyPicture

from rotunda.caller import Consumer, Participant, Refused

BITRATE = BulkyPicture.bitrate
"""Bits of payload per second that each onlooker gets."""
PATIENCE_SECONDS = 120.0
MORE_PACKETS = 100
_AGAIN_SECONDS = 0.5
_TRIES = 240


@dataclass(frozen=True, slots=True)
class Talk:
    """What each onlooker receives."""

    consumers: Sequence[Consumer]

    @property
    def seen(self) -> list[int]:
        """Packets that arrived at each so far."""
        return [consumer.packets.value for consumer in self.consumers]

    async def goes_on(self) -> None:
        """Returns once everybody has seen a good deal more than until now."""
        more = [consumer.packets.reach(consumer.packets.value + MORE_PACKETS) for consumer in self.consumers]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*more)


@asynccontextmanager
async def talk(url: str, room: str, onlookers: int = 2) -> AsyncIterator[Talk]:
    """One sends a picture to so many others until the context ends; then they leave."""
    async with AsyncExitStack() as people:
        guests = [await enter_soon(url, room, f"{room} {number}") for number in range(onlookers + 1)]
        for guest in guests:
            people.push_async_callback(guest.leave)
        speaker, *others = guests
        shown = await speaker.publish(await speaker.transport("send"), BulkyPicture())
        going = Talk([await guest.consume(await guest.transport("recv"), shown.id) for guest in others])
        shown.start()
        yield going


async def enter_soon(url: str, room: str, name: str) -> Participant:
    """Again and again while the room waits for a media node."""
    for _ in range(_TRIES):
        try:
            return await enter(url, room, name)
        except Refused as refused:
            if refused.code != "unavailable":
                raise
            await asyncio.sleep(_AGAIN_SECONDS)
    raise TimeoutError(f"nobody could come into {room}")
