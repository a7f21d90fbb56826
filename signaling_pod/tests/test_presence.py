"""Who is in the room, and what they publish: told to everybody else, once."""

from rotunda_signaling.testing import Stage


async def test_join_answers_where_one_has_come_to(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    answer = ada.joined
    assert answer["room"] == {"name": "standup", "displayName": "standup", "maxParticipants": 50}
    assert answer["participants"] == []
    assert answer["iceServers"] == []
    assert answer["permissions"] == ["publish", "subscribe", "chat"]
    assert answer["protocol"] == 1
    assert answer["resumed"] is False
    assert answer["reconnectGrace"] == 30
    assert [codec["mimeType"] for codec in answer["routerRtpCapabilities"]["codecs"]] == [
        "audio/opus",
        "video/VP8",
    ]
    assert "self" not in answer
    assert answer["token"]  # a guest's, for the HTTP API


async def test_others_are_told_of_a_newcomer_who_is_told_of_them(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    bob = await stage.joined("Bob")
    assert await ada.expect("participantJoined") == {
        "participantId": bob.id,
        "kind": "person",
        "displayName": "Bob",
        "producers": [],
        "dataProducers": [],
        "attributes": {},
        "connectionLost": False,
    }
    assert [person["participantId"] for person in bob.joined["participants"]] == [ada.id]
    await bob.settle()
    assert bob.named("participantJoined") == []


async def test_chat_goes_to_all_others_and_private_chat_to_one(stage: Stage) -> None:
    ada, bob, eve = [await stage.joined(name) for name in ("Ada", "Bob", "Eve")]
    answer = await ada.ask("chat", {"text": "hello"})
    heard = await bob.expect("chat")
    assert heard == {
        "id": answer["id"],
        "from": ada.id,
        "displayName": "Ada",
        "text": "hello",
        "sentAt": answer["sentAt"],
    }
    await eve.expect("chat")
    await ada.ask("chat", {"text": "psst", "to": bob.id})
    private = await bob.expect("chat", 2)
    assert (private["text"], private["to"]) == ("psst", bob.id)
    await eve.settle()
    await ada.settle()
    assert len(eve.named("chat")) == 1
    assert ada.named("chat") == []
