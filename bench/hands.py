"""What hands and reactions cost when somebody joins: requests, and CPU time of the server.

    PYTHONPATH=tests python bench/hands.py [--people 10 30 100] [--joins 10] [--ways …]

N clients without browsers (rotunda.caller) are in one room of `rotunda serve`; one more joins, and leaves
again, so many times. A join is over once the newcomer sees whose hand is raised, everybody knows of the
newcomer, and everybody can get everybody's reactions. That is then tried: the newcomer and some others react,
and the newcomer's hand goes up and down. The ways:

- `nothing`: no hands and no reactions. The newcomer has both transports, as in the other ways: media needs
  them.
- `attributes`: a hand is an attribute, a reaction a request.
- `data-channels`: as the app did it up to commit 9b2ed9f. Everybody has a data channel for reactions and
  receives everybody else's; a raised hand is one more data channel. SCTP is real: aiortc's, as the server's.

The server of another commit is that of its checkout's Python:

    PYTHONPATH=tests python bench/hands.py --ways data-channels --server-python OLD/.venv/bin/python
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from harness.callers import PATIENCE
from harness.server import Server, serve

from rotunda.caller import DataChannel, Participant, Transport

JsonObject = dict[str, Any]

ROOM = "hands"
HANDS_OF = 3
"""One in so many has raised a hand."""
SOME = 3
"""Of the others react after each join: a room may show so many reactions and no more."""
REST_SECONDS = 0.5
"""What a join or a departure leaves behind runs out before the next is measured."""
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Cost:
    """Requests of the newcomer, and of all others together; CPU time of the server in milliseconds."""

    newcomer: int
    others: int
    cpu: float


class CountingParticipant(Participant):
    """`requests` counts what it asked signaling for."""

    requests = 0

    async def request(self, name: str, /, **payload: Any) -> JsonObject:
        self.requests += 1
        return await super().request(name, **payload)


class Person:
    """Somebody without hands and reactions. `hands` has whose are raised, `heard` who reacted."""

    def __init__(self, guest: CountingParticipant) -> None:
        self.guest = guest
        self.known: set[str] = set()
        self.hands: set[str] = set()
        self.heard: list[str] = []
        self._changed = asyncio.Event()

    @classmethod
    async def enter(cls, url: str, name: str) -> Person:
        guest = await CountingParticipant.enter(url, ROOM, name, patience=PATIENCE)
        person = cls(guest)
        guest.listen(person.take)
        for other in guest.joined["participants"]:
            person.meet(other)
        for event, payload in guest.events:
            person.take(event, payload)
        await person.open()
        return person

    @property
    def id(self) -> str:
        return self.guest.id

    async def open(self) -> None:
        """Whatever this person needs besides the seat."""
        await self.open_transports()

    async def open_transports(self) -> tuple[Transport, Transport]:
        """For sending, and for receiving."""
        return await asyncio.gather(self.guest.transport("send"), self.guest.transport("recv"))

    def meet(self, other: JsonObject) -> None:
        """Somebody is there, or came in."""
        self.known.add(other["participantId"])

    def take(self, event: str, payload: JsonObject) -> None:
        if event == "participantJoined":
            self.meet(payload)
        elif event == "participantLeft":
            for known in (self.known, self.hands):
                known.discard(payload["participantId"])
        self._changed.set()

    def can_hear(self, other: str) -> bool:
        """Everything is done that the other's reactions need to be heard here."""
        return other in self.known

    async def react(self) -> None: ...

    async def set_hand(self, raised: bool) -> None: ...

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def leave(self) -> None:
        await self.guest.leave()


class ByAttributes(Person):
    def meet(self, other: JsonObject) -> None:
        super().meet(other)
        if "hand" in other["attributes"]:
            self.hands.add(other["participantId"])

    def take(self, event: str, payload: JsonObject) -> None:
        if event == "participantUpdated" and "hand" in payload["attributes"]:
            raised = payload["attributes"]["hand"] is not None
            (self.hands.add if raised else self.hands.discard)(payload["participantId"])
        elif event == "reaction":
            self.heard.append(payload["participantId"])
        super().take(event, payload)

    async def react(self) -> None:
        await self.guest.request("react", name="heart")

    async def set_hand(self, raised: bool) -> None:
        hand = "2026-12-01T09:00:00.000Z" if raised else None
        await self.guest.request("setAttributes", attributes={"hand": hand})


class ByDataChannels(Person):
    def __init__(self, guest: CountingParticipant) -> None:
        super().__init__(guest)
        self._hearing: set[str] = set()
        self._hand_of: dict[str, str] = {}
        self._hand = ""
        self._sending: Transport
        self._receiving: Transport
        self._reactions: DataChannel
        self._tasks: list[asyncio.Task[None]] = []
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        self._sending, self._receiving = await self.open_transports()
        self._ready.set_result(None)
        self._reactions = await self.guest.produce_data(self._sending, "reactions")

    def meet(self, other: JsonObject) -> None:
        super().meet(other)
        for made in other["dataProducers"]:
            self._found(other["participantId"], made)

    def take(self, event: str, payload: JsonObject) -> None:
        if event == "newDataProducer":
            self._found(payload["participantId"], payload)
        elif event == "dataProducerClosed" and payload["dataProducerId"] in self._hand_of:
            self.hands.discard(self._hand_of.pop(payload["dataProducerId"]))
        super().take(event, payload)

    def can_hear(self, other: str) -> bool:
        return other in self._hearing

    async def react(self) -> None:
        self._reactions.send("heart")

    async def set_hand(self, raised: bool) -> None:
        if raised:
            self._hand = (await self.guest.produce_data(self._sending, "hand")).id
        else:
            await self.guest.request("closeDataProducer", dataProducerId=self._hand)

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await super().leave()

    def _found(self, owner: str, made: JsonObject) -> None:
        if made["label"] == "hand":
            self.hands.add(owner)
            self._hand_of[made["dataProducerId"]] = owner
        else:
            self._tasks.append(asyncio.create_task(self._consume(owner, made["dataProducerId"])))

    async def _consume(self, owner: str, producer: str) -> None:
        await self._ready

        def hear(message: object) -> None:
            self.heard.append(owner)
            self._changed.set()

        await self.guest.consume_data(self._receiving, producer, hear)
        self._hearing.add(owner)
        self._changed.set()


WAYS: dict[str, type[Person]] = {
    "nothing": Person,
    "attributes": ByAttributes,
    "data-channels": ByDataChannels,
}


class Bench:
    """A server and the people in its one room."""

    def __init__(self, server: Server, way: type[Person]) -> None:
        self.people: list[Person] = []
        self._server = server
        self._way = way

    async def grow(self, count: int) -> None:
        """One after the other, so that each join is like those that are measured."""
        while len(self.people) < count:
            person = await self._way.enter(self._server.url, f"Guest {len(self.people)}")
            self.people.append(person)
            if len(self.people) % HANDS_OF == 0:
                await person.set_hand(True)
            await self._settle(person, self.people)

    async def join(self) -> Cost:
        """One newcomer, who is gone afterwards."""
        await asyncio.sleep(REST_SECONDS)
        asked, cpu = self._requests(), self._cpu()
        newcomer = await self._way.enter(self._server.url, "Newcomer")
        await self._settle(newcomer, [*self.people, newcomer])
        spent = (self._cpu() - cpu) * 1000
        cost = Cost(newcomer.guest.requests, self._requests() - asked, spent)
        if self._way is not Person:
            await self._try(newcomer)
        await newcomer.leave()
        await _all(self.people, lambda each: newcomer.id not in each.known)
        return cost

    async def _settle(self, newcomer: Person, everybody: Sequence[Person]) -> None:
        """Returns once the newcomer and the others know and can hear each other."""
        others = [each for each in everybody if each is not newcomer]
        await newcomer.until(lambda: all(newcomer.can_hear(each.id) for each in others))
        await _all(others, lambda each: each.can_hear(newcomer.id))

    async def _try(self, newcomer: Person) -> None:
        """Whether what the join was to bring about is so."""
        raised = {each.id for each in self.people[HANDS_OF - 1 :: HANDS_OF]}
        await newcomer.until(lambda: newcomer.hands == raised)
        await newcomer.react()
        await _all(self.people, lambda each: newcomer.id in each.heard)
        for each in self.people[:SOME]:
            await each.react()
        await newcomer.until(lambda: {each.id for each in self.people[:SOME]} <= set(newcomer.heard))
        await newcomer.set_hand(True)
        await _all(self.people, lambda each: newcomer.id in each.hands)
        await newcomer.set_hand(False)
        await _all(self.people, lambda each: newcomer.id not in each.hands)

    def _requests(self) -> int:
        return sum(each.guest.requests for each in self.people)

    def _cpu(self) -> float:
        """Seconds of all of the server's threads, by the clock that Linux has for each process."""
        return time.clock_gettime((~self._server.process.pid << 3) | 2)


async def _all(people: Sequence[Person], condition: Callable[[Person], bool]) -> None:
    """Returns once it has been true of each."""
    await asyncio.gather(*(person.until(partial(condition, person)) for person in people))


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, nargs="+", default=[10, 30, 100])
    parser.add_argument("--joins", type=int, default=10)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--server-python", default=sys.executable)
    arguments = parser.parse_args()
    print(
        "| way | people | requests of the newcomer | of the others | server CPU ms: median | least | most |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    for way in arguments.ways:
        with tempfile.TemporaryDirectory() as folder:
            many = {"ROTUNDA_MAX_PARTICIPANTS": "500"}
            async with serve(Path(folder) / "log", many, python=arguments.server_python) as server:
                bench = Bench(server, WAYS[way])
                for count in sorted(arguments.people):
                    await bench.grow(count)
                    report(way, count, [await bench.join() for _ in range(arguments.joins)])
                await asyncio.gather(*(person.leave() for person in bench.people))


def report(way: str, people: int, costs: list[Cost]) -> None:
    cpu = [cost.cpu for cost in costs]
    newcomer, others = ({getattr(cost, field) for cost in costs} for field in ("newcomer", "others"))
    counts = " | ".join("/".join(map(str, sorted(each))) for each in (newcomer, others))
    times = " | ".join(f"{each:.1f}" for each in (statistics.median(cpu), min(cpu), max(cpu)))
    print(f"| {way} | {people} | {counts} | {times} |", flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
