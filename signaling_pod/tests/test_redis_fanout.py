"""Chat between processes over a real Redis: each message once, and none is lost while Redis is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis.asyncio
from harness.redis_server import RedisServer

from rotunda_base.rates import Rate
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId
from rotunda_signaling.fanout import redis as fanout
from rotunda_signaling.fanout.outbox import PARCEL_BYTES, Outbox
from rotunda_signaling.fanout.redis import RedisFanout
from rotunda_signaling.rates import redis as rates
from rotunda_signaling.rates.redis import RedisRateLimits
from rotunda_signaling.store.testing import ROOM, said

WAIT = 60.0
SCOPE = "calls/default"


class Pod:
    """One process's fan-out, and what its people were told."""

    def __init__(self, url: str, scope: str = SCOPE) -> None:
        self.fanout = RedisFanout(url, scope)
        self.heard: list[str] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.fanout.on_chat(self._hear)

    def start(self) -> None:
        self._task = asyncio.create_task(self.fanout.run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def say(self, text: str) -> bool:
        return await self.fanout.publish_chat(ROOM, said(text))

    async def hears(self, *texts: str) -> None:
        """Exactly these so far, in this order."""
        async with asyncio.timeout(WAIT):
            while len(self.heard) < len(texts):
                self._news.clear()
                await self._news.wait()
        assert self.heard == list(texts)

    def _hear(self, room: RoomId, message: ChatEvent) -> None:
        assert room == ROOM
        self.heard.append(message.text)
        self._news.set()


async def test_what_waits_for_redis_is_bounded_in_bytes() -> None:
    """The oldest go, whoever waits for their answer is told, and they are counted."""
    outbox = Outbox(most=10 * PARCEL_BYTES)
    parcels = [outbox.put(b"x" * length, 0.0) for length in (1, 1, 4 * PARCEL_BYTES, 7 * PARCEL_BYTES)]
    assert outbox.size <= 10 * PARCEL_BYTES
    assert list(outbox.first(9, 0.0)) == parcels[3:]
    assert (outbox.dropped, await parcels[0].handed_on, await parcels[2].handed_on) == (3, False, False)
    outbox.sent(parcels[3:])
    assert (len(outbox), outbox.size) == (0, 0)


MakePod = Callable[..., Awaitable[Pod]]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    monkeypatch.setattr(fanout, "ANSWER_SECONDS", WAIT)  # a busy machine is not a Redis that is away
    monkeypatch.setattr(rates, "_ANSWER_SECONDS", WAIT)
    with RedisServer(tmp_path) as running:
        yield running


@pytest.fixture
async def make_pod(server: RedisServer) -> AsyncIterator[MakePod]:
    pods: list[Pod] = []

    async def make(**options: str) -> Pod:
        pods.append(Pod(server.url, **options))
        pods[-1].start()
        await connected(pods[-1], True)
        return pods[-1]

    yield make
    for pod in pods:
        await pod.stop()


async def connected(pod: Pod, wanted: bool) -> None:
    async with asyncio.timeout(WAIT):
        while pod.fanout.connected is not wanted:  # noqa: ASYNC110 -- Redis is another process
            await asyncio.sleep(0.02)


async def test_each_process_hears_each_message_once_and_in_order(make_pod: MakePod) -> None:
    one, two, three = await make_pod(), await make_pod(), await make_pod()
    texts = [str(number) for number in range(50)]
    for text in texts:
        assert await one.say(text)
    assert one.heard == texts
    await two.hears(*texts)
    await three.hears(*texts)
    assert await two.say("last")
    await one.hears(*texts, "last")
    await three.hears(*texts, "last")
    assert one.fanout.waiting == 0


async def test_clusters_that_share_a_redis_hear_nothing_of_each_other(make_pod: MakePod) -> None:
    ours, theirs = await make_pod(), await make_pod(scope="calls/other")
    also_ours = await make_pod()
    assert await theirs.say("theirs")
    assert await ours.say("ours")
    await also_ours.hears("ours")
    assert theirs.heard == ["theirs"]


async def test_what_is_said_while_redis_is_away_comes_when_it_is_back(
    make_pod: MakePod, server: RedisServer
) -> None:
    one, two = await make_pod(), await make_pod()
    await one.say("before")
    await two.hears("before")
    server.stop()
    await connected(one, False)
    await connected(two, False)
    assert not await one.say("away 1")
    assert not await one.say("away 2")
    assert one.heard == ["before", "away 1", "away 2"]
    assert one.fanout.waiting == 2
    server.start()
    await two.hears("before", "away 1", "away 2")
    await connected(one, True)
    assert await one.say("after")
    await two.hears("before", "away 1", "away 2", "after")
    assert one.heard == ["before", "away 1", "away 2", "after"]
    assert one.fanout.dropped == 0


async def test_who_comes_back_late_gets_what_the_others_sent_first(
    make_pod: MakePod, server: RedisServer
) -> None:
    one, two = await make_pod(), await make_pod()
    server.stop()
    await two.stop()
    assert not await one.say("away") or one.fanout.connected
    server.start()
    async with asyncio.timeout(WAIT):
        while one.fanout.waiting:  # noqa: ASYNC110 -- Redis is another process
            await asyncio.sleep(0.02)
    assert two.heard == []
    two.start()
    await two.hears("away")


async def test_a_redis_that_counts_anew_is_read_from_its_beginning(
    make_pod: MakePod, server: RedisServer
) -> None:
    """Such as another machine's, whose clock is behind."""
    one, two = await make_pod(), await make_pod()
    await one.say("before")
    await two.hears("before")
    await two.stop()
    async with redis.asyncio.Redis.from_url(server.url) as client:
        key = f"rotunda:{SCOPE}:chat"
        ((_, fields),) = await client.xrange(key)
        await client.delete(key)
        text = fields[b"m"].replace(b"before", b"anew").replace(b'"id":"', b'"id":"f')
        await client.xadd(key, {"m": fields[b"m"]}, id="5-1")
        await client.xadd(key, {"m": b"no JSON"}, id="5-2")
        await client.xadd(key, {"other": b"field"}, id="5-3")
        await client.xadd(key, {"m": text}, id="5-4")
    two.start()
    await two.hears("before", "anew")


async def test_processes_share_their_rate_limits(server: RedisServer) -> None:
    rate = Rate(burst=5, per_second=0.001)
    one, two = RedisRateLimits(server.url, SCOPE), RedisRateLimits(server.url, SCOPE)
    waits = [await (one, two)[number % 2].take("chat:ada", rate) for number in range(7)]
    assert waits[:5] == [0.0] * 5
    assert all(900 < wait <= 2000 for wait in waits[5:])
    assert await one.take("chat:ben", rate) == 0.0
    server.stop()
    assert await one.take("chat:ada", rate) == 0.0  # its own bucket
    await one.close()
    await two.close()


async def test_the_stream_in_redis_is_bounded_in_bytes(
    make_pod: MakePod, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "STREAM_BYTES", 1 << 20)
    monkeypatch.setattr(fanout, "LOOK_BYTES", 1 << 16)
    pod = await make_pod()
    async with redis.asyncio.Redis.from_url(server.url) as client:
        for _ in range(40):
            assert all(await asyncio.gather(*(pod.say("\N{GRINNING FACE}" * 4000) for _ in range(10))))
            assert await client.memory_usage(f"rotunda:{SCOPE}:chat", samples=0) <= 1.5 * (1 << 20)
    assert 300 < pod.fanout.trimmed < 400
