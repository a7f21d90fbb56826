"""Connecting, tokens, many at once, and the server's own end."""

import asyncio

import pytest
import socketio  # type: ignore[import-untyped]

from rotunda_signaling.testing import MakeStage, Stage


@pytest.mark.parametrize("token", ["", "abc", 5, {"a": 1}])
async def test_a_token_cannot_be_valid_here(stage: Stage, token: object) -> None:
    client = socketio.AsyncClient(reconnection=False)
    told: list[object] = []
    client.on("connect_error", told.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(stage.url, auth={"token": token}, transports=["websocket"], wait_timeout=60)
    assert told == [
        {
            "message": "the token is not valid here: this server has no API keys",
            "data": {"code": "unauthorized"},
        }
    ]


@pytest.mark.parametrize("auth", [None, {}, {"token": None}, {"other": 1}])
async def test_no_token_is_fine(stage: Stage, auth: object) -> None:
    guest = await stage.guest(auth=auth)
    assert "participantId" in (await guest.join()).joined


async def test_auth_of_another_kind_is_refused(stage: Stage) -> None:
    client = socketio.AsyncClient(reconnection=False)
    told: list[dict[str, object]] = []
    client.on("connect_error", told.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(stage.url, auth="abc", transports=["websocket"], wait_timeout=60)
    assert told[0]["data"] == {"code": "bad_request"}


async def test_polling_works_and_upgrades(stage: Stage) -> None:
    guest = await stage.guest(transports=["polling", "websocket"])
    await guest.join()
    assert guest.sio.transport() == "websocket"
    other = await stage.guest(transports=["polling"])
    await other.join(name="Bob")
    await guest.expect("participantJoined")


async def test_a_hundred_join_at_once_and_hear_of_each_other(make_stage: MakeStage) -> None:
    stage = await make_stage(max_participants=100)
    guests = await asyncio.gather(*(stage.guest() for _ in range(100)))
    await asyncio.gather(*(guest.join(name=f"Guest {index}") for index, guest in enumerate(guests)))
    assert [name for name, _ in stage.node.calls].count("open_room") == 1
    everyone = {guest.id for guest in guests}
    assert len(everyone) == 100
    for guest in guests:
        known = {person["participantId"] for person in guest.joined["participants"]}
        await guest.expect("participantJoined", 99 - len(known))
        told = [payload["participantId"] for payload in guest.named("participantJoined")]
        assert len(told) == len(set(told))
        assert known | set(told) | {guest.id} == everyone
        assert not known & set(told)


async def test_stopping_disconnects_everybody(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    await stage.signaling.shutdown()
    await ada.expect("disconnect")
    assert stage.node.room("standup").people[ada.id].connection_id is None
