"""What people show of themselves: attributes, which stay, and reactions, which do not."""

import pytest

from rotunda_contract.errors import LimitExceeded, NotFound
from rotunda_contract.ids import ConnectionId, WatcherId
from rotunda_contract.pb.events_pb2 import RoomEvent
from rotunda_contract.signaling.common import MAX_ATTRIBUTES
from rotunda_sfu.fake_node import FakeNode

RAISED = "2026-12-01T09:00:00.000Z"


def changes(event: RoomEvent) -> dict[str, str | None]:
    told = event.participant_updated.attributes
    return {each.name: each.value if each.HasField("value") else None for each in told}


async def test_what_changed_is_told_and_nothing_else() -> None:
    room = FakeNode().open()
    ada = room.join("Ada").participant
    await room.events()
    room.room.set_attributes(ada.id, {"hand": RAISED, "role": "speaker"})
    room.room.set_attributes(ada.id, {"hand": None, "role": "speaker", "mood": None})
    room.room.set_attributes(ada.id, {"role": "speaker"})
    raised, lowered = await room.events()
    assert changes(raised) == {"hand": RAISED, "role": "speaker"}
    assert changes(lowered) == {"hand": None}
    assert (lowered.participant_updated.participant_id, lowered.cause) == (ada.id, ada.id)
    assert dict(ada.info.attributes) == {"role": "speaker"}


async def test_an_empty_value_is_a_value() -> None:
    room = FakeNode().open()
    ada = room.join("Ada").participant
    room.room.set_attributes(ada.id, {"away": ""})
    assert changes((await room.events())[-1]) == {"away": ""}
    assert dict(ada.info.attributes) == {"away": ""}


async def test_who_comes_later_sees_them_by_either_way() -> None:
    room = FakeNode().open()
    ada = room.join("Ada").participant
    room.room.set_attributes(ada.id, {"hand": RAISED})
    snapshot = (await anext(room.room.watch(WatcherId("signaling-2")))).snapshot
    assert dict(snapshot.participants[0].attributes) == {"hand": RAISED}
    assert dict(room.join("Bob").participant.info.attributes) == {}


async def test_a_participant_has_so_many_and_no_more() -> None:
    room = FakeNode().open()
    ada = room.join("Ada").participant
    room.room.set_attributes(ada.id, {f"a{number}": "x" for number in range(MAX_ATTRIBUTES)})
    await room.events()
    with pytest.raises(LimitExceeded, match="attributes: a participant has at most 16"):
        room.room.set_attributes(ada.id, {"hand": RAISED, "a0": "y"})
    assert await room.events() == []
    assert ada.attributes["a0"] == "x"
    room.room.set_attributes(ada.id, {"hand": RAISED, "a0": None})
    assert len(ada.attributes) == MAX_ATTRIBUTES


async def test_a_resumed_seat_keeps_them() -> None:
    room = FakeNode().open()
    ada = room.join("Ada").participant
    room.room.set_attributes(ada.id, {"hand": RAISED})
    room.room.disconnect(ada.id, ConnectionId("Ada"))
    again = room.join("Ada", connection="second", seat=ada.seat).participant
    assert dict(again.attributes) == {"hand": RAISED}


async def test_who_may_only_watch_can_raise_a_hand_and_react() -> None:
    room = FakeNode().open()
    ada = room.join("Ada", permissions=["subscribe"]).participant
    await room.events()
    room.room.set_attributes(ada.id, {"hand": RAISED})
    room.room.react(ada.id, "heart")
    assert await room.event_names() == ["participant_updated", "reaction"]


async def test_a_reaction_is_told_and_kept_nowhere() -> None:
    room = FakeNode().open()
    ada = room.join("Ada").participant
    before = ada.info
    await room.events()
    room.room.react(ada.id, "heart")
    (event,) = await room.events()
    assert (event.reaction.participant_id, event.reaction.name, event.cause) == (ada.id, "heart", ada.id)
    assert ada.info == before


async def test_who_has_left_shows_nothing() -> None:
    room = FakeNode().open()
    ada = room.join("Ada").participant
    room.room.leave(ada.id)
    with pytest.raises(NotFound):
        room.room.set_attributes(ada.id, {"hand": RAISED})
    with pytest.raises(NotFound):
        room.room.react(ada.id, "heart")
