"""What the others are told of somebody's connection: lost after a second, back if it was told lost."""

import pytest

from rotunda_contract.ids import ConnectionId, WatcherId
from rotunda_sfu.event_log import Watch
from rotunda_sfu.fake_node import FakeNode, FakeRoom
from rotunda_sfu.seats import LOST_SECONDS

GRACE = 30.0
OTHER_WATCHER = WatcherId("signaling-2")


async def told(watch: Watch, room: FakeRoom) -> list[str]:
    """What a watcher was told of connections since the last look, with the names of whose they are."""
    events = [await anext(watch) for _ in range(watch.waiting)]
    connections = [event.participant_connection for event in events]
    people = {each.id: each.display_name for each in room.room.participants.values()}
    return [f"{people[each.participant_id]} {each.state}" for each in connections if each.participant_id]


async def test_the_others_are_told_that_a_connection_is_lost_and_that_it_is_back() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada")
    room.room.disconnect(ada.participant.id, ConnectionId("Ada"))
    fake.clock.advance(LOST_SECONDS)
    assert await told(room.watch, room) == ["Ada lost"]
    assert ada.participant.info.connection_lost
    room.join("Ada", connection="second", seat=ada.participant.seat)
    assert await told(room.watch, room) == ["Ada back"]
    assert not ada.participant.info.connection_lost
    fake.clock.advance(GRACE)
    assert await told(room.watch, room) == []


async def test_nobody_is_told_of_who_was_hardly_away() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada")
    for number in range(3):
        room.room.disconnect(ada.participant.id, ConnectionId(f"{number}" if number else "Ada"))
        fake.clock.advance(LOST_SECONDS * 0.9)
        room.join("Ada", connection=f"{number + 1}", seat=ada.participant.seat)
    fake.clock.advance(GRACE)
    assert await told(room.watch, room) == []


async def test_a_seat_that_is_taken_over_was_never_lost() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada")
    room.join("Ada", connection="second", seat=ada.participant.seat)
    room.room.disconnect(ada.participant.id, ConnectionId("Ada"))
    fake.clock.advance(GRACE)
    assert await told(room.watch, room) == []


async def test_a_lost_one_who_never_comes_back_leaves() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada")
    await room.events()
    room.room.disconnect(ada.participant.id, ConnectionId("Ada"))
    fake.clock.advance(GRACE)
    assert await room.event_names() == ["participant_connection", "participant_left"]
    assert fake.clock.pending == 0


async def test_who_comes_later_sees_that_a_connection_is_lost() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada")
    room.room.disconnect(ada.participant.id, ConnectionId("Ada"))
    fake.clock.advance(LOST_SECONDS)
    late = (await anext(room.room.watch(OTHER_WATCHER))).snapshot
    assert [each.connection_lost for each in late.participants] == [True]


async def test_with_a_watcher_each_of_its_people_is_lost_and_comes_back() -> None:
    fake = FakeNode()
    room = fake.open()
    other = room.room.watch(OTHER_WATCHER)
    room.join("Ada")
    room.join("Bob")
    room.join("Eve", watcher=OTHER_WATCHER)
    await told(other, room)
    room.room.unwatch(room.watch)
    fake.clock.advance(LOST_SECONDS)
    assert await told(other, room) == ["Ada lost", "Bob lost"]
    again = room.room.watch(room.watch.watcher_id)
    assert await told(other, room) == ["Ada back", "Bob back"]
    # The watcher's own people were never told of the loss.
    assert not any(each.connection_lost for each in (await anext(again)).snapshot.participants)
    assert again.waiting == 0


async def test_a_watcher_that_is_back_at_once_is_no_news() -> None:
    fake = FakeNode()
    room = fake.open()
    other = room.room.watch(OTHER_WATCHER)
    room.join("Ada")
    await told(other, room)
    room.room.unwatch(room.watch)
    fake.clock.advance(LOST_SECONDS * 0.9)
    room.room.watch(room.watch.watcher_id)
    fake.clock.advance(GRACE)
    assert await told(other, room) == []


async def test_a_socket_lost_with_its_watcher_stays_lost_when_the_watcher_is_back() -> None:
    fake = FakeNode()
    room = fake.open()
    other = room.room.watch(OTHER_WATCHER)
    ada = room.join("Ada")
    await told(other, room)
    room.room.unwatch(room.watch)
    room.room.disconnect(ada.participant.id, ConnectionId("Ada"))
    fake.clock.advance(LOST_SECONDS)
    room.room.watch(room.watch.watcher_id)
    assert await told(other, room) == ["Ada lost"]


@pytest.mark.parametrize("whose", ["the lost watcher's", "another's"])
async def test_a_watcher_gives_back_the_seats_of_its_own_connections_only(whose: str) -> None:
    fake = FakeNode()
    room = fake.open()
    other = room.room.watch(OTHER_WATCHER)
    ada, eve = room.join("Ada"), room.join("Eve", watcher=OTHER_WATCHER)
    room.room.unwatch(room.watch)
    room.room.unwatch(other)
    back, gone = (ada, eve) if whose == "the lost watcher's" else (eve, ada)
    room.room.watch(room.watch.watcher_id if back is ada else OTHER_WATCHER)
    assert back.participant.connection is not None
    assert gone.participant.connection is None
    fake.clock.advance(GRACE)
    assert list(room.room.participants) == [back.participant.id]
