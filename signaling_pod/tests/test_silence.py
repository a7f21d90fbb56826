"""Who falls silent without closing is noticed, and taken up again when it speaks."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import grpc.aio
import pytest
from harness.postgres_server import PostgresServer
from harness.redis_server import RedisServer
from harness.stalling import stalling_path

from rotunda_contract.errors import Unavailable
from rotunda_contract.pb import events_pb2, media_node_pb2_grpc
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_signaling.fanout.redis import RedisFanout
from rotunda_signaling.media_node.grpc import GrpcMediaNodes
from rotunda_signaling.store import Reader
from rotunda_signaling.store.engine import make_engine
from rotunda_signaling.store.history import SqlHistory
from rotunda_signaling.store.testing import ROOM, said

WAIT = 120.0


class Quiet(media_node_pb2_grpc.MediaNodeServicer):
    """Sends a snapshot, and nothing more until its watcher goes."""

    async def WatchRoom(self, request: object, context: object) -> object:
        yield events_pb2.RoomEvent(number=1, snapshot=events_pb2.RoomSnapshot())
        await asyncio.Event().wait()


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running


async def test_a_media_node_that_falls_silent_is_noticed() -> None:
    """Its events come seldom, so that only pings tell."""
    server = grpc.aio.server()
    media_node_pb2_grpc.add_MediaNodeServicer_to_server(Quiet(), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    nodes = GrpcMediaNodes()
    async with stalling_path(port) as path, asyncio.timeout(WAIT):
        events = nodes.at_address(f"127.0.0.1:{path.port}").watch_room(pb.WatchRoomRequest())
        assert (await anext(events)).number == 1
        path.stall()
        with pytest.raises(Unavailable):
            await anext(events)
        path.go_on()
        while True:
            again = nodes.at_address(f"127.0.0.1:{path.port}").watch_room(pb.WatchRoomRequest())
            try:
                assert (await anext(again)).number == 1
            except Unavailable:
                continue
            break
        await nodes.close()
    await server.stop(None)


async def test_a_redis_that_falls_silent_is_noticed(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as redis:
        async with stalling_path(redis.port) as path, asyncio.timeout(WAIT):
            heard: list[str] = []
            one = RedisFanout(f"redis://127.0.0.1:{path.port}/0", "a")
            two = RedisFanout(redis.url, "a")
            two.on_chat(lambda _, message: heard.append(message.text))
            tasks = [asyncio.create_task(each.run()) for each in (one, two)]
            await _until(lambda: one.connected and two.connected)
            path.stall()
            saying = asyncio.create_task(one.publish_chat(ROOM, said("silence")))
            await _until(lambda: not one.connected)
            path.go_on()
            await _until(lambda: one.connected and heard == ["silence"])
            await saying
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_database_that_falls_silent_is_noticed(
    database: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both for who reads and for what is written; nothing waits for it, not even the end."""
    for name in ("history.PAGE_SECONDS", "history.WRITE_SECONDS", "engine.CONNECT_SECONDS"):
        monkeypatch.setattr(f"rotunda_signaling.store.{name}", 2.0)
    address = urlsplit(database.url)
    async with stalling_path(address.port or 5432) as path, asyncio.timeout(WAIT):
        history = SqlHistory(
            make_engine(database.url.replace(f":{address.port}", f":{path.port}")), keep_days=1.0
        )
        running = asyncio.create_task(history.run())
        history.record(ROOM, said("before"))
        await history._queue.emptied()
        path.stall()
        history.record(ROOM, said("silence"))
        page = await history.page(ROOM, Reader(), before=None, limit=5)
        assert not page.complete
        assert not history.reads
        await _until(lambda: not history.writes)
        path.go_on()
        await history._queue.emptied()
        await _until(lambda: history.writes)
        page = await history.page(ROOM, Reader(), before=None, limit=5)
        while not page.complete:
            page = await history.page(ROOM, Reader(), before=None, limit=5)
        assert [message.text for message in page.messages] == ["before", "silence"]
        path.stall()
        await history.page(ROOM, Reader(), before=None, limit=5)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await history.dispose()


async def _until(condition: object) -> None:
    assert callable(condition)
    while not condition():  # noqa: ASYNC110 -- of other processes
        await asyncio.sleep(0.02)
