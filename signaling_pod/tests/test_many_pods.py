"""One room with people on two signaling processes, which share a Redis and the room's media node."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import socketio  # type: ignore[import-untyped]
from harness.redis_server import RedisServer

from rotunda_contract.ids import ProcessId
from rotunda_signaling.backing import for_many_processes
from rotunda_signaling.directory.local import LocalDirectory, LocalNode
from rotunda_signaling.fanout import redis as fanout
from rotunda_signaling.media_node.fake import FakeMediaNode
from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.testing import Stage

WAIT = 60.0


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    monkeypatch.setattr(fanout, "ANSWER_SECONDS", WAIT)  # a busy machine is not a Redis that is away
    with RedisServer(tmp_path) as running:
        yield running


@dataclass
class Pods:
    one: Stage
    two: Stage


@pytest.fixture
async def pods(server: RedisServer) -> AsyncIterator[Pods]:
    settings = SignalingSettings(redis_url=server.url, namespace="calls")
    node = FakeMediaNode()
    directory = LocalDirectory(LocalNode("local", "fake", ProcessId(node.process_id)))
    stages = [
        await Stage(settings, directory, backing=for_many_processes(settings), node=node).start()
        for _ in range(2)
    ]
    for stage in stages:
        await degraded(stage, False)
    yield Pods(*stages)
    for stage in stages:
        await stage.stop()


async def readiness(stage: Stage) -> Any:
    async with stage.http() as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 200
        return answer.json()


async def degraded(stage: Stage, wanted: bool) -> None:
    """Waits until the process says that Redis is away, or that it is not."""
    async with asyncio.timeout(WAIT):
        while ("degraded" in await readiness(stage)) is not wanted:  # noqa: ASYNC110 -- Redis's connection
            await asyncio.sleep(0.02)


async def test_everybody_hears_of_everything_once(pods: Pods) -> None:
    ada, ben, cleo = await pods.one.joined("Ada"), await pods.two.joined("Ben"), await pods.one.joined("Cleo")
    await ada.expect("participantJoined", 2)
    answer = await ada.ask("chat", {"text": "hello"})
    assert "delayed" not in answer
    heard = {"id": answer["id"], "from": ada.id, "displayName": "Ada", "text": "hello"}
    for guest in (ben, cleo):
        assert (await guest.expect("chat")).items() >= heard.items()
    await ben.ask("chat", {"text": "psst", "to": ada.id})
    await ben.ask("chat", {"text": "and all"})
    await ada.expect("chat", 2)
    await cleo.expect("chat", 2)
    assert [chat["text"] for chat in ada.named("chat")] == ["psst", "and all"]
    assert [chat["text"] for chat in cleo.named("chat")] == ["hello", "and all"]
    assert [chat["text"] for chat in ben.named("chat")] == ["hello"]
    await ben.ask("leave", {})
    for guest in (ada, cleo):
        await guest.expect("participantLeft")
        assert len(guest.named("participantLeft")) == 1


async def test_a_hand_raised_at_one_process_is_seen_at_the_other(pods: Pods) -> None:
    ada, ben = await pods.one.joined("Ada"), await pods.two.joined("Ben")
    await ada.ask("setAttributes", {"attributes": {"hand": "2026-12-01T09:00:00.000Z"}})
    raised = {"participantId": ada.id, "attributes": {"hand": "2026-12-01T09:00:00.000Z"}}
    assert await ben.expect("participantUpdated") == raised
    late = await pods.two.joined("Late")
    told = {each["participantId"]: each["attributes"] for each in late.joined["participants"]}
    assert told == {ada.id: raised["attributes"], ben.id: {}}
    await ben.ask("react", {"name": "heart"})
    assert await ada.expect("reaction") == {"participantId": ben.id, "name": "heart"}
    await ada.ask("setAttributes", {"attributes": {"hand": None}})
    assert (await ben.expect("participantUpdated", 2))["attributes"] == {"hand": None}
    await ada.sio.eio.disconnect(abort=True)
    await pods.one.node.called("disconnect")
    pods.one.node.room("standup").tell_lost()
    assert await ben.expect("participantConnection") == {"participantId": ada.id, "state": "lost"}
    await pods.two.joined("Ada", seat=ada.joined["seat"])
    assert await ben.expect("participantConnection", 2) == {"participantId": ada.id, "state": "back"}


async def test_a_seat_is_taken_again_at_another_process(pods: Pods) -> None:
    ada, ben = await pods.one.joined("Ada"), await pods.one.joined("Ben")
    await ben.sio.eio.disconnect(abort=True)
    again = await pods.two.joined("Ben", seat=ben.joined["seat"])
    assert (again.joined["resumed"], again.id) == (True, ben.id)
    await ada.ask("chat", {"text": "still there?"})
    assert (await again.expect("chat"))["from"] == ada.id
    await again.ask("chat", {"text": "yes"})
    await ada.expect("chat")
    assert ada.named("participantLeft") == []


async def test_without_redis_chat_reaches_who_is_here_and_says_so(pods: Pods, server: RedisServer) -> None:
    ada, ben, cleo = await pods.one.joined("Ada"), await pods.one.joined("Ben"), await pods.two.joined("Cleo")
    await ada.expect("participantJoined", 2)
    await cleo.ask("chat", {"text": "before"})
    await ben.expect("chat")
    server.stop()
    for stage in (pods.one, pods.two):
        await degraded(stage, True)

    answer = await ada.ask("chat", {"text": "half"})
    assert answer["delayed"] == 1
    assert (await ben.expect("chat", 2))["text"] == "half"
    refused = (await cleo.ask("chat", {"text": "nobody"}))["error"]
    assert (refused["code"], refused["retryAfterMs"]) == ("unavailable", 2000)
    refused = (await ada.ask("chat", {"text": "private", "to": cleo.id}))["error"]
    assert refused["code"] == "unavailable"
    assert "delayed" not in await ada.ask("chat", {"text": "here", "to": ben.id})

    server.start()
    for stage in (pods.one, pods.two):
        await degraded(stage, False)
    assert (await cleo.expect("chat"))["text"] == "half"
    assert "delayed" not in await cleo.ask("chat", {"text": "after"})
    await ada.expect("chat", 2)
    assert [chat["text"] for chat in ada.named("chat")] == ["before", "after"]
    assert [chat["text"] for chat in cleo.named("chat")] == ["half"]


async def test_polling_is_refused_and_why_is_said(pods: Pods) -> None:
    async with pods.one.http() as client:
        for query in ("?EIO=4&transport=polling", "?EIO=4", "?EIO=4&transport=websocket"):
            answer = await client.get(f"/socket.io/{query}")
            assert answer.status_code == 400
            assert "WebSocket connections only" in answer.json()["message"]
        assert (await client.get("/api/v1/rooms")).status_code == 200
    with pytest.raises(socketio.exceptions.ConnectionError):
        await socketio.AsyncClient(reconnection=False).connect(pods.one.url, transports=["polling"])


async def test_without_a_database_no_history_is_kept_and_that_is_said(pods: Pods) -> None:
    ada = await pods.one.joined("Ada")
    await ada.ask("chat", {"text": "hello"})
    async with pods.one.http() as client:
        page = (await client.get("/api/v1/rooms/standup/messages")).json()
    assert page == {"messages": [], "hasMore": False, "complete": False}
