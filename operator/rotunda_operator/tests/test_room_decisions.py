"""Decisions about a Room, without a cluster and with an explicit clock."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from rotunda_contract.resources import MediaCluster, MediaNode, Room
from rotunda_operator.clock import Instant
from rotunda_operator.conditions import find_condition
from rotunda_operator.load import NodeReport
from rotunda_operator.placement import Placed, Rejection, RoomRequest, Unplaceable
from rotunda_operator.rooms import RoomDecision, RoomView, decide

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NOW = Instant(1000.0, START)
CLUSTER = MediaCluster.model_validate(
    {"metadata": {"name": "default"}, "spec": {"publicURL": "https://meet.example.org"}}
)
FULL = Unplaceable(Counter({Rejection.FULL: 2}))


def test_a_new_room_is_placed_with_its_first_epoch() -> None:
    decision = decide(_room(), _view(), NOW)

    assert decision.status is not None
    assert decision.status.phase == "Assigned"
    assert decision.status.assignment is not None
    assert (decision.status.assignment.media_node, decision.status.assignment.epoch) == ("a", 1)
    assert decision.status.join_url == "https://meet.example.org/r/standup"
    assert [event.reason for event in decision.events] == ["Placed"]


def test_what_was_decided_is_decided_again_without_a_change() -> None:
    settled = _after(decide(_room(), _view(), NOW), _room())

    assert decide(settled, _view(node=_node("Ready"), report=NodeReport(0.1)), NOW).status is None


def test_a_room_that_fits_nowhere_says_so_once() -> None:
    first = decide(_room(), _view(answer=FULL), NOW)
    waiting = _after(first, _room())
    second = decide(waiting, _view(answer=FULL), NOW.after(60))

    assert [event.message for event in first.events] == [FULL.message]
    assert second == RoomDecision()


def test_silence_changes_nothing_however_long() -> None:
    room = _assigned(phase="Active", participants=3)

    assert decide(room, _view(node=_node("Ready"), report=None), NOW.after(10**6)).status is None


def test_a_report_that_does_not_name_all_rooms_empties_none() -> None:
    room = _assigned(phase="Active", participants=3)
    half = NodeReport(0.1, room_participants={"retro": 2}, names_all_rooms=False)

    assert decide(room, _view(node=_node("Ready"), report=half), NOW.after(10**6)).status is None


def test_a_lost_node_costs_an_epoch() -> None:
    for node in (None, _node("Lost")):
        decision = decide(_assigned(epoch=4), _view(node=node, answer=Placed("b", 0.1)), NOW)
        assert decision.status is not None
        assert decision.status.assignment is not None
        assert (decision.status.assignment.media_node, decision.status.assignment.epoch) == ("b", 5)


def test_epochs_go_on_after_a_wait() -> None:
    waiting = _after(decide(_assigned(epoch=4), _view(node=None, answer=FULL), NOW), _assigned(epoch=4))
    assert waiting.status.assignment is None

    decision = decide(waiting, _view(), NOW)

    assert decision.status is not None
    assert decision.status.last_epoch == 5


def test_people_that_come_and_go_are_no_hurry() -> None:
    view = _view(node=_node("Ready"), report=NodeReport(0.1, room_participants={"standup": 2}))

    decision = decide(_assigned(), view, NOW)

    assert decision.status is not None
    assert (decision.status.phase, decision.status.participants) == ("Active", 2)
    assert not decision.urgent


def test_an_empty_room_gives_its_node_back_when_its_time_is_over() -> None:
    view = _view(node=_node("Ready"), report=NodeReport(0.1))
    room = _assigned(empty_since=START)

    waiting = decide(room, view, NOW.after(599))
    over = decide(room, view, NOW.after(600))

    assert waiting.requeue_after == 1.0
    assert over.status is not None
    assert (over.status.phase, over.status.assignment) == ("Idle", None)


def test_a_room_that_is_kept_for_no_time_can_still_be_joined() -> None:
    view = _view(node=_node("Ready"), report=NodeReport(0.1))
    fresh = _with_ttl(_assigned(empty_since=START), 0)
    left = _with_ttl(_assigned(empty_since=START + timedelta(seconds=5)), 0)

    assert decide(fresh, view, NOW.after(59)).requeue_after == 1.0
    over = decide(fresh, view, NOW.after(60)).status
    assert over is not None
    assert over.phase == "Idle"
    gone = decide(left, view, NOW.after(6)).status
    assert gone is not None
    assert gone.phase == "Idle", "people were in it, and have left"
    wanted = decide(_wanted(left, START + timedelta(seconds=6)), view, NOW.after(10))
    assert (wanted.status, wanted.requeue_after) == (None, 56.0)


def test_an_idle_room_is_ready_as_it_can_be_joined_and_not_placed() -> None:
    view = _view(node=_node("Ready"), report=NodeReport(0.1))
    idle = _after(decide(_assigned(empty_since=START), view, NOW.after(600)), _assigned())

    assert _conditions(idle) == {"Placed": ("False", "Idle"), "Ready": ("True", "Idle")}
    # As an operator before this one has written it.
    unready = tuple(c.model_copy(update={"status": "False"}) for c in idle.status.conditions)
    older = idle.model_copy(update={"status": idle.status.model_copy(update={"conditions": unready})})
    assert _conditions(_after(decide(older, _view(), NOW.after(601)), older))["Ready"] == ("True", "Idle")


def test_an_empty_room_leaves_a_node_that_drains_at_once() -> None:
    view = _view(node=_node("Draining"), report=NodeReport(0.1), answer=Placed("b", 0.1))
    room = _assigned(epoch=3, empty_since=START)

    soon = decide(room, view, NOW.after(1))
    moved = decide(room, view, NOW.after(4))

    assert (soon.status, soon.requeue_after) == (None, 3.0)
    assert moved.status is not None
    assert moved.status.assignment is not None
    assert (moved.status.assignment.media_node, moved.status.assignment.epoch) == ("b", 4)
    assert "drains" in moved.events[0].message


def test_it_is_idle_where_no_other_takes_it_and_nobody_is_about_to_come() -> None:
    view = _view(node=_node("Draining"), report=NodeReport(0.1), answer=FULL)
    room = _assigned(empty_since=START)

    awaited = decide(room, view, NOW.after(30))
    idle = decide(room, view, NOW.after(60))
    made_on_join = decide(_made_on_join(room), view, NOW.after(60))

    assert (awaited.status, awaited.requeue_after) == (None, 15.0)
    assert idle.status is not None
    assert (idle.status.phase, idle.status.assignment) == ("Idle", None)
    assert (made_on_join.status, made_on_join.delete, made_on_join.requeue_after) == (None, False, 15.0)


def test_a_call_stays_on_a_node_that_drains_and_so_does_what_its_report_does_not_name() -> None:
    room = _assigned(phase="Active", participants=2)
    for report in (
        NodeReport(0.1, room_participants={"standup": 2}),
        NodeReport(0.1, names_all_rooms=False),
        None,
    ):
        view = _view(node=_node("Draining"), report=report, answer=Placed("b", 0.1))
        assert decide(room, view, NOW.after(100)).status is None


def test_who_wants_to_join_has_as_much_time_again() -> None:
    view = _view(node=_node("Ready"), report=NodeReport(0.1))
    room = _assigned(empty_since=START, wanted_at=START + timedelta(seconds=500))

    assert decide(room, view, NOW.after(700)).requeue_after == 400.0


def test_an_idle_room_is_placed_by_a_later_wanted_at_annotation() -> None:
    view = _view(node=_node("Ready"), report=NodeReport(0.1))
    idle = _after(decide(_assigned(empty_since=START), view, NOW.after(600)), _assigned())
    slept = find_condition(idle.status.conditions, "Placed")
    assert slept is not None

    earlier = _wanted(idle, slept.last_transition_time)
    later = _wanted(idle, slept.last_transition_time + timedelta(seconds=1))

    assert decide(idle, _view(), NOW.after(601)).status is None
    assert decide(earlier, _view(), NOW.after(601)).status is None
    woken = decide(later, _view(), NOW.after(602)).status
    assert woken is not None
    assert woken.last_epoch == 2


def test_a_wanted_at_annotation_that_is_no_time_is_ignored() -> None:
    view = _view(node=_node("Ready"), report=NodeReport(0.1))
    idle = _after(decide(_assigned(empty_since=START), view, NOW.after(600)), _assigned())

    for text in ("soon", "2026-13-01T00:00:00Z", "2099-01-01T00:00:00"):
        room = idle.model_copy(
            update={
                "metadata": idle.metadata.model_copy(update={"annotations": {"rotunda.dev/wanted-at": text}})
            }
        )
        assert decide(room, _view(), NOW.after(601)).status is None


def test_without_its_cluster_a_room_waits_but_a_call_goes_on() -> None:
    lonely = RoomView(None, None, None, lambda _: FULL)
    served = RoomView(None, _node("Ready"), NodeReport(0.1, room_participants={"standup": 1}), lambda _: FULL)

    waiting = decide(_room(), lonely, NOW).status
    going_on = decide(_assigned(), served, NOW).status

    assert waiting is not None
    assert waiting.conditions[0].reason == "ClusterNotFound"
    assert going_on is not None
    assert going_on.phase == "Active"


def test_without_its_cluster_a_room_whose_node_is_lost_waits() -> None:
    lost = RoomView(None, _node("Lost"), None, lambda _: FULL)

    waiting = decide(_assigned(), lost, NOW).status

    assert waiting is not None
    assert (waiting.phase, waiting.assignment) == ("Pending", None)
    assert find_condition(waiting.conditions, "Placed").reason == "ClusterNotFound"  # type: ignore[union-attr]


def test_a_room_as_large_as_a_media_node_may_be_is_placed_and_a_larger_one_fails() -> None:
    def phase(people: int) -> str | None:
        room = _room()
        spec = room.spec.model_copy(update={"max_participants": people, "expected_participants": people})
        status = decide(room.model_copy(update={"spec": spec}), _view(), NOW).status
        return status.phase if status is not None else None

    capacity = CLUSTER.spec.media_nodes.capacity.participants
    assert (phase(capacity), phase(capacity + 1)) == ("Assigned", "Failed")


def test_an_empty_room_leaves_a_cordoned_node_before_its_status_says_that_it_drains() -> None:
    cordoned = _node("Ready", cordoned=True)
    view = _view(node=cordoned, report=NodeReport(0.1), answer=Placed("b", 0.1))

    moved = decide(_assigned(empty_since=START), view, NOW.after(4)).status

    assert moved is not None
    assert moved.assignment is not None
    assert moved.assignment.media_node == "b"


def test_somebody_who_asks_for_an_empty_room_is_not_moved_with_it_at_once() -> None:
    view = _view(node=_node("Draining"), report=NodeReport(0.1), answer=Placed("b", 0.1))
    wanted = _assigned(empty_since=START, wanted_at=START + timedelta(seconds=10))

    assert decide(wanted, view, NOW.after(11)).requeue_after == 3.0


def test_a_request_that_people_have_followed_keeps_the_room_no_longer() -> None:
    """It was asked for at 0 s, people came, and left at 20 s: nobody is on the way any more."""
    view = _view(node=_node("Ready"), report=NodeReport(0.1))
    left = _assigned(empty_since=START + timedelta(seconds=20), wanted_at=START)

    idle = decide(_with_ttl(left, 0), view, NOW.after(30)).status

    assert idle is not None
    assert idle.phase == "Idle"


def _view(
    *,
    node: MediaNode | None = None,
    report: NodeReport | None = None,
    answer: Placed | Unplaceable | None = None,
) -> RoomView:
    def place(_: RoomRequest) -> Placed | Unplaceable:
        return answer or Placed("a", 0.1)

    return RoomView(CLUSTER, node, report, place)


def _room(status: dict[str, Any] | None = None, **annotations: str) -> Room:
    metadata = {"name": "standup", "namespace": "default", "generation": 1, "annotations": annotations}
    return Room.model_validate({"metadata": metadata, "spec": {}, "status": status or {}})


def _assigned(
    *,
    epoch: int = 1,
    phase: str = "Assigned",
    participants: int = 0,
    empty_since: datetime | None = None,
    wanted_at: datetime | None = None,
) -> Room:
    room = _room(
        {
            "phase": phase,
            "assignment": {"mediaNode": "a", "epoch": epoch, "since": START},
            "lastEpoch": epoch,
            "participants": participants,
            "emptySince": empty_since,
            "joinURL": "https://meet.example.org/r/standup",
            "observedGeneration": 1,
            "conditions": [
                {
                    "type": type,
                    "status": "True",
                    "reason": reason,
                    "message": message,
                    "lastTransitionTime": START,
                    "observedGeneration": 1,
                }
                for type, reason, message in (
                    ("Placed", "Placed", "It is on media node a."),
                    ("Ready", "Ready", "People can join it."),
                )
            ],
        }
    )
    return room if wanted_at is None else _wanted(room, wanted_at)


def _with_ttl(room: Room, seconds: int) -> Room:
    return room.model_copy(update={"spec": room.spec.model_copy(update={"empty_ttl_seconds": seconds})})


def _made_on_join(room: Room) -> Room:
    metadata = room.metadata.model_copy(update={"labels": {"rotunda.dev/made-on-join": "true"}})
    return room.model_copy(update={"metadata": metadata})


def _conditions(room: Room) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in room.status.conditions}


def _wanted(room: Room, at: datetime) -> Room:
    annotations = {"rotunda.dev/wanted-at": at.isoformat()}
    metadata = room.metadata.model_copy(update={"annotations": annotations})
    return room.model_copy(update={"metadata": metadata})


def _node(phase: str, *, cordoned: bool = False) -> MediaNode:
    spec = {"cordoned": cordoned}
    return MediaNode.model_validate({"metadata": {"name": "a"}, "spec": spec, "status": {"phase": phase}})


def _after(decision: RoomDecision, room: Room) -> Room:
    assert decision.status is not None
    return room.model_copy(update={"status": decision.status})
