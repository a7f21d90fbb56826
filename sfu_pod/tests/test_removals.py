"""Who was removed from a room stays out of it for as long as it lives."""

import pytest

from rotunda_contract.errors import Forbidden
from rotunda_contract.ids import SeatToken, WatcherId
from rotunda_sfu.fake_node import FakeNode, FakeRoom, assignment
from rotunda_sfu.node import RoomOptions
from rotunda_sfu.removals import Removals


@pytest.fixture
def fake() -> FakeNode:
    return FakeNode()


@pytest.fixture
def room(fake: FakeNode) -> FakeRoom:
    return fake.open()


async def test_neither_token_nor_identity_nor_seat_brings_back_who_was_removed(room: FakeRoom) -> None:
    eve = room.join("Eve", identity="eve", token_id="t1")
    room.room.remove(eve.participant.id, "moderator")
    for shown in (
        {"identity": "eve", "token_id": "t1"},
        {"identity": "eve", "token_id": "t2"},
        {"identity": "other", "token_id": "t1"},
        {"seat": eve.participant.seat},
        {"seat": eve.participant.seat, "identity": "other", "token_id": "t3"},
    ):
        with pytest.raises(Forbidden, match="a moderator removed you"):
            room.join("Eve", connection="again", **shown)
    assert not room.room.participants


async def test_a_guest_who_was_removed_is_known_by_the_seat_alone(room: FakeRoom) -> None:
    eve, bob = room.join("Eve"), room.join("Bob")
    room.room.remove(eve.participant.id, "moderator")
    with pytest.raises(Forbidden):
        room.join("Eve", connection="again", seat=eve.participant.seat)
    assert room.join("Cleo").participant is not bob.participant


async def test_everybody_of_the_identity_goes(room: FakeRoom) -> None:
    first = room.join("Eve", connection="c1", identity="eve", token_id="t1")
    room.join("Eve", connection="c2", identity="eve", token_id="t2")
    ada = room.join("Ada", identity="ada")
    await room.events()
    room.room.remove(first.participant.id, "moderator")
    assert await room.event_names() == ["participant_removed", "participant_left"] * 2
    assert list(room.room.participants) == [ada.participant.id]


async def test_a_seat_that_waits_for_its_owner_can_be_removed(room: FakeRoom) -> None:
    eve = room.join("Eve", identity="eve")
    assert eve.participant.connection is not None
    room.room.disconnect(eve.participant.id, eve.participant.connection.id)
    room.room.remove(eve.participant.id, "moderator")
    with pytest.raises(Forbidden):
        room.join("Eve", connection="again", identity="eve", seat=eve.participant.seat)


async def test_watchers_are_told_what_the_removed_are_known_by(room: FakeRoom) -> None:
    eve = room.join("Eve", identity="eve", token_id="t1")
    await room.events()
    room.room.remove(eve.participant.id, "moderator")
    told = (await room.events())[0].participant_removed.removal
    assert (told.participant_id, told.identity, told.token_id) == (eve.participant.id, "eve", "t1")
    snapshot = (await anext(room.room.watch(WatcherId("signaling-2")))).snapshot
    assert list(snapshot.removed) == [told]


@pytest.mark.parametrize(
    ("rejoin", "uid", "remembered"), [(True, "", True), (False, "", False), (True, "another", False)]
)
async def test_a_room_remembers_through_another_epoch_unless_it_has_ended(
    fake: FakeNode, room: FakeRoom, rejoin: bool, uid: str, remembered: bool
) -> None:
    eve = room.join("Eve", identity="eve")
    room.room.remove(eve.participant.id, "moderator")
    room.room.close("over", rejoin=rejoin)
    again = fake.node.open_room(assignment(epoch=2), RoomOptions(uid=uid))
    fresh = FakeRoom(fake, again, again.watch(WatcherId("signaling-1")))
    if remembered:
        with pytest.raises(Forbidden):
            fresh.join("Eve", identity="eve")
    else:
        fresh.join("Eve", identity="eve")


def test_the_earliest_are_forgotten_where_there_are_too_many(room: FakeRoom) -> None:
    removals = Removals(most=2)
    people = [room.join(str(n), identity=f"i{n}", token_id=f"t{n}").participant for n in range(3)]
    for person in people:
        removals.add(person)
    removals.check("i0", "t0", people[0].seat)
    for number in (1, 2):
        with pytest.raises(Forbidden):
            removals.check(f"i{number}", "", SeatToken("unknown"))
    assert [removal.identity for removal in removals] == ["i1", "i2"]
