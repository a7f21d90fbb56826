"""Lost sockets, resumed seats, take-overs, leaving."""

from rotunda_signaling.testing import Guest, MakeStage, Stage


async def drop(guest: Guest) -> None:
    """Cuts the socket without a word."""
    await guest.sio.eio.disconnect(abort=True)


async def test_a_lost_socket_that_is_back_at_once_keeps_its_seat_and_nobody_is_told(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    transport = await bob.ask("createWebRtcTransport", {"direction": "send"})
    await drop(bob)
    again = await stage.joined("Bob", seat=bob.joined["seat"])
    assert again.joined["resumed"] is True
    assert again.id == bob.id
    assert again.joined["self"] == {
        "transports": [{"transportId": transport["id"], "direction": "send"}],
        "producers": [],
        "consumers": [],
        "dataProducers": [],
        "dataConsumers": [],
        "attributes": {},
    }
    await ada.settle()
    assert [name for name, _ in ada.events] == ["participantJoined"]


async def test_others_are_told_when_the_seat_has_expired(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    await drop(bob)
    await stage.node.called("disconnect")
    await ada.settle()
    stage.node.room("standup").expire_seats()
    assert await ada.expect("participantLeft") == {"participantId": bob.id, "reason": "disconnected"}
    again = await stage.joined("Bob", seat=bob.joined["seat"])
    assert again.joined["resumed"] is False
    assert again.id != bob.id
    assert "self" not in again.joined


async def test_a_second_socket_with_the_seat_takes_over(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    second = await stage.joined("Bob", seat=bob.joined["seat"])
    assert second.id == bob.id
    assert await bob.expect("removed") == {"reason": "taken_over"}
    await bob.expect("disconnect")
    await ada.ask("chat", {"text": "hello"})
    await second.expect("chat")
    await ada.settle()
    assert ada.named("participantLeft") == []
    assert stage.node.room("standup").people[bob.id].connection_id is not None


async def test_leaving_frees_the_socket_for_somebody_new(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    first = bob.id
    assert await bob.ask("leave", {}) == {}
    assert await ada.expect("participantLeft") == {"participantId": first, "reason": "left"}
    assert (await bob.ask("leave", {}))["error"]["code"] == "not_joined"
    await bob.join(name="Robert")
    assert bob.id != first
    assert (await ada.expect("participantJoined", 2))["displayName"] == "Robert"
    await bob.settle()
    assert bob.named("participantLeft") == []


async def test_a_full_room_says_so(make_stage: MakeStage) -> None:
    stage = await make_stage(max_participants=1)
    await stage.joined("Ada")
    bob = await stage.guest()
    answer = await bob.ask("join", {"room": "standup", "displayName": "Bob"})
    assert answer["error"]["code"] == "room_full"
    elsewhere = await bob.join("other")
    assert elsewhere.joined["room"]["name"] == "other"
