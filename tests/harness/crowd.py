"""A crowd that joins at once: `python -m harness.crowd URL PEOPLE SECONDS ROOM…`, a process of its own.

PEOPLE click on Join, evenly spread over SECONDS and over the rooms. Each connects a socket, joins, opens
both transports and takes both through a real DTLS handshake. Once everybody is in or refused, one line of
JSON tells how it went; at the end of standard input they leave.
"""

import asyncio
import itertools
import json
import statistics
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

import uvloop
from harness.callers import enter
from harness.child import child

from rotunda.caller import Participant, Refused

_TRIES = 20
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Crush:
    """Times in seconds after the first click: of the last click, and until the last was in.

    `p50` and `max` are from a person's own click. `refused` counts by the contract's code, `repeated` what
    was asked again as the server was busy.
    """

    joined: int
    refused: dict[str, int]
    repeated: int
    last_click: float
    everybody_in: float
    p50: float
    max: float


@asynccontextmanager
async def crowd(url: str, people: int, seconds: float, rooms: Sequence[str]) -> AsyncIterator[Crush]:
    """Joins a crowd by a process of its own; they stay until the context ends."""
    async with child(__name__, url, str(people), str(seconds), *rooms) as process:
        yield Crush(**json.loads(await process.read()))


class Crowd:
    """Everybody who clicks."""

    def __init__(self, url: str, rooms: Sequence[str]) -> None:
        self._url = url
        self._rooms = itertools.cycle(rooms)
        self._guests: list[Participant] = []
        self._clicks: list[float] = []
        self._took: list[float] = []
        self._refused: Counter[str] = Counter()
        self._repeated = 0

    async def rush(self, people: int, seconds: float) -> Crush:
        """Everybody joins."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(self._click(n, began + n * seconds / people) for n in range(people)))
        ended = loop.time()
        return Crush(
            joined=len(self._took),
            refused=dict(self._refused),
            repeated=self._repeated,
            last_click=max(self._clicks) - began,
            everybody_in=ended - began,
            p50=statistics.median(self._took),
            max=max(self._took),
        )

    async def leave(self) -> None:
        await asyncio.gather(*(guest.leave() for guest in self._guests))

    async def _click(self, number: int, at: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(at - loop.time())
        clicked = loop.time()
        self._clicks.append(clicked)
        try:
            await self._enter(next(self._rooms), f"Guest {number}")
        except Refused as refused:
            self._refused[refused.code] += 1
        else:
            self._took.append(loop.time() - clicked)

    async def _enter(self, room: str, name: str) -> None:
        """Again where the server says that it cannot just now, as the app does."""
        for tries_left in reversed(range(_TRIES)):
            guest: Participant | None = None
            try:
                guest = await enter(self._url, room, name)
                await asyncio.gather(guest.transport("send"), guest.transport("recv"))
            except Refused as refused:
                if guest is not None:
                    await guest.leave()
                if refused.code != "unavailable" or not tries_left:
                    raise
                self._repeated += 1
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self._guests.append(guest)
                return


async def main(url: str, people: str, seconds: str, *rooms: str) -> None:
    everybody = Crowd(url, rooms)
    print(json.dumps(asdict(await everybody.rush(int(people), float(seconds)))), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await everybody.leave()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
