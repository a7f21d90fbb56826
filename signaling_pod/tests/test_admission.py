"""Who may come into a room: with a token, with a seat, or with neither."""

import time
from pathlib import Path
from typing import Any

import pytest
import socketio  # type: ignore[import-untyped]

from rotunda_signaling.auth.testing import KEY, token, worthless_tokens
from rotunda_signaling.directory import RoomSettings
from rotunda_signaling.testing import Guest, MakeStage, Stage

WORTHLESS = worthless_tokens()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    (tmp_path / KEY.id).write_bytes(KEY.secret)
    return tmp_path


@pytest.fixture
async def locked(make_stage: MakeStage, keys: Path) -> Stage:
    """A server with an API key, on which a room takes nobody without a token."""
    return await make_stage(api_keys_directory=keys)


@pytest.fixture
async def open(make_stage: MakeStage, keys: Path) -> Stage:
    """A server with an API key and Open rooms."""
    return await make_stage(api_keys_directory=keys, access="Open")


async def refusal(stage: Stage, shown: object) -> dict[str, Any]:
    """What a client is told that connects with this token."""
    client = socketio.AsyncClient(reconnection=False)
    told: list[dict[str, Any]] = []
    client.on("connect_error", told.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(stage.url, auth={"token": shown}, transports=["websocket"], wait_timeout=60)
    return told[0]


async def person(stage: Stage, said: str = "Ada", seat: str | None = None, **claims: Any) -> Guest:
    guest = await stage.guest(auth={"token": token(**claims)})
    return await guest.join(name=said, **({"seat": seat} if seat else {}))


async def refused(guest: Guest, **payload: Any) -> tuple[str, str]:
    answer = await guest.ask("join", {"room": "standup", "displayName": "Ada", **payload})
    return answer["error"]["code"], answer["error"]["message"]


async def test_a_worthless_token_opens_no_socket(open: Stage) -> None:
    for what, (text, said) in WORTHLESS.items():
        told = await refusal(open, text)
        assert told["data"] == {"code": "unauthorized"}, what
        assert said in told["message"], what


async def test_a_token_says_who_comes_and_what_they_may_do(locked: Stage) -> None:
    ada = await person(locked, grants=["subscribe", "moderate"])
    assert ada.joined["permissions"] == ["subscribe", "moderate"]
    assert "token" not in ada.joined
    mo = await person(locked, said="Ada", identity="mo", name="Mo", grants=["chat"])
    assert (await ada.expect("participantJoined"))["displayName"] == "Mo"
    await mo.ask("chat", {"text": "hello"})
    assert (await ada.expect("chat"))["displayName"] == "Mo"


async def test_without_a_token_a_room_that_wants_one_takes_nobody(locked: Stage) -> None:
    guest = await locked.guest()
    code, message = await refused(guest)
    assert code == "unauthorized"
    assert message == "room 'standup' takes nobody without a token: open the link that you were sent"
    assert locked.node.calls == []
    assert await locked.directory.list() == []


async def test_a_room_that_wants_tokens_on_a_server_without_keys_says_so(make_stage: MakeStage) -> None:
    stage = await make_stage(access="Token")
    code, message = await refused(await stage.guest())
    assert code == "unauthorized"
    assert "this server has no API keys that could sign one" in message


@pytest.mark.parametrize("access", ["Open", "Token"])
async def test_a_token_for_another_room_is_refused(make_stage: MakeStage, keys: Path, access: str) -> None:
    stage = await make_stage(api_keys_directory=keys, access=access)
    guest = await stage.guest(auth={"token": token(room="other")})
    code, message = await refused(guest)
    assert code == "forbidden"
    assert message == "the token is for room 'other', not for 'standup': ask for one for this room"
    assert await stage.directory.list() == []


async def test_a_room_may_be_stricter_than_those_made_on_join(open: Stage) -> None:
    await open.directory.create("standup", RoomSettings(access="Token"))  # type: ignore[arg-type]
    assert (await refused(await open.guest()))[0] == "unauthorized"
    assert (await person(open)).joined["resumed"] is False


async def test_guests_of_an_open_room_get_what_guests_may(open: Stage) -> None:
    guest = await open.joined("Ada")
    assert guest.joined["permissions"] == ["publish", "subscribe", "chat"]
    assert guest.joined["token"]


async def test_a_token_that_expires_meanwhile_opens_nothing_more(
    locked: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = await locked.guest(auth={"token": token()})
    monkeypatch.setattr(locked.signaling.authenticator, "now", lambda: time.time() + 4000)
    code, message = await refused(guest)
    assert code == "unauthorized"
    assert message.startswith("the token has expired at ")


async def test_who_has_a_seat_comes_back_when_the_token_has_expired(
    locked: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await person(locked, grants=["chat", "moderate"])
    monkeypatch.setattr(locked.signaling.authenticator, "now", lambda: time.time() + 4000)
    again = await (await locked.guest()).join(seat=ada.joined["seat"])
    assert (again.id, again.joined["resumed"]) == (ada.id, True)
    assert again.joined["permissions"] == ["chat", "moderate"]
    assert "token" not in again.joined
    assert (await refused(await locked.guest(), seat="another"))[0] == "unauthorized"


async def test_somebody_elses_seat_is_not_taken_with_a_token(locked: Stage) -> None:
    ada = await person(locked)
    eve = await person(locked, identity="eve", seat=ada.joined["seat"])
    assert eve.id != ada.id
    assert ada.named("removed") == []


async def test_without_a_grant_its_requests_are_forbidden(locked: Stage) -> None:
    ada = await person(locked, grants=[])
    for name, payload, said in (
        ("createWebRtcTransport", {"direction": "send"}, "publishing needs the permission 'publish'"),
        ("createWebRtcTransport", {"direction": "recv"}, "receiving needs the permission 'subscribe'"),
        ("chat", {"text": "hi"}, "writing needs the permission 'chat'; you have none"),
        ("muteProducer", {"producerId": "p"}, "moderating needs the permission 'moderate'"),
        ("removeParticipant", {"participantId": "p"}, "moderating needs the permission 'moderate'"),
        ("closeRoom", {}, "moderating needs the permission 'moderate'"),
    ):
        error = (await ada.ask(name, payload))["error"]
        assert error["code"] == "forbidden", name
        assert said in error["message"], name
