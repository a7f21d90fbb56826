"""A node's rooms: assignments, epochs, and the workers that they are placed on."""

import pytest

from rotunda_contract.errors import BadRequest, Forbidden, RoomNotOpen, StaleEpoch, Unavailable, WrongProcess
from rotunda_sfu.closed_rooms import KEEP_REMOVALS_SECONDS, KEEP_SECONDS
from rotunda_sfu.fake_node import FakeNode, assignment
from rotunda_sfu.node import RoomOptions
from rotunda_sfu.settings import Limits


async def test_opening_is_idempotent_for_one_epoch() -> None:
    fake = FakeNode()
    room = fake.open("a", 4).room
    assert fake.node.open_room(assignment("a", 4), RoomOptions()) is room


async def test_a_higher_epoch_replaces_the_room() -> None:
    fake = FakeNode()
    old = fake.open("a", 4)
    await old.events()
    new = fake.node.open_room(assignment("a", 5), RoomOptions())
    (event,) = [event async for event in old.watch]
    assert event.room_closed.rejoin
    assert fake.node.room(assignment("a", 5)) is new


async def test_a_lower_epoch_is_stale_for_every_call() -> None:
    fake = FakeNode()
    fake.open("a", 4)
    with pytest.raises(StaleEpoch):
        fake.node.open_room(assignment("a", 3), RoomOptions())
    with pytest.raises(StaleEpoch):
        fake.node.room(assignment("a", 3))
    with pytest.raises(StaleEpoch):
        fake.node.close_room(assignment("a", 3), "late", rejoin=False)


async def test_an_epoch_that_was_given_back_stays_stale() -> None:
    fake = FakeNode()
    fake.open("a", 4)
    fake.node.close_room(assignment("a", 4), "given back", rejoin=False)
    with pytest.raises(RoomNotOpen):
        fake.node.room(assignment("a", 4))
    with pytest.raises(StaleEpoch):
        fake.node.open_room(assignment("a", 3), RoomOptions())
    fake.node.open_room(assignment("a", 4), RoomOptions())


async def test_a_room_that_was_deleted_and_made_anew_may_count_from_one_again() -> None:
    fake = FakeNode()
    old = fake.node.open_room(assignment("a", 4), RoomOptions(uid="first"))

    new = fake.node.open_room(assignment("a", 1), RoomOptions(uid="second"))

    assert old.closed
    assert fake.node.room(assignment("a", 1)) is new
    with pytest.raises(RoomNotOpen):
        fake.node.room(assignment("a", 4))


async def test_a_call_meant_for_another_process_is_refused() -> None:
    fake = FakeNode()
    fake.open("a", 4)
    for act in (
        lambda: fake.node.room(assignment("a", 4, "predecessor")),
        lambda: fake.node.open_room(assignment("a", 9, "predecessor"), RoomOptions()),
        lambda: fake.node.close_room(assignment("a", 4, "predecessor"), "", rejoin=False),
    ):
        with pytest.raises(WrongProcess):
            act()


async def test_closing_what_is_not_open_is_no_error() -> None:
    FakeNode().node.close_room(assignment("a", 4), "", rejoin=False)


async def test_a_rooms_codecs_are_its_own() -> None:
    fake = FakeNode()
    room = fake.node.open_room(assignment("a"), RoomOptions(video_codecs=["AV1"]))
    names = {codec.mime_type for codec in room.context.capabilities.codecs if codec.kind == "video"}
    assert names == {"video/AV1", "video/rtx"}


async def test_an_unknown_codec_is_named() -> None:
    with pytest.raises(BadRequest, match=r"videoCodecs: 'H263' is not supported, choose from VP8, H264"):
        FakeNode().node.open_room(assignment("a"), RoomOptions(video_codecs=["VP8", "H263"]))


async def test_no_room_takes_more_than_the_node_allows() -> None:
    fake = FakeNode(limits=Limits(participants=10))
    assert fake.open("a", max_participants=50).room.max_participants == 10
    assert fake.open("b", max_participants=5).room.max_participants == 5
    assert fake.open("c").room.max_participants == 10


async def test_rooms_go_to_the_worker_with_the_fewest_consumers() -> None:
    fake = FakeNode(workers=2)
    first = fake.open("a")
    assert first.room.context.worker is fake.workers[0]
    second = fake.open("b")
    assert second.room.context.worker is fake.workers[1]
    ada, bob = second.join("Ada"), second.join("Bob")
    bob.consume(ada.camera())
    assert fake.open("c").room.context.worker is fake.workers[0]
    assert fake.open("d").room.context.worker is fake.workers[0]


async def test_rooms_of_a_worker_that_fails_close_and_open_again_elsewhere() -> None:
    fake = FakeNode(workers=2)
    room, other = fake.open("a"), fake.open("b")
    room.join("Ada").camera()
    await room.events()
    fake.workers[0].fail("defect")
    (event,) = [event async for event in room.watch]
    assert event.room_closed.rejoin
    assert not other.room.closed
    with pytest.raises(RoomNotOpen):
        fake.node.room(assignment("a"))
    again = fake.node.open_room(assignment("a"), RoomOptions())
    assert again.context.worker is fake.workers[1]


async def test_without_a_worker_no_room_opens() -> None:
    fake = FakeNode()
    fake.worker.fail("defect")
    with pytest.raises(Unavailable):
        fake.open("a")


async def test_a_node_that_stops_sends_everybody_to_join_again() -> None:
    fake = FakeNode()
    room = fake.open("a")
    await room.events()
    fake.node.close("the media node stops")
    (event,) = [event async for event in room.watch]
    assert event.room_closed.rejoin
    with pytest.raises(Unavailable, match="stops"):
        fake.node.open_room(assignment("a"), RoomOptions())


async def test_what_closed_is_forgotten() -> None:
    fake = FakeNode()
    for number in range(20_000):
        key = assignment(f"room-{number}", 2)
        fake.node.open_room(key, RoomOptions())
        fake.node.close_room(key, "over", rejoin=False)
        fake.clock.advance(1)
    assert list(fake.node.rooms) == []
    assert fake.worker.is_empty
    assert len(fake.node._rooms) == len(fake.node._uids) == 0
    assert len(fake.node._closed_rooms) <= KEEP_SECONDS
    assert fake.clock.pending == 0
    # What may still be on its way is refused, what cannot be any more is not.
    with pytest.raises(StaleEpoch):
        fake.node.open_room(assignment("room-19999", 1), RoomOptions())
    assert fake.node.open_room(assignment("room-1", 1), RoomOptions()).epoch == 1


async def test_many_that_close_at_once_are_bounded_too() -> None:
    fake = FakeNode()
    for number in range(20_000):
        key = assignment(f"room-{number}")
        fake.node.open_room(key, RoomOptions())
        fake.node.close_room(key, "over", rejoin=False)
    assert len(fake.node._closed_rooms) == 10_000


async def test_who_was_removed_stays_out_of_a_room_that_comes_back_much_later() -> None:
    fake = FakeNode()
    room = fake.open("a", 4)
    mallory = room.join("Mallory", identity="mallory")
    room.room.remove(mallory.participant.id, "moderator")
    fake.node.close_room(assignment("a", 4), "given back", rejoin=True)
    fake.clock.advance(KEEP_REMOVALS_SECONDS - 1)
    with pytest.raises(StaleEpoch):
        fake.node.open_room(assignment("a", 3), RoomOptions())
    with pytest.raises(Forbidden):
        fake.open("a", 5).join("Mallory", identity="mallory")
