"""Kinds of participants: what each may do, who counts, and what else follows."""

import pytest

from rotunda_contract.errors import Forbidden, RoomFull
from rotunda_contract.kinds import KINDS
from rotunda_contract.signaling.common import ParticipantKind
from rotunda_sfu.fake_node import ALL_PERMISSIONS, FakeNode
from rotunda_sfu.fake_worker import FakeConsumerStats, FakeStats
from rotunda_sfu.quality_monitor import QualityMonitor
from rotunda_sfu.settings import Limits

COUNTED: tuple[ParticipantKind, ...] = ("person", "ingress")
UNCOUNTED: tuple[ParticipantKind, ...] = ("egress", "hidden")


@pytest.mark.parametrize("kind", KINDS)
async def test_everybody_is_told_which_kind_somebody_is(kind: ParticipantKind) -> None:
    room = FakeNode().open()
    await room.events()
    room.join("Ada", kind=kind)
    (joined,) = await room.events()
    assert joined.participant_joined.kind == kind


@pytest.mark.parametrize(
    ("kind", "permitted"),
    [
        ("person", {"publish", "subscribe", "chat", "moderate"}),
        ("ingress", {"publish"}),
        ("egress", {"subscribe"}),
        ("hidden", {"subscribe"}),
    ],
)
async def test_a_kind_may_do_so_much_whatever_it_was_granted(
    kind: ParticipantKind, permitted: set[str]
) -> None:
    room = FakeNode().open()
    person = room.join("Ada", kind=kind, identity="ada", permissions=ALL_PERMISSIONS)
    assert person.participant.permissions == permitted
    again = room.join(
        "Ada", connection="2", kind=kind, identity="ada", permissions=["publish", "subscribe"],
        seat=person.participant.seat,
    )  # fmt: skip
    assert again.participant is person.participant
    assert again.participant.permissions == permitted & {"publish", "subscribe"}


async def test_what_is_not_permitted_is_refused() -> None:
    room = FakeNode().open()
    ada, camera, recorder = room.join("Ada"), room.join("c", kind="ingress"), room.join("r", kind="egress")
    recorder.consume(camera.camera())
    with pytest.raises(Forbidden, match="publish"):
        recorder.microphone()
    with pytest.raises(Forbidden, match="subscribe"):
        camera.consume(ada.microphone())


async def test_a_seat_is_for_one_kind() -> None:
    room = FakeNode().open()
    ada = room.join("Ada", identity="ada")
    other = room.join("Ada", connection="2", identity="ada", kind="hidden", seat=ada.participant.seat)
    assert other.participant is not ada.participant
    assert ada.participant.connection is not None


async def test_persons_and_ingress_take_the_places_of_a_room() -> None:
    room = FakeNode().open(max_participants=2)
    room.join("Ada")
    room.join("camera", kind="ingress")
    for kind in UNCOUNTED:
        room.join(kind, kind=kind)
    assert room.room.count == 2
    for kind in COUNTED:
        with pytest.raises(RoomFull, match="it takes 2"):
            room.join("late", kind=kind)


async def test_others_have_a_limit_of_their_own() -> None:
    room = FakeNode(limits=Limits(uncounted_participants=2)).open(max_participants=1)
    recorder = room.join("recorder", kind="egress")
    room.join("watcher", kind="hidden")
    for kind in UNCOUNTED:
        with pytest.raises(RoomFull, match="at most 2 hidden participants and recordings"):
            room.join("late", kind=kind)
    room.join("Ada")
    room.room.leave(recorder.participant.id)
    room.join("watcher 2", kind="hidden")
    assert room.room.count == 1


async def test_nobody_is_told_how_well_who_is_not_listed_receives() -> None:
    room = FakeNode().open()
    ada = room.join("Ada")
    producer = ada.camera()
    receivers: tuple[ParticipantKind, ...] = ("person", *UNCOUNTED)
    consumers = [room.join(kind, kind=kind).consume(producer) for kind in receivers]
    for consumer in consumers:
        consumer.resume()
    await room.events()
    monitor = QualityMonitor()
    for _ in range(4):
        stats = [FakeConsumerStats(each.number, 100, fraction_lost=0.3) for each in consumers]
        monitor.update([room.room], FakeStats(consumers=stats))
    told = {event.connection_quality.participant_id for event in await room.events()}
    (person,) = [each for each in room.room.participants.values() if each.display_name == "person"]
    assert told == {person.id}
