"""One room over two signaling pods behind one address: what people see when a pod or Redis is gone.

Real API server, operator, media node, Redis, PostgreSQL and browsers; beside them a caller at each pod,
who counts what comes over its wire.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from harness.balancer import Balancer, balancer
from harness.browser import ChromiumTab, chromium
from harness.callers import enter
from harness.cluster import signaling_environment
from harness.guest import Guest, JsonObject, eventually
from harness.postgres_server import PostgresServer
from harness.redis_server import RedisServer
from harness.server import SIGNALING, Server, serve
from playwright.async_api import Browser

from rotunda.caller import Participant
from rotunda_operator.testing import Stage

ROOM = "standup"
AIM_SECONDS = 3.0
"""How soon the people of a pod that was killed should be back. Told, not asserted: this machine is shared."""
WATCH_CONNECTION = """() => {
  const noted = (window.harness.connected = []);
  const note = ({ connection, resuming }) => {
    const how = connection !== "connected" ? "cut off" : resuming ? "resuming" : "there";
    if (noted.at(-1)?.[1] !== how) noted.push([performance.timeOrigin + performance.now(), how]);
  };
  window.rotunda.client.store.subscribe(note);
}"""

pytestmark = pytest.mark.timeout(1400)


@dataclass(slots=True)
class Pods:
    """Two signaling processes, the address of both, and what they share."""

    servers: tuple[Server, Server]
    door: Balancer
    redis: RedisServer

    async def degraded(self, wanted: bool) -> None:
        """Waits until every pod that lives says that Redis is away, or that nothing is."""
        for server in self.servers:
            if not server.killed:
                await eventually(lambda server=server: _is_degraded(server, wanted), f"degraded: {wanted}")  # type: ignore[misc]

    async def people(self) -> list[int]:
        """How many sockets each has."""
        return [await _gauge(server, "rotunda_signaling_sockets") for server in self.servers]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running


@pytest_asyncio.fixture
async def pods(
    stage: Stage, tmp_path: Path, redis: RedisServer, database: PostgresServer
) -> AsyncIterator[Pods]:
    shared = {"ROTUNDA_REDIS_URL": redis.url, "ROTUNDA_DATABASE_URL": database.url}
    environment = await asyncio.to_thread(signaling_environment, stage, tmp_path) | shared
    async with AsyncExitStack() as running:
        one, two = [
            await running.enter_async_context(serve(tmp_path / f"pod-{number}.log", environment, SIGNALING))
            for number in (1, 2)
        ]
        yield Pods((one, two), await running.enter_async_context(balancer(one, two)), redis)


async def test_one_room_over_two_signaling_pods(stage: Stage, pods: Pods) -> None:
    await asyncio.to_thread(stage.apply, "Room", ROOM, {"displayName": "Daily standup"})
    await asyncio.to_thread(stage.placed, ROOM)
    async with chromium() as browser, AsyncExitStack() as people:
        ada, ben = [await _enter(people, browser, pods, name, pod) for name, pod in (("Ada", 0), ("Ben", 1))]
        witnesses = [await enter(server.url, ROOM, "Witness") for server in pods.servers]
        assert await pods.people() == [2, 2]
        await _talk(ada, ben)
        await _chat_goes_both_ways(ada, ben)
        await _hands_and_reactions_go_both_ways(ada, ben)
        await _redis_goes_and_comes_back(pods, ada, ben)

        cleo = await _enter(people, browser, pods, "Cleo", 1)
        await cleo.knows(ada, _has_raised_hand, "her hand is raised, as it was before")
        history = ["Ada: hello Ben", "Ben: hello Ada", "Ada: is Redis away?", "Ben: it is back"]
        await cleo.until(lambda state: _said(state) == history, "sees what was said before")
        await cleo.until(lambda state: not state["chat"]["incomplete"], "is told that nothing is missing")

        _each_event_came_once(witnesses[0])
        await witnesses[0].leave()  # who does not come back by itself
        await _a_pod_is_killed(pods, ada, ben)
        await ada.tab.call("(text) => window.rotunda.sendChat(text)", "still here")
        for guest in (ada, ben, cleo):
            await guest.until(
                lambda state: _said(state) == [*history, "Ada: still here"], "has all of the chat"
            )
        _each_event_came_once(witnesses[1])
        assert _heard(witnesses[1]) == [*history, "Ada: still here"]
        left = [told["participantId"] for name, told in witnesses[1].events if name == "participantLeft"]
        assert left == [witnesses[0].id]
        await witnesses[1].disconnect()


async def _chat_goes_both_ways(ada: Guest, ben: Guest) -> None:
    await ada.tab.call("(text) => window.rotunda.sendChat(text)", "hello Ben")
    await ben.until(lambda state: _said(state) == ["Ada: hello Ben"], "hears Ada")
    await ben.tab.call("(text) => window.rotunda.sendChat(text)", "hello Ada")
    await ada.until(lambda state: _said(state) == ["Ada: hello Ben", "Ben: hello Ada"], "hears Ben")


async def _hands_and_reactions_go_both_ways(ada: Guest, ben: Guest) -> None:
    """Ada's hand stays raised."""
    await ada.tab.call("() => window.rotunda.setHand(true)")
    await ben.knows(ada, _has_raised_hand, "her hand is raised")
    await ben.tab.call("() => window.rotunda.setHand(true)")
    await ada.knows(ben, _has_raised_hand, "his hand is raised")
    await ben.tab.call("() => window.rotunda.setHand(false)")
    await ada.knows(ben, lambda view: not _has_raised_hand(view), "his hand is lowered")

    def reacts(state: JsonObject) -> bool:
        return any(one["participantId"] == ben.participant_id for one in state["reactions"])

    seen = asyncio.create_task(ada.until(reacts, "sees Ben's reaction"))  # which is shown for seconds only
    await ben.tab.call("() => window.rotunda.react('heart')")
    await seen


async def _redis_goes_and_comes_back(pods: Pods, ada: Guest, ben: Guest) -> None:
    """Media goes on; who writes is told that some get it later; they do, without a restart."""
    await asyncio.to_thread(pods.redis.stop)
    await pods.degraded(True)
    await ada.tab.call("(text) => window.rotunda.sendChat(text)", "is Redis away?")
    told = await ada.until(lambda state: bool(state["notices"]), "is told that chat is not what it was")
    assert told["notices"][-1]["text"].startswith("2 people get your message later")
    await _talk(ada, ben)
    assert "Ada: is Redis away?" not in _said(await ben.state())

    await asyncio.to_thread(pods.redis.start)
    await ben.until(lambda state: "Ada: is Redis away?" in _said(state), "gets it when Redis is back")
    await pods.degraded(False)
    await ben.tab.call("(text) => window.rotunda.sendChat(text)", "it is back")
    await ada.until(lambda state: "Ben: it is back" in _said(state), "hears Ben again")


async def _a_pod_is_killed(pods: Pods, ada: Guest, ben: Guest) -> None:
    """Ada's: she is back at the other one by herself, as who she was, and Ben never saw her leave."""
    await ada.tab.call(WATCH_CONNECTION)
    pods.door.first = pods.servers[1]
    killed = time.time()
    await pods.servers[0].kill()

    async def back() -> list[tuple[float, str]] | None:
        noted = [(float(at), str(how)) for at, how in await ada.tab.call("() => window.harness.connected")]
        was_away = any(how == "cut off" for _, how in noted)
        return noted if was_away and noted[-1][1] == "there" else None

    steps = await eventually(back, "Ada is back")
    told = ", ".join(f"{how} after {at / 1000 - killed:.2f} s" for at, how in steps)
    print(f"\na pod was killed: {told} (aim: there after {AIM_SECONDS:.0f} s)")
    state = await ada.state()
    assert state["self"]["participantId"] == ada.participant_id
    assert state["people"]["participants"][ben.participant_id]["displayName"] == "Ben"
    await ben.knows(ada, _has_raised_hand, "she is still there, and her hand is raised")
    await ben.knows(ada, lambda view: not view["connectionLost"], "her connection is back")
    await _talk(ada, ben)


async def _enter(people: AsyncExitStack, browser: Browser, pods: Pods, name: str, pod: int) -> Guest:
    pods.door.first = pods.servers[pod]
    tab = await ChromiumTab.open(browser)
    people.push_async_callback(tab.close)
    return await Guest(name, tab).enter(pods.door.url, ROOM)


async def _talk(ada: Guest, ben: Guest) -> None:
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))


def _has_raised_hand(view: JsonObject) -> bool:
    return "hand" in view["attributes"]


def _said(state: JsonObject) -> list[str]:
    """The chat as the page shows it."""
    return [f"{message['displayName']}: {message['text']}" for message in state["chat"]["messages"]]


def _heard(witness: Participant) -> list[str]:
    return [f"{told['displayName']}: {told['text']}" for name, told in witness.events if name == "chat"]


def _each_event_came_once(witness: Participant) -> None:
    keys = {"chat": "id", "participantJoined": "participantId", "newProducer": "producerId"}
    counts = Counter((name, told[keys[name]]) for name, told in witness.events if name in keys)
    assert counts
    assert set(counts.values()) == {1}


async def _is_degraded(server: Server, wanted: bool) -> bool | None:
    answer = await server.get("/readyz")
    assert answer.status_code == 200
    return True if ("degraded" in answer.json()) is wanted else None


async def _gauge(server: Server, name: str) -> int:
    text = (await server.get("/metrics")).text
    return next(int(float(line.split()[1])) for line in text.splitlines() if line.startswith(f"{name} "))
