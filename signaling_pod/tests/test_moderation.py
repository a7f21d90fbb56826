"""What a moderator may do, and what those concerned are told."""

from rotunda_contract.signaling import requests
from rotunda_signaling.service.connection import Connection
from rotunda_signaling.testing import Guest, Stage

AUDIO = {"codecs": [{"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}]}


async def moderator_in(stage: Stage) -> Connection:
    moderator = stage.moderator()
    await moderator.answer("join", requests.JoinRequest(room="standup", display_name="Mo"))
    return moderator


async def publish(guest: Guest) -> str:
    transport = await guest.ask("createWebRtcTransport", {"direction": "send"})
    made = await guest.ask(
        "produce", {"transportId": transport["id"], "kind": "audio", "rtpParameters": AUDIO}
    )
    return str(made["id"])


async def test_a_muted_producers_owner_is_told_why(stage: Stage) -> None:
    ada, bob, moderator = await stage.joined("Ada"), await stage.joined("Bob"), await moderator_in(stage)
    producer = await publish(ada)
    await moderator.answer("muteProducer", requests.ProducerRequest(producer_id=producer))
    told = {"participantId": ada.id, "producerId": producer, "reason": "moderator"}
    assert await ada.expect("producerPaused") == told
    assert await bob.expect("producerPaused") == told


async def test_somebody_who_is_removed_is_told_and_may_come_back(stage: Stage) -> None:
    ada, bob, moderator = await stage.joined("Ada"), await stage.joined("Bob"), await moderator_in(stage)
    await moderator.answer("removeParticipant", requests.RemoveParticipantRequest(participant_id=bob.id))
    assert await bob.expect("removed") == {"reason": "moderator"}
    assert await ada.expect("participantLeft") == {"participantId": bob.id, "reason": "removed"}
    assert (await bob.ask("chat", {"text": "hi"}))["error"]["code"] == "not_joined"
    assert bob.named("participantLeft") == []
    first = bob.id
    assert (await bob.join(name="Bob")).id != first


async def test_a_closed_room_is_over_for_everybody(stage: Stage) -> None:
    ada, moderator = await stage.joined("Ada"), await moderator_in(stage)
    await moderator.answer("closeRoom", requests.EmptyRequest())
    assert await ada.expect("roomClosed") == {"reason": "closed", "rejoin": False}
    assert moderator.session is None
    await ada.join(name="Ada")
    assert ada.joined["participants"] == []
