"""Rooms of one machine, and whom moderators removed, outlast the process as the messages do."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from harness.postgres_server import PostgresServer

from rotunda_contract.errors import NotFound, Unavailable
from rotunda_contract.ids import ProcessId, RoomName
from rotunda_signaling.auth.testing import KEY, api_token, token
from rotunda_signaling.backing import for_one_process
from rotunda_signaling.directory import RoomSettings
from rotunda_signaling.directory.local import LocalDirectory, LocalNode
from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.store.history import SqlHistory
from rotunda_signaling.store.rooms import NoRooms
from rotunda_signaling.testing import WAIT, Stage

API = {"Authorization": f"Bearer {api_token()}"}
ROOM = RoomName("board")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / KEY.id).write_bytes(KEY.secret)
    return tmp_path / "keys"


@asynccontextmanager
async def process(directory: Path, **settings: object) -> AsyncIterator[Stage]:
    """One life of a server with a data directory."""
    stage = Stage(SignalingSettings.model_validate({"data_directory": directory / "data", **settings}))
    await stage.start()
    try:
        yield stage
    finally:
        await stage.stop()


async def says(stage: Stage, text: str, **claims: object) -> None:
    guest = await (await stage.guest(auth={"token": token(room=ROOM, **claims)})).join(ROOM)
    assert "stored" not in await guest.ask("chat", {"text": text})


async def test_a_room_that_takes_a_token_does_so_after_a_restart(tmp_path: Path, keys: Path) -> None:
    opened = {"api_keys_directory": keys, "access": "Open"}
    async with process(tmp_path, **opened) as first, first.http(headers=API) as http:
        room = {"name": ROOM, "access": "Token", "displayName": "Board", "maxParticipants": 7}
        made = (await http.post("/api/v1/rooms", json=room)).json()
        await says(first, "secret")
    async with process(tmp_path, **opened) as second, second.http() as http:
        stranger = await (await second.guest()).ask("join", {"room": ROOM, "displayName": "Eve"})
        assert stranger["error"]["code"] == "unauthorized"
        assert (await http.get(f"/api/v1/rooms/{ROOM}/messages")).status_code == 401
        assert (await http.get(f"/api/v1/rooms/{ROOM}", headers=API)).json() == {
            **made,
            "joinURL": f"{second.url}/r/{ROOM}",
        }
        page = (await http.get(f"/api/v1/rooms/{ROOM}/messages", headers=API)).json()
        assert [message["text"] for message in page["messages"]] == ["secret"]


async def test_a_room_made_anew_reads_nothing_of_the_deleted_one(tmp_path: Path, keys: Path) -> None:
    opened = {"api_keys_directory": keys, "access": "Open"}
    async with process(tmp_path, **opened) as first, first.http(headers=API) as http:
        await http.post("/api/v1/rooms", json={"name": ROOM, "access": "Token"})
        await says(first, "secret")
        assert (await http.delete(f"/api/v1/rooms/{ROOM}")).status_code == 204
        eve = await (await first.guest()).join(ROOM, "Eve")
        bearer = {"Authorization": f"Bearer {eve.joined['token']}"}
        page = (await http.get(f"/api/v1/rooms/{ROOM}/messages", headers=bearer)).json()
        assert page["messages"] == []
    async with process(tmp_path, **opened) as second:
        eve = await (await second.guest()).join(ROOM, "Eve")
        async with second.http(headers={"Authorization": f"Bearer {eve.joined['token']}"}) as http:
            assert (await http.get(f"/api/v1/rooms/{ROOM}/messages")).json()["messages"] == []


async def test_a_deleted_room_is_not_back_after_a_restart(tmp_path: Path) -> None:
    async with process(tmp_path) as first:
        await first.directory.create(ROOM, RoomSettings())
        await first.directory.delete(ROOM)
    async with process(tmp_path) as second:
        with pytest.raises(NotFound):
            await second.directory.get(ROOM)


async def test_a_room_made_on_join_keeps_its_chat_and_ends_when_it_stays_empty(tmp_path: Path) -> None:
    async with process(tmp_path) as first:
        guest = await first.joined(room=ROOM)
        await guest.ask("chat", {"text": "before"})
        before = await first.directory.get(ROOM)
    async with process(tmp_path) as second, second.http() as http:
        assert await second.directory.get(ROOM) == before
        page = (await http.get(f"/api/v1/rooms/{ROOM}/messages")).json()
        assert [message["text"] for message in page["messages"]] == ["before"]
        directory = second.directory
        assert isinstance(directory, LocalDirectory)
        assert directory._entries[ROOM].expiry is not None


async def test_who_was_removed_stays_out_and_reads_nothing_after_a_restart(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = {"api_keys_directory": keys}
    shown = {"Authorization": f"Bearer {token(room=ROOM, identity='eve')}"}
    async with process(tmp_path, **guarded) as first, first.http(headers=API) as http:
        await http.post("/api/v1/rooms", json={"name": ROOM})
        await says(first, "about eve", identity="ada")
        eve = await (await first.guest(auth={"token": token(room=ROOM, identity="eve")})).join(ROOM)
        claims = token(room=ROOM, identity="mo", grants=["moderate"])
        moderator = await (await first.guest(auth={"token": claims})).join(ROOM)
        assert await moderator.ask("removeParticipant", {"participantId": eve.id}) == {}
        await eve.expect("removed")
    async with process(tmp_path, **guarded) as second, second.http(headers=shown) as http:
        assert (await http.get(f"/api/v1/rooms/{ROOM}/messages")).status_code == 403
        with monkeypatch.context() as away:
            away.setattr(second.backing.history, "removals", AsyncMock(return_value=None))
            unknown = await http.get(f"/api/v1/rooms/{ROOM}/messages")
            assert (unknown.status_code, unknown.json()["error"]["code"]) == (503, "unavailable")
        back = await second.guest(auth={"token": token(room=ROOM, identity="eve")})
        refused = await back.ask("join", {"room": ROOM, "displayName": "Eve"})
        assert refused["error"]["code"] == "forbidden"
        await says(second, "hello", identity="ada")


async def test_a_room_that_cannot_be_kept_is_not_made(tmp_path: Path) -> None:
    backing = for_one_process(SignalingSettings(data_directory=tmp_path))
    assert backing.rooms is not None
    node = LocalNode("local", "address", ProcessId("process"))
    directory = LocalDirectory(node, kept=backing.rooms)
    backing.history._queue._most = 0  # type: ignore[attr-defined]
    with pytest.raises(Unavailable, match="was not made"):
        await directory.create(ROOM, RoomSettings(access="Token"))
    assert await directory.list() == []


async def test_rooms_are_not_written_where_nothing_outlasts_the_process() -> None:
    backing = for_one_process(SignalingSettings())
    assert backing.rooms is not None
    directory = LocalDirectory(LocalNode("local", "address", ProcessId("process")), kept=backing.rooms)
    await directory.create(ROOM, RoomSettings())
    assert isinstance(backing.history, SqlHistory)
    assert backing.history.waiting == 0


async def test_a_database_that_cannot_be_read_is_told_and_left(tmp_path: Path) -> None:
    (tmp_path / "messages.sqlite3").write_bytes(b"no database" * 1000)
    backing = for_one_process(SignalingSettings(data_directory=tmp_path))
    assert backing.rooms is not None
    with pytest.raises(NoRooms, match="not a database"):
        await backing.rooms.load()


_SPEAKER = """
import asyncio, os, signal, sys
from pathlib import Path
from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.testing import Stage

async def main() -> None:
    stage = await Stage(SignalingSettings(**{sys.argv[1]: sys.argv[2]})).start()
    guest = await stage.joined(room="board")
    await asyncio.gather(*(guest.ask("chat", {"text": str(number)}) for number in range(50)))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("kept_in", ["data_directory", "database_url"])
async def test_what_is_acknowledged_survives_a_kill(kept_in: str, tmp_path: Path) -> None:
    with PostgresServer() if kept_in == "database_url" else nullcontext() as server:
        place = server.url if server is not None else str(tmp_path / "data")
        await check_a_kill(kept_in, place)


async def check_a_kill(kept_in: str, place: str) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SPEAKER, kept_in, place, env=dict(os.environ)
    )
    assert await child.wait() == -signal.SIGKILL
    stage = await Stage(SignalingSettings.model_validate({kept_in: place})).start()
    async with stage.http() as http:
        page = (await http.get(f"/api/v1/rooms/{ROOM}/messages", params={"limit": 100})).json()
    await stage.stop()
    assert [message["text"] for message in page["messages"]] == [str(number) for number in range(50)]
    assert page["complete"] is True


async def test_what_cannot_be_stored_now_is_acknowledged_as_that(tmp_path: Path) -> None:
    """And nobody waits for a database that is away, or that hangs."""
    async with process(tmp_path) as stage:
        history = stage.backing.history
        assert isinstance(history, SqlHistory)
        ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
        assert "stored" not in await ada.ask("chat", {"text": "stored"})
        async with history._engine.connect():  # of which there is one: a write waits for it
            hangs = await ada.ask("chat", {"text": "hangs"})
            history._queue.failed()
            history._failed("writing", OSError("away"))
            away = await ada.ask("chat", {"text": "away"})
            await bob.expect("chat", 3)
        assert (hangs["stored"], away["stored"]) == (False, False)
        async with asyncio.timeout(WAIT):
            while history.waiting:  # noqa: ASYNC110 -- the database is another thread
                await asyncio.sleep(0.01)
        assert "stored" not in await ada.ask("chat", {"text": "stored again"})
