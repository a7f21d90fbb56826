"""What the informer makes of watches that fall silent, break, or end at once."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
import pytest_asyncio
from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from rotunda_kube import Informer, Key, KubeApi, Manifest, informer, key_of
from rotunda_kube import api as api_module
from rotunda_kube.resource import ROOMS

WATCH_SECONDS = 2.0
NOTICED_SECONDS = 45.0
"""How soon a watch that has fallen silent has to be given up."""
SILENCE_SECONDS = api_module.SILENCE_SECONDS


class Server:
    """An API server's list and watch of Rooms. `stalls`: how many of the next watches say nothing and do not
    end; `mute`: how many are not even answered; `cuts`: how many end at once; `expired`: how many ask from a
    version that is too old."""

    def __init__(self) -> None:
        self.version = 10
        self.rooms: dict[str, Manifest] = {}
        self.lists = 0
        self.watched: list[int] = []
        """From which version each watch was asked for."""
        self.stalls = self.mute = self.cuts = self.expired = 0
        self._log: list[tuple[int, Manifest]] = []
        self._changed = asyncio.Condition()

    async def put(self, name: str) -> None:
        async with self._changed:
            self.version += 1
            metadata = {"namespace": "calls", "name": name, "resourceVersion": str(self.version)}
            kind = "MODIFIED" if name in self.rooms else "ADDED"
            self.rooms[name] = {"metadata": metadata}
            self._log.append((self.version, {"type": kind, "object": self.rooms[name]}))
            self._changed.notify_all()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await self._watch(request)
        self.lists += 1
        version = {"resourceVersion": str(self.version)}
        return web.json_response({"items": list(self.rooms.values()), "metadata": version})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        since = int(request.query["resourceVersion"])
        self.watched.append(since)
        if self.mute:
            self.mute -= 1
            await asyncio.Event().wait()
        if self.expired:
            self.expired -= 1
            return web.json_response({"reason": "Expired"}, status=410)
        response = web.StreamResponse()
        await response.prepare(request)
        if self.cuts:
            self.cuts -= 1
            return response
        if self.stalls:
            self.stalls -= 1
            await asyncio.Event().wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(float(request.query["timeoutSeconds"])):
                await self._tell(response, since)
        return response

    async def _tell(self, response: web.StreamResponse, since: int) -> None:
        while True:
            for version, event in self._log:
                if version > since:
                    since = version
                    await response.write(json.dumps(event).encode() + b"\n")
            async with self._changed:
                while self.version <= since:
                    await self._changed.wait()


class Follower:
    """An informer at work, and what it told."""

    def __init__(self, api: KubeApi) -> None:
        self._changed = asyncio.Condition()
        self.known: set[str] = set()
        self.informer = Informer(
            api,
            ROOMS,
            "calls",
            on_change=self._on_change,
            on_delete=self._on_delete,
            watch_seconds=WATCH_SECONDS,
        )

    async def knows(self, *names: str) -> None:
        async with asyncio.timeout(120):
            while not {*names} <= self.known:  # noqa: ASYNC110 - the informer calls from where it likes
                await asyncio.sleep(0.01)

    def _on_change(self, manifest: Manifest) -> None:
        self.known.add(key_of(manifest).name)

    def _on_delete(self, key: Key) -> None:
        self.known.discard(key.name)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "SILENCE_SECONDS", 0.2)


@pytest_asyncio.fixture
async def server() -> Server:
    return Server()


@pytest_asyncio.fixture
async def api(server: Server) -> AsyncIterator[KubeApi]:
    app = web.Application()
    app.router.add_get("/{path:.*}", server.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    configuration = Configuration()
    configuration.host = "http://127.0.0.1:{1}".format(*runner.addresses[0])
    api = KubeApi(configuration, manager="tests", request_seconds=1.0)
    yield api
    await api.close()
    await runner.cleanup()


@pytest_asyncio.fixture
async def follower(api: KubeApi) -> AsyncIterator[Follower]:
    follower = Follower(api)
    task = asyncio.create_task(follower.informer.run())
    yield follower
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_silent_watch_is_taken_up_where_it_was(server: Server, follower: Follower) -> None:
    server.stalls = 1
    await _until(lambda: server.stalls == 0)
    await server.put("standup")
    await follower.knows("standup")
    assert (server.lists, server.watched[:2]) == (1, [10, 10])


async def test_a_watch_whose_answer_does_not_begin_is_taken_up_too(
    server: Server, follower: Follower
) -> None:
    server.mute = 1
    await _until(lambda: server.mute == 0)
    await server.put("standup")
    await follower.knows("standup")
    assert server.lists == 1


async def test_where_watches_stay_silent_it_lists(server: Server, follower: Follower) -> None:
    server.stalls = 1000
    await _until(lambda: server.stalls < 1000)
    await server.put("standup")
    await follower.knows("standup")
    assert server.lists > 1


async def test_a_watch_that_ends_in_time_goes_on_from_the_last_event(
    server: Server, follower: Follower
) -> None:
    await _until(lambda: len(server.watched) == 1)
    await server.put("standup")
    await _until(lambda: len(server.watched) == 2)
    await server.put("retro")
    await follower.knows("standup", "retro")
    assert (server.lists, server.watched[:2]) == (1, [10, 11])


async def test_a_version_that_is_too_old_is_listed_anew_at_once(server: Server, follower: Follower) -> None:
    server.expired = 1
    await _until(lambda: server.expired == 0)
    await server.put("standup")
    await follower.knows("standup")
    assert server.lists == 2


def test_by_its_deadlines_silence_is_noticed_in_time() -> None:
    longest_pause = max(informer.pause(1, random.Random(seed)) for seed in range(20))
    assert api_module.WATCH_SECONDS + SILENCE_SECONDS + longest_pause <= NOTICED_SECONDS


@pytest.mark.parametrize("failing", ["cuts", "expired"])
async def test_watches_that_end_at_once_are_taken_up_after_growing_pauses(
    server: Server, api: KubeApi, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 6:
            enough.set()
        await sleep(0)

    setattr(server, failing, 1000)
    follower = Follower(api)
    monkeypatch.setattr(asyncio, "sleep", note)
    task = asyncio.create_task(follower.informer.run())
    async with asyncio.timeout(120):
        await enough.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert pauses[5] > 5 * pauses[0]  # half of 5 s at the least, after 0.4 s at the most


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not holds():  # noqa: ASYNC110 - the server's own counters
            await asyncio.sleep(0.01)
