"""What a moderator may do, and what those concerned are told."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from rotunda_signaling.auth.testing import KEY, token
from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.testing import Guest, MakeStage, Stage

AUDIO = {"codecs": [{"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}]}


@pytest.fixture
async def keyed(make_stage: MakeStage, tmp_path: Path) -> Stage:
    (tmp_path / KEY.id).write_bytes(KEY.secret)
    return await make_stage(api_keys_directory=tmp_path, access="Open")


async def person(stage: Stage, identity: str, *grants: str, **more: Any) -> Guest:
    shown = token(identity=identity, grants=list(grants or ("publish", "subscribe", "chat")))
    return await (await stage.guest(auth={"token": shown})).join(name=identity.title(), **more)


async def moderator(stage: Stage) -> Guest:
    return await person(stage, "mo", "moderate", "subscribe")


async def publish(guest: Guest) -> str:
    transport = await guest.ask("createWebRtcTransport", {"direction": "send"})
    made = await guest.ask(
        "produce", {"transportId": transport["id"], "kind": "audio", "rtpParameters": AUDIO}
    )
    return str(made["id"])


async def refused(guest: Guest, **payload: Any) -> tuple[str, str]:
    answer = await guest.ask("join", {"room": "standup", "displayName": "Eve", **payload})
    return answer["error"]["code"], answer["error"]["message"]


REMOVED = ("forbidden", "a moderator removed you from this room")


async def test_a_muted_producers_owner_is_told_why(keyed: Stage) -> None:
    ada, bob, mo = await keyed.joined("Ada"), await keyed.joined("Bob"), await moderator(keyed)
    producer = await publish(ada)
    assert await mo.ask("muteProducer", {"producerId": producer}) == {}
    told = {"participantId": ada.id, "producerId": producer, "reason": "moderator"}
    for guest in (ada, bob, mo):
        assert await guest.expect("producerPaused") == told
    assert await ada.ask("resumeProducer", {"producerId": producer}) == {}
    await bob.expect("producerResumed")
    assert (await mo.ask("muteProducer", {"producerId": "none"}))["error"]["code"] == "not_found"


async def test_somebody_who_is_removed_is_told_and_the_others_too(keyed: Stage) -> None:
    ada, eve, mo = await keyed.joined("Ada"), await person(keyed, "eve"), await moderator(keyed)
    assert await mo.ask("removeParticipant", {"participantId": eve.id}) == {}
    assert await eve.expect("removed") == {"reason": "moderator"}
    for guest in (ada, mo):
        assert await guest.expect("participantLeft") == {"participantId": eve.id, "reason": "removed"}
    assert (await eve.ask("chat", {"text": "hi"}))["error"]["code"] == "not_joined"
    assert eve.named("participantLeft") == []


async def test_who_was_removed_cannot_come_back_by_token_or_seat(keyed: Stage) -> None:
    mo = await moderator(keyed)
    shown = token(identity="eve")
    eve = await (await keyed.guest(auth={"token": shown})).join(name="Eve")
    seat = eve.joined["seat"]
    await mo.ask("removeParticipant", {"participantId": eve.id})
    await eve.expect("removed")
    assert await refused(eve) == REMOVED
    for auth in ({"token": shown}, {"token": token(identity="eve")}):
        assert await refused(await keyed.guest(auth=auth)) == REMOVED
        assert await refused(await keyed.guest(auth=auth), seat=seat) == REMOVED
    assert await refused(await keyed.guest(), seat=seat) == REMOVED
    assert await refused(await keyed.guest(auth={"token": token(identity="other")}), seat=seat) == REMOVED
    elsewhere = await keyed.guest(auth={"token": token(identity="eve", room="other")})
    assert (await elsewhere.join("other")).joined["participants"] == []


async def test_a_lost_socket_does_not_save_from_being_removed(keyed: Stage) -> None:
    eve, mo = await person(keyed, "eve"), await moderator(keyed)
    await eve.sio.eio.disconnect(abort=True)
    await keyed.node.called("disconnect")
    assert await mo.ask("removeParticipant", {"participantId": eve.id}) == {}
    back = await keyed.guest(auth={"token": token(identity="eve")})
    assert await refused(back, seat=eve.joined["seat"]) == REMOVED


async def test_a_removed_guests_seat_and_token_are_dead(keyed: Stage) -> None:
    ada, eve, mo = await keyed.joined("Ada"), await keyed.joined("Eve"), await moderator(keyed)
    async with keyed.http() as http:

        async def read(guest: Guest) -> httpx.Response:
            headers = {"Authorization": f"Bearer {guest.joined['token']}"}
            return await http.get("/api/v1/rooms/standup", headers=headers)

        assert (await read(eve)).status_code == 200
        await mo.ask("removeParticipant", {"participantId": eve.id})
        await eve.expect("removed")
        assert await refused(await keyed.guest(), seat=eve.joined["seat"]) == REMOVED
        answer = await read(eve)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert (await read(ada)).status_code == 200


async def test_a_removed_persons_token_reads_nothing_more_over_http(keyed: Stage) -> None:
    shown = token(identity="eve")
    eve = await (await keyed.guest(auth={"token": shown})).join(name="Eve")
    mo = await moderator(keyed)
    await mo.ask("removeParticipant", {"participantId": eve.id})
    await eve.expect("removed")
    async with keyed.http() as http:
        for text in (shown, token(identity="eve")):
            answer = await http.get("/api/v1/rooms/standup", headers={"Authorization": f"Bearer {text}"})
            assert (answer.status_code, answer.json()["error"]["message"]) == (403, REMOVED[1])


async def test_a_process_that_comes_later_knows_who_was_removed(keyed: Stage) -> None:
    eve, mo = await person(keyed, "eve"), await moderator(keyed)
    await mo.ask("removeParticipant", {"participantId": eve.id})
    await eve.expect("removed")
    keyed.node.room("standup").break_streams()
    await mo.settle()
    async with keyed.http() as http:
        headers = {"Authorization": f"Bearer {token(identity='eve')}"}
        assert (await http.get("/api/v1/rooms/standup", headers=headers)).status_code == 403


async def test_a_process_without_anybody_in_the_room_knows_it_too(keyed: Stage, tmp_path: Path) -> None:
    eve, mo = await person(keyed, "eve"), await moderator(keyed)
    await mo.ask("removeParticipant", {"participantId": eve.id})
    await eve.expect("removed")
    settings = SignalingSettings(api_keys_directory=tmp_path, access="Open")
    other = await Stage(settings, keyed.directory, node=keyed.node).start()
    try:
        assert other.signaling.rooms.views == []
        async with other.http() as http:
            for identity, status in (("eve", 403), ("ada", 200)):
                headers = {"Authorization": f"Bearer {token(identity=identity)}"}
                assert (await http.get("/api/v1/rooms/standup", headers=headers)).status_code == status
        assert await refused(await other.guest(auth={"token": token(identity="eve")})) == REMOVED
    finally:
        await other.stop()


async def test_without_the_grant_nobody_moderates(keyed: Stage) -> None:
    ada, eve = await keyed.joined("Ada"), await person(keyed, "eve")
    producer = await publish(ada)
    for guest in (ada, eve):
        for name, payload in (
            ("muteProducer", {"producerId": producer}),
            ("removeParticipant", {"participantId": ada.id}),
            ("closeRoom", {}),
        ):
            assert (await guest.ask(name, payload))["error"]["code"] == "forbidden", name
    await ada.settle()
    assert [name for name, _ in ada.events] == ["participantJoined"]


async def test_a_moderator_leaves_instead_of_removing_oneself(keyed: Stage) -> None:
    mo = await moderator(keyed)
    error = (await mo.ask("removeParticipant", {"participantId": mo.id}))["error"]
    assert (error["code"], error["message"]) == (
        "bad_request",
        "participantId: is yourself: leave the room instead",
    )
    assert (await mo.ask("removeParticipant", {"participantId": "none"}))["error"]["code"] == "not_found"


async def test_a_closed_room_is_over_for_everybody(keyed: Stage) -> None:
    ada, mo = await keyed.joined("Ada"), await moderator(keyed)
    assert await mo.ask("closeRoom", {}) == {}
    for guest in (ada, mo):
        assert await guest.expect("roomClosed") == {"reason": "closed", "rejoin": False}
    await ada.join(name="Ada")
    assert ada.joined["participants"] == []
