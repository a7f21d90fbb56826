"""The life of a Room: a pure function from what is known to its next status.

    Pending ──placed──▶ Assigned ⇄ Active
       ▲                   │ empty for emptyTTLSeconds
       │ node lost         ▼
       ◀──wanted again── Idle          Failed: no node could ever take it as it is written

A room keeps its node as long as that is not known to be gone: silence moves nothing. Only an empty one leaves
a node that drains, at once. Every assignment has a higher epoch than all before it. Ready says that people
can join, which they can also where it is Idle; Placed says whether it has a node.
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
from rotunda_operator.clock import Moment
from rotunda_operator.conditions import Verdict, find, with_verdicts
from rotunda_operator.event_recorder import Note
from rotunda_operator.load import NodeReport
from rotunda_operator.placement import Placed, RoomRequest, Unplaceable
from rotunda_operator.rooms.occupancy import Occupancy, occupancy

FULL_PAUSE = 15.0
"""Seconds until an empty room whose node drains is tried again elsewhere."""
_IDLE = Verdict("Ready", "True", "Idle", "People can join it: the next join wakes it.")


@dataclass(frozen=True, slots=True)
class RoomView:
    """What a decision sees of the world. `node` is the assigned one, None when it is gone; `report` its
    fresh report; `place` answers where the room would go now."""

    cluster: MediaCluster | None
    node: MediaNode | None
    report: NodeReport | None
    place: Callable[[RoomRequest], Placed | Unplaceable]


@dataclass(frozen=True, slots=True)
class RoomDecision:
    """`status` None: it stays. `urgent` False: nobody acts on what changes. `again` in seconds."""

    status: RoomStatus | None = None
    notes: tuple[Note, ...] = ()
    delete: bool = False
    urgent: bool = True
    again: float | None = None


def decide(room: Room, view: RoomView, now: Moment) -> RoomDecision:
    """One step; the same arguments give the same answer."""
    if room.metadata.deletion_timestamp is not None:
        return RoomDecision()
    if view.cluster is None:
        return _keep_or(room, view, now, _without_cluster)
    if room.spec.people > view.cluster.spec.media_nodes.capacity.participants:
        return _keep_or(room, view, now, _too_large)
    if room.status.assignment is None:
        if room.status.phase == "Idle" and not _wanted(room):
            return _settle(room, view, now, room.status, (_IDLE,))
        return _place(room, view, now)
    if _is_lost(view.node):
        return _place(room, view, now, why=" because its media node was lost")
    return _serve(room, view, now)


def request_of(room: Room) -> RoomRequest:
    """What placement is asked for it."""
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
    """Somebody asked for it after it became Idle."""
    wanted, placed = wanted_at(room), find(room.status.conditions, "Placed")
    return wanted is not None and (placed is None or wanted > placed.last_transition_time)


def wanted_at(room: Room) -> datetime | None:
    """The annotation; None where there is none or it is no time."""
    text = room.metadata.annotations.get(WANTED_AT)
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None else None


def _keep_or(
    room: Room,
    view: RoomView,
    now: Moment,
    otherwise: Callable[[Room, RoomView, Moment], RoomDecision],
) -> RoomDecision:
    """What is served goes on, whatever has become of its cluster or spec meanwhile."""
    if room.status.assignment is not None and not _is_lost(view.node):
        return _serve(room, view, now)
    return otherwise(room, view, now)


def _without_cluster(room: Room, view: RoomView, now: Moment) -> RoomDecision:
    text = f"There is no MediaCluster {room.spec.cluster_ref} in this namespace."
    return _unplaced(room, view, now, "Pending", "ClusterNotFound", text)


def _too_large(room: Room, view: RoomView, now: Moment) -> RoomDecision:
    text = (
        f"It expects {room.spec.people} people, more than any media node may serve by the MediaCluster's "
        "mediaNodes.capacity.participants: lower expectedParticipants, or raise that."
    )
    return _unplaced(room, view, now, "Failed", "TooLarge", text)


def _place(room: Room, view: RoomView, now: Moment, *, why: str = "") -> RoomDecision:
    answer = view.place(request_of(room))
    if isinstance(answer, Unplaceable):
        reason = "NoMediaNodeFits" if answer.rejections else "NoMediaNodes"
        return _unplaced(room, view, now, "Pending", reason, answer.message)
    return _placed(room, view, now, answer, why)


def _placed(room: Room, view: RoomView, now: Moment, answer: Placed, why: str) -> RoomDecision:
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
    verdicts = (
        Verdict("Placed", "True", "Placed", f"It is on media node {answer.node}."),
        Verdict("Ready", "True", "Ready", "People can join it."),
    )
    note = Note("Placed", f"Placed on media node {answer.node} with epoch {epoch}{why}.", "Place")
    return _settle(room, view, now, status, verdicts, (note,))


def _unplaced(
    room: Room, view: RoomView, now: Moment, phase: RoomPhase, reason: str, text: str
) -> RoomDecision:
    known = find(room.status.conditions, "Placed")
    notes: tuple[Note, ...] = ()
    if room.status.assignment is not None:
        text = f"Its media node {room.status.assignment.media_node} was lost. {text}"
    if known is None or known.reason != reason:
        notes = (Note(reason, text, "Place", warning=True),)
    status = room.status.model_copy(
        update={"phase": phase, "assignment": None, "participants": 0, "empty_since": None}
    )
    verdicts = (
        Verdict("Placed", "False", reason, text),
        Verdict("Ready", "False", reason, "Nobody can join it yet." if phase == "Pending" else text),
    )
    return _settle(room, view, now, status, verdicts, notes)


def _serve(room: Room, view: RoomView, now: Moment) -> RoomDecision:
    found = occupancy(room, view.report, wanted_at(room), now) if view.report is not None else None
    if found is None:  # it may be full of people: nothing is concluded from silence
        return _settle(room, view, now, room.status, ())
    if found.expired:
        text = f"Nobody was in it for {room.spec.empty_ttl_seconds} s"
        return _give_back(room, view, now, text)
    if found.movable_in is not None and view.node is not None and _drains(view.node):
        return _leave(room, view, found, now)
    return _stay(room, view, found, now, found.expires_in)


def _leave(room: Room, view: RoomView, found: Occupancy, now: Moment) -> RoomDecision:
    """It holds up a node that drains, and nobody would notice that it has moved."""
    if found.movable_in:
        return _stay(room, view, found, now, found.movable_in)
    answer = view.place(request_of(room))
    if isinstance(answer, Placed):
        return _placed(room, view, now, answer, " because its media node drains and nobody is in it")
    if found.awaited or _is_made_on_join(room):  # it would be deleted before its time
        return _stay(room, view, found, now, min(found.expires_in or 0.0, FULL_PAUSE))
    return _give_back(room, view, now, "Nobody is in it, its media node drains, and no other can take it")


def _stay(room: Room, view: RoomView, found: Occupancy, now: Moment, again: float | None) -> RoomDecision:
    assignment = room.status.assignment
    assert assignment is not None
    status = room.status.model_copy(
        update={
            "phase": found.phase,
            "participants": found.participants,
            "empty_since": found.empty_since,
        }
    )
    verdicts = (
        Verdict("Placed", "True", "Placed", f"It is on media node {assignment.media_node}."),
        _readiness(view),
    )
    return _settle(room, view, now, status, verdicts, again=again)


def _drains(node: MediaNode) -> bool:
    return node.spec.cordoned or node.status.phase == "Draining"


def _is_made_on_join(room: Room) -> bool:
    return room.metadata.labels.get(MADE_ON_JOIN) == "true"


def _readiness(view: RoomView) -> Verdict:
    if view.node is not None and view.node.status.phase == "Pending":
        return Verdict("Ready", "False", "MediaNodeStarting", "Its media node starts.")
    return Verdict("Ready", "True", "Ready", "People can join it.")


def _give_back(room: Room, view: RoomView, now: Moment, why: str) -> RoomDecision:
    if _is_made_on_join(room):
        note = Note("Deleted", f"{why}, and joining had made it.", "Delete")
        return RoomDecision(delete=True, notes=(note,))
    text = f"{why}; the next join wakes it."
    status = room.status.model_copy(
        update={"phase": "Idle", "assignment": None, "participants": 0, "empty_since": None}
    )
    verdicts = (Verdict("Placed", "False", "Idle", text), _IDLE)
    return _settle(room, view, now, status, verdicts, (Note("Idle", text, "GiveBack"),))


def _settle(
    room: Room,
    view: RoomView,
    now: Moment,
    status: RoomStatus,
    verdicts: tuple[Verdict, ...],
    notes: tuple[Note, ...] = (),
    again: float | None = None,
) -> RoomDecision:
    """The rest of the status, and whether it changes anything."""
    update: dict[str, object] = {
        "observed_generation": room.metadata.generation,
        "conditions": with_verdicts(status.conditions, verdicts, room.metadata.generation, now.wall),
    }
    if view.cluster is not None:
        url = view.cluster.spec.public_url
        update["join_url"] = f"{url}/r/{room.metadata.name}" if url else None
    status = status.model_copy(update=update)
    if status == room.status:
        return RoomDecision(again=again)
    # People come and go: that shows in time. Only what signaling acts on is urgent.
    passing: dict[str, object] = {"participants": status.participants, "empty_since": status.empty_since}
    if status.assignment == room.status.assignment:
        passing["phase"] = status.phase
    urgent = room.status.model_copy(update=passing) != status
    return RoomDecision(status, notes, urgent=urgent, again=again)
