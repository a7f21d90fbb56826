"""The contract of a media node: what people show of themselves, and whose connection is lost.

Held against the real node and the fake, as in `test_media_node_contract.py`.
"""

import pytest
from harness.media_node import Room

from rotunda_contract import errors
from rotunda_contract.pb.events_pb2 import AttributeChange
from rotunda_contract.signaling.common import MAX_ATTRIBUTES
from rotunda_signaling.media_node.fake import FakeMediaNode

RAISED = "2026-12-01T09:00:00.000Z"


async def test_what_changed_of_somebody_is_told(room: Room) -> None:
    ada = await room.join("Ada", permissions=["subscribe"])
    await room.events(1)
    await ada.set_attributes({"hand": RAISED, "role": "speaker"})
    await ada.set_attributes({"role": "speaker", "mood": None})  # which changes nothing
    await ada.set_attributes({"hand": None, "role": "host"})
    first, second = await room.event(), await room.event()
    for event in (first, second):
        assert event.participant_updated.participant_id == event.cause == ada.id
    assert list(first.participant_updated.attributes) == [
        AttributeChange(name="hand", value=RAISED),
        AttributeChange(name="role", value="speaker"),
    ]
    assert list(second.participant_updated.attributes) == [
        AttributeChange(name="hand"),
        AttributeChange(name="role", value="host"),
    ]


async def test_who_comes_later_or_comes_back_sees_attributes(room: Room) -> None:
    ada = await room.join("Ada")
    await ada.set_attributes({"hand": RAISED})
    late = await room.join("Late")
    assert [dict(each.attributes) for each in late.joined.participants] == [{"hand": RAISED}]
    await ada.lose_connection()
    assert dict((await ada.come_back("ada-2")).self.attributes) == {"hand": RAISED}
    other = Room(room.node, room.key)
    await other.watch("signaling-2")
    assert [dict(each.attributes) for each in other.snapshot.participants] == [{"hand": RAISED}, {}]
    await other.unwatch()


async def test_a_participant_has_so_many_attributes(room: Room) -> None:
    ada = await room.join("Ada")
    await ada.set_attributes({f"a{number}": "" for number in range(MAX_ATTRIBUTES)})
    with pytest.raises(errors.LimitExceeded):
        await ada.set_attributes({"hand": RAISED, "a0": "other"})
    await room.events(2)
    await ada.set_attributes({"hand": RAISED, "a0": None})
    assert await room.events(1) == ["participant_updated Ada by Ada"]


async def test_a_reaction_is_told_and_kept_nowhere(room: Room) -> None:
    ada = await room.join("Ada", permissions=["subscribe"])
    await ada.react("heart")
    await room.events(1)
    event = await room.event()
    assert (event.reaction.participant_id, event.reaction.name, event.cause) == (ada.id, "heart", ada.id)


async def test_who_has_left_shows_nothing(room: Room) -> None:
    ada = await room.join("Ada")
    await ada.leave()
    with pytest.raises(errors.NotFound):
        await ada.set_attributes({"hand": RAISED})
    with pytest.raises(errors.NotFound):
        await ada.react("heart")


async def test_a_lost_connection_is_told_and_who_is_back_too(room: Room) -> None:
    ada = await room.join("Ada")
    await room.events(1)
    await ada.lose_connection()
    pass_a_second(room)
    assert await room.events(1) == ["participant_connection Ada (lost)"]
    late = await room.join("Late")
    assert [each.connection_lost for each in late.joined.participants] == [True]
    again = await ada.come_back("ada-2")
    assert await room.events(2) == ["participant_joined Late by Late", "participant_connection Ada (back)"]
    assert again.event_number == 4


async def test_a_connection_that_is_back_at_once_is_no_news(room: Room) -> None:
    ada = await room.join("Ada")
    await ada.lose_connection()
    await ada.come_back("ada-2")
    await ada.lose_connection("ada-2")
    await ada.come_back("ada-3")
    await ada.leave()
    assert await room.events(2) == ["participant_joined Ada by Ada", "participant_left Ada by Ada (left)"]


async def test_with_a_watcher_its_people_are_lost_and_come_back(room: Room) -> None:
    other = Room(room.node, room.key, room.names)
    await other.watch("signaling-2")
    ada = await room.join("Ada")
    eve = await room.join("Eve", watcher_id="signaling-2")
    await other.events(2)
    await room.unwatch()
    pass_a_second(room)
    assert await other.events(1) == ["participant_connection Ada (lost)"]
    await room.watch("signaling-1")
    assert await other.events(1) == ["participant_connection Ada (back)"]
    states = {each.participant_id: each.connection_lost for each in room.snapshot.participants}
    assert states == {ada.id: False, eve.id: False}
    await other.unwatch()


def pass_a_second(room: Room) -> None:
    """The real node has real time; what it tells then is waited for."""
    if isinstance(room.node, FakeMediaNode):
        room.node.room(room.key.room).tell_lost()
