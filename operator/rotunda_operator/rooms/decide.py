"""The life of a Room: a pure function from what is known to its next status.

    Pending ──placed──▶ Assigned ⇄ Active
       ▲                   │ empty for emptyTTLSeconds
       │ node lost         ▼
       ◀──wanted again── Idle          Failed: no node could ever take it as it is written

A room keeps its node until that is known to be lost. A node that does not report keeps its rooms. While a
node drains, only empty rooms leave it, and those at once. Each assignment has a higher epoch than all before
it.

Condition Placed: whether the room has a node. Condition Ready: whether people can join it, which they can
also where it is Idle, as the join wakes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rotunda_contract.resources import (
    MADE_ON_JOIN,
    WANTED_AT,
    MediaCluster,
    MediaNode,
    Room,
    RoomAssignment,
    RoomPhase,
    RoomStatus,
)
from rotunda_operator.clock import Instant
from rotunda_operator.conditions import NewCondition, find_condition, set_conditions
from rotunda_operator.event_recorder import Event
from rotunda_operator.load import NodeReport
from rotunda_operator.placement import Placed, RoomRequest, Unplaceable
from rotunda_operator.rooms.occupancy import Occupancy, occupancy

MOVE_RETRY_SECONDS = 15.0
"""After this time another node is looked for again, where no node could take an empty room from a node that
drains."""
_IDLE = NewCondition("Ready", "True", "Idle", "People can join it: the next join wakes it.")


@dataclass(frozen=True, slots=True)
class RoomView:
    """What a decision is made from.

    `node`: the assigned one, None where it was deleted. `report`: that node's report, if it has a fresh one.
    `place` answers which node the room would get now.
    """

    cluster: MediaCluster | None
    node: MediaNode | None
    report: NodeReport | None
    place: Callable[[RoomRequest], Placed | Unplaceable]


@dataclass(frozen=True, slots=True)
class RoomDecision:
    """What to do about a Room.

    `status`: the one to write; None: it stays as it is. `urgent`: whether signaling acts on what changes;
    if not, the write may wait. `requeue_after`: seconds after which to decide again, if nothing changes
    before.
    """

    status: RoomStatus | None = None
    events: tuple[Event, ...] = ()
    delete: bool = False
    urgent: bool = True
    requeue_after: float | None = None


def decide(room: Room, view: RoomView, now: Instant) -> RoomDecision:
    """One step. The same arguments give the same answer."""
    if room.metadata.deletion_timestamp is not None:
        return RoomDecision()
    if view.cluster is None:
        return _serve_or(room, view, now, _without_cluster)
    if room.spec.people > view.cluster.spec.media_nodes.capacity.participants:
        return _serve_or(room, view, now, _too_large)
    if room.status.assignment is None:
        if room.status.phase == "Idle" and not _wanted(room):
            return _decision(room, view, now, room.status, (_IDLE,))
        return _place(room, view, now)
    if _is_lost(view.node):
        return _place(room, view, now, why=" because its media node was lost")
    return _serve(room, view, now)


def request_of(room: Room) -> RoomRequest:
    """What the room asks of placement."""
    placement = room.spec.placement
    return RoomRequest(
        name=room.metadata.name,
        cluster=room.spec.cluster_ref,
        people=room.spec.people,
        region=placement.region,
        node_selector=placement.node_selector,
        pin_to=placement.pin_to,
    )


def _is_lost(node: MediaNode | None) -> bool:
    return node is None or node.status.phase == "Lost"


def _wanted(room: Room) -> bool:
    """Whether somebody asked for the room after it became Idle."""
    wanted, placed = wanted_at(room), find_condition(room.status.conditions, "Placed")
    return wanted is not None and (placed is None or wanted > placed.last_transition_time)


def wanted_at(room: Room) -> datetime | None:
    """The time in the annotation WANTED_AT; None where there is none, or it is not a time with a zone."""
    text = room.metadata.annotations.get(WANTED_AT)
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None else None


def _serve_or(
    room: Room,
    view: RoomView,
    now: Instant,
    otherwise: Callable[[Room, RoomView, Instant], RoomDecision],
) -> RoomDecision:
    """A room that is served stays so, even if its cluster was deleted or its spec has become impossible."""
    if room.status.assignment is not None and not _is_lost(view.node):
        return _serve(room, view, now)
    return otherwise(room, view, now)


def _without_cluster(room: Room, view: RoomView, now: Instant) -> RoomDecision:
    text = f"There is no MediaCluster {room.spec.cluster_ref} in this namespace."
    return _unplaced(room, view, now, "Pending", "ClusterNotFound", text)


def _too_large(room: Room, view: RoomView, now: Instant) -> RoomDecision:
    text = (
        f"It expects {room.spec.people} people, more than any media node may serve by the MediaCluster's "
        "mediaNodes.capacity.participants: lower expectedParticipants, or raise that."
    )
    return _unplaced(room, view, now, "Failed", "TooLarge", text)


def _place(room: Room, view: RoomView, now: Instant, *, why: str = "") -> RoomDecision:
    answer = view.place(request_of(room))
    if isinstance(answer, Unplaceable):
        reason = "NoMediaNodeFits" if answer.rejections else "NoMediaNodes"
        return _unplaced(room, view, now, "Pending", reason, answer.message)
    return _placed(room, view, now, answer, why)


def _placed(room: Room, view: RoomView, now: Instant, answer: Placed, why: str) -> RoomDecision:
    epoch = room.status.last_epoch + 1
    status = room.status.model_copy(
        update={
            "phase": "Assigned",
            "assignment": RoomAssignment(media_node=answer.node, epoch=epoch, since=now.wall),
            "last_epoch": epoch,
            "participants": 0,
            "empty_since": now.wall,
        }
    )
    conditions = (
        NewCondition("Placed", "True", "Placed", f"It is on media node {answer.node}."),
        NewCondition("Ready", "True", "Ready", "People can join it."),
    )
    event = Event("Placed", f"Placed on media node {answer.node} with epoch {epoch}{why}.", "Place")
    return _decision(room, view, now, status, conditions, (event,))


def _unplaced(
    room: Room, view: RoomView, now: Instant, phase: RoomPhase, reason: str, text: str
) -> RoomDecision:
    known = find_condition(room.status.conditions, "Placed")
    events: tuple[Event, ...] = ()
    if room.status.assignment is not None:
        text = f"Its media node {room.status.assignment.media_node} was lost. {text}"
    if known is None or known.reason != reason:
        events = (Event(reason, text, "Place", warning=True),)
    status = room.status.model_copy(
        update={"phase": phase, "assignment": None, "participants": 0, "empty_since": None}
    )
    conditions = (
        NewCondition("Placed", "False", reason, text),
        NewCondition("Ready", "False", reason, "Nobody can join it yet." if phase == "Pending" else text),
    )
    return _decision(room, view, now, status, conditions, events)


def _serve(room: Room, view: RoomView, now: Instant) -> RoomDecision:
    found = occupancy(room, view.report, wanted_at(room), now) if view.report is not None else None
    if found is None:  # not reported: the room may be full of people
        return _decision(room, view, now, room.status, ())
    if found.expired:
        text = f"Nobody was in it for {room.spec.empty_ttl_seconds} s"
        return _release_node(room, view, now, text)
    if found.movable_in is not None and view.node is not None and _drains(view.node):
        return _move(room, view, found, now)
    return _stay(room, view, found, now, found.expires_in)


def _move(room: Room, view: RoomView, found: Occupancy, now: Instant) -> RoomDecision:
    """Moves an empty room away from a node that drains: nobody notices, and the node is free sooner."""
    if found.movable_in:
        return _stay(room, view, found, now, found.movable_in)
    answer = view.place(request_of(room))
    if isinstance(answer, Placed):
        return _placed(room, view, now, answer, " because its media node drains and nobody is in it")
    if found.awaited or _is_made_on_join(room):  # without a node the latter would be deleted too early
        return _stay(room, view, found, now, min(found.expires_in or 0.0, MOVE_RETRY_SECONDS))
    return _release_node(room, view, now, "Nobody is in it, its media node drains, and no other can take it")


def _stay(
    room: Room, view: RoomView, found: Occupancy, now: Instant, requeue_after: float | None
) -> RoomDecision:
    assignment = room.status.assignment
    assert assignment is not None
    status = room.status.model_copy(
        update={
            "phase": found.phase,
            "participants": found.participants,
            "empty_since": found.empty_since,
        }
    )
    conditions = (
        NewCondition("Placed", "True", "Placed", f"It is on media node {assignment.media_node}."),
        _readiness(view),
    )
    return _decision(room, view, now, status, conditions, requeue_after=requeue_after)


def _drains(node: MediaNode) -> bool:
    return node.spec.cordoned or node.status.phase == "Draining"


def _is_made_on_join(room: Room) -> bool:
    return room.metadata.labels.get(MADE_ON_JOIN) == "true"


def _readiness(view: RoomView) -> NewCondition:
    if view.node is not None and view.node.status.phase == "Pending":
        return NewCondition("Ready", "False", "MediaNodeStarting", "Its media node starts.")
    return NewCondition("Ready", "True", "Ready", "People can join it.")


def _release_node(room: Room, view: RoomView, now: Instant, why: str) -> RoomDecision:
    if _is_made_on_join(room):
        event = Event("Deleted", f"{why}, and joining had made it.", "Delete")
        return RoomDecision(delete=True, events=(event,))
    text = f"{why}; the next join wakes it."
    status = room.status.model_copy(
        update={"phase": "Idle", "assignment": None, "participants": 0, "empty_since": None}
    )
    conditions = (NewCondition("Placed", "False", "Idle", text), _IDLE)
    return _decision(room, view, now, status, conditions, (Event("Idle", text, "GiveBack"),))


def _decision(
    room: Room,
    view: RoomView,
    now: Instant,
    status: RoomStatus,
    conditions: tuple[NewCondition, ...],
    events: tuple[Event, ...] = (),
    requeue_after: float | None = None,
) -> RoomDecision:
    """Completes the status, and compares it with the one before."""
    update: dict[str, object] = {
        "observed_generation": room.metadata.generation,
        "conditions": set_conditions(status.conditions, conditions, room.metadata.generation, now.wall),
    }
    if view.cluster is not None:
        url = view.cluster.spec.public_url
        update["join_url"] = f"{url}/r/{room.metadata.name}" if url else None
    status = status.model_copy(update=update)
    if status == room.status:
        return RoomDecision(requeue_after=requeue_after)
    # Urgent is what signaling acts on. It does not act on how many people are in the room.
    not_urgent: dict[str, object] = {"participants": status.participants, "empty_since": status.empty_since}
    if status.assignment == room.status.assignment:
        not_urgent["phase"] = status.phase
    urgent = room.status.model_copy(update=not_urgent) != status
    return RoomDecision(status, events, urgent=urgent, requeue_after=requeue_after)
