"""A person in a room: a browser's page with our app, seen through what the app offers (`window.rotunda`).

Everything that is awaited here is an observable state of the page, with a deadline that a busy machine meets.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import urlencode

INSTRUMENT = (Path(__file__).parent / "instrument.js").read_text()
SMALL_CAMERA = {"width": 320, "height": 180, "frameRate": 15}
FULL_CAMERA = {"width": 960, "height": 540, "frameRate": 15}
DEADLINE = 90.0
LARGE_PICTURE_SECONDS = 240.0
"""A browser sends the largest only while its estimate and its CPU allow, and tries again ever more rarely."""
LOOK_EVERY = 0.1

T = TypeVar("T")

NetworkPath = Literal["any", "ipv6", "proxied", "relay-udp", "relay-tcp", "relay-tls"]
JsonObject = dict[str, Any]


class Tab(Protocol):
    """A page of some browser."""

    async def add_init_script(self, script: str) -> None: ...
    async def expose(self, name: str, function: Callable[..., Awaitable[Any]]) -> None: ...
    async def goto(self, url: str) -> None: ...
    async def call(self, function: str, *arguments: Any) -> Any: ...
    async def close(self) -> None: ...


class Person(Protocol):
    """Somebody in a room, by whatever client."""

    name: str
    participant_id: str


@dataclass(frozen=True, slots=True)
class Received:
    """What one consumer has received so far, as web/src/media/stats.ts counts it."""

    consumer_id: str
    participant_id: str
    source: str
    packets: int
    frames_decoded: int
    frame_width: int
    frame_height: int
    audio_energy: float
    nacks: int
    retransmitted: int
    freezes_seconds: float

    @classmethod
    def from_page(cls, entry: JsonObject) -> "Received":
        return cls(
            consumer_id=entry["consumerId"],
            participant_id=entry["participantId"],
            source=entry["source"],
            packets=entry["packetsReceived"],
            frames_decoded=entry["framesDecoded"],
            frame_width=entry["frameWidth"],
            frame_height=entry["frameHeight"],
            audio_energy=entry["totalAudioEnergy"],
            nacks=entry["nackCount"],
            retransmitted=entry["retransmittedPacketsReceived"],
            freezes_seconds=entry["totalFreezesDuration"],
        )


class Guest:
    """One person. `name` is what the others see."""

    def __init__(self, name: str, tab: Tab) -> None:
        self.name = name
        self.tab = tab
        self.participant_id = ""

    async def enter(
        self,
        origin: str,
        room: str,
        *,
        camera: Mapping[str, int] = SMALL_CAMERA,
        path: NetworkPath = "any",
        camera_on: bool = True,
        token: str = "",
    ) -> "Guest":
        """Opens the room's page and joins; returns once the server has let this person in."""
        await self.tab.add_init_script(instrument(camera, path))
        query = urlencode({"name": self.name, "join": 1, "cam": int(camera_on)})
        await self.tab.goto(f"{origin}/r/{room}?{query}" + (f"#token={token}" if token else ""))
        state = await self.until(lambda state: state["phase"]["name"] == "joined", "has joined")
        self.participant_id = state["self"]["participantId"]
        return self

    async def state(self) -> JsonObject:
        """All that the page shows, as plain JSON; empty before the app has started."""
        state: JsonObject = await self.tab.call("() => window.rotunda?.state() ?? {}")
        return state

    async def until(self, condition: Callable[[JsonObject], bool], what: str) -> JsonObject:
        """Waits until the page's state meets the condition, and returns it."""

        async def poll() -> JsonObject | None:
            state = await self.state()
            return state if state and condition(state) else None

        return await eventually(poll, f"{self.name} {what}")

    async def received(self) -> list[Received]:
        entries = await self.tab.call("() => window.rotunda.stats()")
        return [Received.from_page(entry) for entry in entries]

    async def until_received(
        self,
        sender: Person,
        source: str,
        condition: Callable[[Received], bool],
        what: str,
        seconds: float = DEADLINE,
    ) -> Received:
        """Waits until what comes from this sender's source meets the condition, and returns it."""

        async def poll() -> Received | None:
            for one in await self.received():
                if (one.participant_id, one.source) == (sender.participant_id, source) and condition(one):
                    return one
            return None

        return await eventually(poll, f"{self.name} receives {sender.name}'s {source}: {what}", seconds)

    async def sees(self, sender: Person, source: str = "camera") -> Received:
        """Waits until new frames are decoded, whatever had been decoded before."""
        first = await self.until_received(sender, source, lambda _: True, "is consumed")
        return await self.until_received(
            sender, source, lambda now: now.frames_decoded >= first.frames_decoded + 5, "frames are decoded"
        )

    async def hears(self, sender: Person) -> Received:
        """Waits until sound, and not silence, is played."""
        first = await self.until_received(sender, "microphone", lambda _: True, "is consumed")
        return await self.until_received(
            sender, "microphone", lambda now: now.audio_energy > first.audio_energy, "there is sound"
        )

    async def sees_and_hears(self, *others: Person) -> None:
        await asyncio.gather(*(check(other) for other in others for check in (self.sees, self.hears)))

    async def knows(self, other: Person, condition: Callable[[JsonObject], bool], what: str) -> JsonObject:
        """Waits until this page's view of another person meets the condition, and returns the view."""

        def met(state: JsonObject) -> bool:
            view = state["people"]["participants"].get(other.participant_id)
            return view is not None and condition(view)

        state = await self.until(met, f"knows of {other.name}: {what}")
        view: JsonObject = state["people"]["participants"][other.participant_id]
        return view

    async def no_longer_sees(self, other: Person) -> None:
        await self.until(
            lambda state: other.participant_id not in state["people"]["participants"],
            f"sees that {other.name} is gone",
        )

    async def speak(self, level: float) -> None:
        """Replaces the microphone by a tone; 0 is silence."""
        await self.tab.call("(level) => window.rotunda.setTone(level)", level)

    async def close(self) -> None:
        await self.tab.close()


def instrument(camera: Mapping[str, int], path: NetworkPath) -> str:
    """The script that runs in a page before the page's own."""
    options = json.dumps({"camera": dict(camera), "path": path})
    return f"window.harness = {{options: {options}}};\n{INSTRUMENT}"


def published(view: JsonObject, source: str) -> JsonObject | None:
    """The producer of this source in a page's view of somebody, if there is one."""
    for producer in view["producers"].values():
        if producer["source"] == source:
            found: JsonObject = producer
            return found
    return None


async def eventually(poll: Callable[[], Awaitable[T | None]], what: str, seconds: float = DEADLINE) -> T:
    """Looks again and again until there is something to see; a page has no event for most of this."""
    try:
        async with asyncio.timeout(seconds):
            while (seen := await poll()) is None:  # noqa: ASYNC110 -- another process changes it
                await asyncio.sleep(LOOK_EVERY)
            return seen
    except TimeoutError:
        raise AssertionError(f"within {seconds:.0f} s: {what}") from None
