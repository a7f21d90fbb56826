"""What one network may make and one room may say."""

from contextlib import suppress
from pathlib import Path

import pytest

from rotunda_base.rates import Rate
from rotunda_contract.errors import RateLimited
from rotunda_contract.ids import RoomName
from rotunda_signaling.auth.testing import KEY, token
from rotunda_signaling.service.rooms import Rooms
from rotunda_signaling.testing import MakeStage, Stage

FEW = Rate(burst=2, per_second=1 / 3600)


async def joins(stage: Stage, room: str, **auth: object) -> str:
    """`ok` or the error's code."""
    answer = await (await stage.guest(auth=auth or None)).ask("join", {"room": room, "displayName": "Ada"})
    return str(answer["error"]["code"]) if "error" in answer else "ok"


async def test_one_address_makes_so_many_rooms_and_enters_any(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rotunda_signaling.service.rooms.ROOM_MAKING_RATE", FEW)
    assert [await joins(stage, room) for room in ("a", "b", "c")] == ["ok", "ok", "rate_limited"]
    assert [await joins(stage, room) for room in ("a", "b")] == ["ok", "ok"]
    assert [room.name for room in await stage.directory.list()] == ["a", "b"]


async def test_a_token_makes_its_room(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rotunda_signaling.service.rooms.ROOM_MAKING_RATE", Rate(burst=0, per_second=1e-9))
    (tmp_path / KEY.id).write_bytes(KEY.secret)
    stage = await make_stage(api_keys_directory=tmp_path, access="Open")
    assert await joins(stage, "a") == "rate_limited"
    assert await joins(stage, "standup", token=token()) == "ok"


async def test_the_addresses_of_one_network_count_together(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rotunda_signaling.service.rooms.ROOM_MAKING_RATE", FEW)
    rooms: Rooms = stage.signaling.rooms
    made = []
    for number, maker in enumerate(("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")):
        with suppress(RateLimited):
            await rooms.enter(RoomName(f"room-{number}"), maker=maker)
            made.append(number)
    assert made == [0, 1, 3]


async def test_the_people_of_a_room_share_its_chat_rate(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rotunda_signaling.service.people_requests.ROOM_CHAT_RATE", FEW)
    people = [await stage.joined(name) for name in ("Ada", "Bob", "Cleo")]
    elsewhere = await stage.joined("Dan", "another")
    answers = [await guest.ask("chat", {"text": "x"}) for guest in (*people, elsewhere)]
    assert ["error" in answer for answer in answers] == [False, False, True, False]
    assert answers[2]["error"]["code"] == "rate_limited"
    assert answers[2]["error"]["retryAfterMs"] > 0
