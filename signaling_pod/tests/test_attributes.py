"""What people show of themselves, and what others are told of their sockets."""

import asyncio

import pytest

from rotunda_base.rates import Rate
from rotunda_contract.pb import events_pb2
from rotunda_contract.signaling.common import MAX_ATTRIBUTES
from rotunda_signaling.testing import Guest, Stage

RAISED = "2026-12-01T09:00:00.000Z"
FEW = Rate(burst=2, per_second=1 / 3600)


async def drop(stage: Stage, guest: Guest) -> None:
    """Cuts the socket without a word, and waits until the node knows."""
    lost = sum(name == "disconnect" for name, _ in stage.node.calls)
    await guest.sio.eio.disconnect(abort=True)
    await stage.node.called("disconnect", lost + 1)


async def test_a_raised_hand_is_told_to_everybody_and_a_lowered_one_is_gone(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    assert await ada.ask("setAttributes", {"attributes": {"hand": RAISED, "role": "speaker"}}) == {}
    both = {"participantId": ada.id, "attributes": {"hand": RAISED, "role": "speaker"}}
    assert await bob.expect("participantUpdated") == both
    assert await ada.expect("participantUpdated") == both
    late = await stage.joined("Late")
    assert late.joined["participants"][0]["attributes"] == {"hand": RAISED, "role": "speaker"}
    await ada.ask("setAttributes", {"attributes": {"hand": None}})
    assert await late.expect("participantUpdated") == {"participantId": ada.id, "attributes": {"hand": None}}
    later = await stage.joined("Later")
    assert later.joined["participants"][0]["attributes"] == {"role": "speaker"}


async def test_a_resumed_seat_keeps_its_hand(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    await ada.ask("setAttributes", {"attributes": {"hand": RAISED}})
    await drop(stage, ada)
    again = await stage.joined("Ada", seat=ada.joined["seat"])
    assert again.joined["self"]["attributes"] == {"hand": RAISED}


async def test_a_reaction_is_told_to_the_others_and_kept_nowhere(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    assert await ada.ask("react", {"name": " heart "}) == {}
    assert await bob.expect("reaction") == {"participantId": ada.id, "name": "heart"}
    await ada.settle()
    assert ada.named("reaction") == []
    late = await stage.joined("Late")
    await late.settle()
    assert late.named("reaction") == []


async def test_too_many_attributes_are_told(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    many = {f"a{number}": "x" for number in range(MAX_ATTRIBUTES)}
    assert await ada.ask("setAttributes", {"attributes": many}) == {}
    refused = (await ada.ask("setAttributes", {"attributes": {"hand": RAISED}}))["error"]
    assert refused["code"] == "limit_exceeded"
    assert "at most 16" in refused["message"]


@pytest.mark.parametrize(
    ("request_name", "payload", "rate"),
    [
        ("react", {"name": "heart"}, "REACTION_RATE"),
        ("react", {"name": "heart"}, "ROOM_REACTION_RATE"),
        ("setAttributes", {"attributes": {"hand": RAISED}}, "ATTRIBUTES_RATE"),
        ("setAttributes", {"attributes": {"hand": RAISED}}, "ROOM_ATTRIBUTES_RATE"),
    ],
)
async def test_who_is_too_fast_is_told_when_to_try_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, request_name: str, payload: object, rate: str
) -> None:
    monkeypatch.setattr(f"rotunda_signaling.service.people_requests.{rate}", FEW)
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    elsewhere = await stage.joined("Dan", "another")
    who = [ada, ada, ada, bob, elsewhere]
    answers = [await guest.ask(request_name, payload) for guest in who]
    of_the_room = rate.startswith("ROOM")
    assert ["error" in answer for answer in answers] == [False, False, True, of_the_room, False]
    assert answers[2]["error"]["code"] == "rate_limited"
    assert answers[2]["error"]["retryAfterMs"] > 0


async def test_a_room_that_claps_tells_no_more_than_its_rate(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rotunda_signaling.service.people_requests.ROOM_REACTION_RATE", Rate(8, 1 / 3600))
    crowd = [await stage.joined(f"Fan {number}") for number in range(6)]
    answers = [await fan.ask("react", {"name": "clap"}) for fan in crowd for _ in range(4)]
    assert sum("error" not in answer for answer in answers) == 8
    silent = crowd[5]
    await silent.settle()
    assert len(silent.named("reaction")) == 8


async def test_the_others_are_told_that_a_socket_is_lost_and_back(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    await drop(stage, bob)
    stage.node.room("standup").tell_lost()
    assert await ada.expect("participantConnection") == {"participantId": bob.id, "state": "lost"}
    late = await stage.joined("Late")
    states = {each["participantId"]: each["connectionLost"] for each in late.joined["participants"]}
    assert states == {ada.id: False, bob.id: True}
    again = await stage.joined("Bob", seat=bob.joined["seat"])
    for guest, count in ((ada, 2), (late, 1)):
        back = await guest.expect("participantConnection", count)
        assert back == {"participantId": bob.id, "state": "back"}
    await again.settle()
    assert again.named("participantConnection") == []


async def test_what_changed_while_the_stream_was_broken_is_told(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    await bob.ask("setAttributes", {"attributes": {"hand": RAISED, "role": "speaker", "mood": "good"}})
    await ada.expect("participantUpdated")
    await drop(stage, bob)
    room = stage.node.room("standup")
    watched = sum(name == "watch_room" for name, _ in stage.node.calls)
    gate = stage.node.gates["watch_room"] = asyncio.Event()
    room.break_streams()
    await stage.node.called("watch_room", watched + 1)
    change = events_pb2.AttributeChange
    room.set_attributes(bob.id, [change(name="hand"), change(name="role", value="host")])
    room.tell_lost()
    gate.set()
    assert await ada.expect("participantConnection") == {"participantId": bob.id, "state": "lost"}
    missed = {"participantId": bob.id, "attributes": {"hand": None, "role": "host"}}
    assert ada.named("participantUpdated")[1:] == [missed]


async def test_nobody_is_told_of_their_own_socket(stage: Stage) -> None:
    """The news of a lost socket may come when its owner has the seat again."""
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    told = events_pb2.ParticipantConnection(participant_id=bob.id, state="lost")
    stage.node.room("standup").emit(participant_connection=told)
    await ada.expect("participantConnection")
    await bob.settle()
    assert bob.named("participantConnection") == []
