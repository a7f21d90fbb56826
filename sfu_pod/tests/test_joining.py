"""Who is in a room: joining, seats, losing connections, leaving."""

import pytest

from rotunda_contract.errors import Forbidden, NotFound, RoomFull, Unauthorized, Unavailable
from rotunda_contract.ids import ConnectionId, SeatToken, WatcherId
from rotunda_sfu.fake_node import ALL_PERMISSIONS, FakeNode
from rotunda_sfu.participant import Connection
from rotunda_sfu.room import JoinOptions

GRACE = 30.0
OTHER_WATCHER = WatcherId("signaling-2")


async def test_a_newcomer_is_told_of_the_others_and_the_others_of_the_newcomer() -> None:
    room = FakeNode().open()
    ada = room.join("Ada")
    ada.microphone()
    await room.events()
    joined = room.room.join(
        Connection(ConnectionId("c"), room.watch.watcher_id), JoinOptions("Bob", ALL_PERMISSIONS)
    )
    (event,) = await room.events()
    assert [info.display_name for info in joined.others] == ["Ada"]
    assert [producer.source for producer in joined.others[0].producers] == ["microphone"]
    assert event.participant_joined.display_name == "Bob"
    assert event.cause == joined.participant.id
    assert joined.event_number == event.number


async def test_a_snapshot_contains_who_is_there_and_what_they_send() -> None:
    room = FakeNode().open()
    ada = room.join("Ada")
    producer = ada.camera()
    snapshot = (await anext(room.room.watch(OTHER_WATCHER))).snapshot
    (info,) = snapshot.participants
    assert info.participant_id == ada.participant.id
    assert [each.producer_id for each in info.producers] == [producer.id]


async def test_joining_unwatched_is_refused_as_worth_a_retry() -> None:
    room = FakeNode().open()
    with pytest.raises(Unavailable) as caught:
        room.join(watcher=OTHER_WATCHER)
    assert caught.value.retry_after_ms


async def test_a_room_takes_so_many_and_no_more() -> None:
    room = FakeNode().open(max_participants=2)
    ada = room.join("Ada")
    room.join("Bob")
    with pytest.raises(RoomFull, match="2"):
        room.join("Eve")
    room.room.leave(ada.participant.id)
    room.join("Eve")


async def test_a_full_room_still_takes_back_who_has_a_seat() -> None:
    room = FakeNode().open(max_participants=1)
    ada = room.join("Ada")
    again = room.join("Ada", connection="second", seat=ada.participant.seat)
    assert again.participant is ada.participant


async def test_a_join_that_is_repeated_makes_nobody_new() -> None:
    room = FakeNode().open()
    first = room.join("Ada", connection="c1")
    second = room.join("Ada", connection="c1")
    assert second.participant is first.participant
    assert len(room.room.participants) == 1


async def test_seats_and_ids_are_different_and_secret_enough() -> None:
    room = FakeNode().open()
    people = [room.join(str(number)).participant for number in range(50)]
    assert len({person.seat for person in people}) == 50
    assert len({person.id for person in people}) == 50
    assert all(len(bytes.fromhex(person.seat)) == 16 for person in people)


async def test_a_lost_connection_keeps_its_seat() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada")
    ada.microphone()
    room.room.disconnect(ada.participant.id, ConnectionId("Ada"))
    fake.clock.advance(GRACE - 1)
    again = room.join("Ada", connection="second", seat=ada.participant.seat)
    assert again.participant is ada.participant
    assert len(again.participant.producers) == 1
    fake.clock.advance(GRACE + 1)
    assert again.participant.id in room.room.participants


async def test_a_seat_expires() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada")
    ada.microphone()
    await room.events()
    room.room.disconnect(ada.participant.id, ConnectionId("Ada"))
    fake.clock.advance(GRACE)
    event = (await room.events())[-1]
    assert event.participant_left.reason == "disconnected"
    assert not event.HasField("cause")
    fresh = room.join("Ada", seat=ada.participant.seat)
    assert fresh.participant.id != ada.participant.id
    assert not fake.worker.producers


async def test_an_unknown_seat_gives_a_fresh_participant() -> None:
    room = FakeNode().open()
    joined = room.room.join(
        Connection(ConnectionId("c"), room.watch.watcher_id),
        JoinOptions("Ada", ALL_PERMISSIONS, SeatToken("never-given")),
    )
    assert not joined.resumed
    assert joined.participant.seat != "never-given"


async def test_a_second_connection_takes_the_seat_over() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada", connection="first")
    await room.events()
    room.join("Ada", connection="second", seat=ada.participant.seat)
    (event,) = await room.events()
    assert event.connection_replaced.connection_id == "first"
    assert (event.recipient, event.reason) == (ada.participant.id, "taken_over")
    room.room.disconnect(ada.participant.id, ConnectionId("first"))
    fake.clock.advance(GRACE + 1)
    assert ada.participant.id in room.room.participants


async def test_resuming_takes_the_permissions_of_the_newer_token() -> None:
    room = FakeNode().open()
    ada = room.join("Ada", identity="ada", token_id="older")
    room.join(
        "Ada",
        connection="second",
        seat=ada.participant.seat,
        permissions=["subscribe"],
        identity="ada",
        token_id="newer",
    )
    assert ada.participant.permissions == {"subscribe"}
    assert ada.participant.token_id == "newer"


async def test_resuming_without_a_token_keeps_what_was_permitted() -> None:
    room = FakeNode().open()
    ada = room.join("Ada", identity="ada", permissions=["moderate"])
    again = room.join("Ada", connection="second", seat=ada.participant.seat, permissions=["publish"])
    assert again.participant is ada.participant
    assert ada.participant.permissions == {"moderate"}


async def test_somebody_elses_seat_is_not_taken_with_a_token() -> None:
    room = FakeNode().open()
    ada = room.join("Ada", identity="ada")
    eve = room.join("Eve", identity="eve", seat=ada.participant.seat)
    assert eve.participant is not ada.participant
    assert ada.participant.connection is not None


async def test_who_may_only_resume_needs_somebody_in_the_seat() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada", identity="ada")
    seat = ada.participant.seat
    assert room.join("Ada", connection="2", seat=seat, resume_only=True).participant is ada.participant
    room.room.disconnect(ada.participant.id, ConnectionId("2"))
    fake.clock.advance(GRACE)
    with pytest.raises(Unauthorized, match="the seat has expired"):
        room.join("Ada", connection="3", seat=seat, resume_only=True)


async def test_a_lost_watcher_loses_its_connections_only() -> None:
    fake = FakeNode()
    room = fake.open()
    second = room.room.watch(OTHER_WATCHER)
    room.join("Ada")
    bob = room.join("Bob", watcher=OTHER_WATCHER)
    room.room.unwatch(room.watch)
    fake.clock.advance(GRACE)
    assert list(room.room.participants) == [bob.participant.id]
    events = [await anext(second) for _ in range(second.waiting)]
    assert events[-1].participant_left.reason == "disconnected"


async def test_a_watcher_that_comes_back_has_its_connections_again() -> None:
    fake = FakeNode()
    room = fake.open()
    ada, bob = room.join("Ada"), room.join("Bob")
    room.room.unwatch(room.watch)
    fake.clock.advance(GRACE - 1)
    room.room.disconnect(bob.participant.id, ConnectionId("Bob"))
    room.room.watch(room.watch.watcher_id)
    fake.clock.advance(GRACE - 1)
    assert list(room.room.participants) == [ada.participant.id]
    assert ada.participant.connection is not None


async def test_a_newer_stream_of_a_watcher_keeps_its_connections() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada")
    room.room.watch(room.watch.watcher_id)
    room.room.unwatch(room.watch)
    fake.clock.advance(GRACE + 1)
    assert ada.participant.id in room.room.participants


async def test_leaving_ends_all_that_one_had_and_tells_once() -> None:
    fake = FakeNode()
    room = fake.open()
    ada, bob = room.join("Ada"), room.join("Bob")
    producer = ada.camera()
    consumer = bob.consume(producer)
    ada.consume(bob.microphone())
    await room.events()
    room.room.leave(ada.participant.id)
    left, closed = await room.events()
    assert left.participant_left.participant_id == ada.participant.id
    assert (left.participant_left.reason, left.cause) == ("left", ada.participant.id)
    assert (closed.consumer_closed.consumer_id, closed.recipient) == (consumer.id, bob.participant.id)
    assert not bob.participant.consumers
    assert fake.clock.pending == len(bob.participant.transports)  # They wait to be connected.
    with pytest.raises(NotFound):
        room.room.leave(ada.participant.id)


async def test_one_who_is_removed_is_told_first() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada", connection="c1")
    ada.microphone()
    await room.events()
    room.room.remove(ada.participant.id, "spam")
    removed, left = await room.events()
    assert removed.participant_removed.connection_id == "c1"
    assert (removed.recipient, removed.reason) == (ada.participant.id, "spam")
    assert (left.participant_left.reason, left.HasField("cause")) == ("removed", False)
    with pytest.raises(Forbidden, match="a moderator removed you"):
        room.join("Ada", connection="c2", seat=ada.participant.seat)


async def test_the_speaker_who_leaves_speaks_no_more() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada")
    producer = ada.microphone()
    await room.events()
    fake.worker.speak(room.room.context.router, producer.number)
    fake.worker.speak(room.room.context.router, producer.number)
    (speaking,) = await room.events()
    assert speaking.active_speaker.participant_id == ada.participant.id
    assert (await anext(room.room.watch(OTHER_WATCHER))).snapshot.active_speaker == ada.participant.id
    room.room.leave(ada.participant.id)
    assert (await room.event_names())[-1] == "active_speaker"
    assert room.room.active_speaker is None


async def test_a_room_that_closes_tells_everybody_and_leaves_nothing() -> None:
    fake = FakeNode()
    room = fake.open()
    ada, bob = room.join("Ada"), room.join("Bob")
    bob.consume(ada.camera())
    room.room.disconnect(ada.participant.id, ConnectionId("Ada"))
    await room.events()
    room.room.close("deleted", rejoin=False)
    (event,) = [event async for event in room.watch]
    assert (event.reason, event.room_closed.rejoin) == ("deleted", False)
    assert fake.worker.is_empty
    assert fake.clock.pending == 0
    assert all(session.closed for session in fake.sessions.opened.values())
