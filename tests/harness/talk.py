"""Somebody shows others a picture in a room: real RTP through the room's media node, from callers."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.callers import enter, open_transport
from harness.probe import (
    PICTURE_BYTES,
    PICTURE_PACKETS,
    PICTURE_SECONDS,
    Ledger,
    picture,
    picture_parameters,
)

from rotunda.caller import OnPacket, Person, Refused

BITRATE = round(8 * PICTURE_BYTES * PICTURE_PACKETS / PICTURE_SECONDS)
"""Bits of payload per second that each onlooker gets."""
MORE_PACKETS = 100
SEEN_SECONDS = 120.0
_AGAIN_SECONDS = 0.5
_TRIES = 240


@dataclass(slots=True)
class Talk:
    """`seen`: packets that arrived at each onlooker."""

    seen: list[int]

    def onlooker(self, number: int) -> OnPacket:
        def arrived(packet: bytes, at: int) -> None:
            self.seen[number] += 1

        return arrived

    async def goes_on(self) -> None:
        """Returns once everybody has seen a good deal more than until now."""
        wanted = [count + MORE_PACKETS for count in self.seen]
        async with asyncio.timeout(SEEN_SECONDS):
            while any(count < enough for count, enough in zip(self.seen, wanted, strict=True)):  # noqa: ASYNC110 -- counted elsewhere
                await asyncio.sleep(0.05)


@asynccontextmanager
async def talk(url: str, room: str, onlookers: int = 2) -> AsyncIterator[Talk]:
    """One sends a picture to so many others until the context ends; then they leave."""
    guests = [await enter_soon(url, room, f"{room} {number}") for number in range(onlookers + 1)]
    speaker, *others = guests
    sender = await open_transport(speaker, "send")
    produced = await speaker.publish(sender, "video", picture_parameters())
    going = Talk([0] * onlookers)
    for number, guest in enumerate(others):
        receiver = await open_transport(guest, "recv", going.onlooker(number))
        await guest.consume(receiver, produced)
    sending = asyncio.create_task(picture(sender, Ledger(), itertools.count()))
    try:
        yield going
    finally:
        sending.cancel()
        for guest in guests:
            await guest.leave()


async def enter_soon(url: str, room: str, name: str) -> Person:
    """Again and again while the room waits for a media node."""
    for _ in range(_TRIES):
        try:
            return await enter(url, room, name)
        except Refused as refused:
            if refused.code != "unavailable":
                raise
            await asyncio.sleep(_AGAIN_SECONDS)
    raise TimeoutError(f"nobody could come into {room}")
