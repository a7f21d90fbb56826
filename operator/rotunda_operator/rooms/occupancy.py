"""Who is in a room by its node's report, and since when nobody is."""

from dataclasses import dataclass
from datetime import datetime

from rotunda_contract.resources import Room, RoomPhase
from rotunda_operator.clock import Moment
from rotunda_operator.load import NodeReport

JOIN_SECONDS = 60.0
"""Who made a room, or asked for one, has at least so long to come in."""
MOVE_SECONDS = 4.0
"""For so long nobody must have been in a room that is moved: two reports."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """`expires_in` seconds the room gives its node back, if nobody comes; `expired` when it shall now.

    `movable_in` likewise: it may go to another node. `awaited`: somebody is about to come in.
    """

    phase: RoomPhase
    participants: int
    empty_since: datetime | None
    expired: bool = False
    expires_in: float | None = None
    movable_in: float | None = None
    awaited: bool = False


def occupancy(room: Room, report: NodeReport, wanted_at: datetime | None, now: Moment) -> Occupancy | None:
    """By a fresh report of its node; None where that says nothing of the room."""
    people = report.room_participants.get(room.metadata.name)
    if people is None and not report.names_all_rooms:
        return None
    if people:
        return Occupancy("Active", people, None)
    empty_since = room.status.empty_since or now.wall
    # Who asked for the room is about to come in, if it takes as long as an empty room is kept.
    base = max(empty_since, wanted_at or empty_since)
    awaited = JOIN_SECONDS - now.since(_awaited_since(room, empty_since, wanted_at))
    left = max(room.spec.empty_ttl_seconds - now.since(base), awaited)
    return Occupancy(
        "Assigned",
        0,
        empty_since,
        expired=left <= 0,
        expires_in=max(left, 0.0),
        movable_in=max(MOVE_SECONDS - now.since(base), 0.0),
        awaited=awaited > 0,
    )


def _awaited_since(room: Room, empty_since: datetime, wanted_at: datetime | None) -> datetime:
    """Since when somebody may be on the way; long ago where those who were in it have left."""
    assignment = room.status.assignment
    times = [datetime.fromtimestamp(0, empty_since.tzinfo)]
    if assignment is not None and assignment.since is not None and empty_since <= assignment.since:
        times.append(assignment.since)
    if wanted_at is not None and wanted_at >= empty_since:
        times.append(wanted_at)
    return max(times)
