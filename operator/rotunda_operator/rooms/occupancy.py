"""How many people are in a room by the report of its node, and since when it is empty."""

from dataclasses import dataclass
from datetime import datetime

from rotunda_contract.resources import Room, RoomPhase
from rotunda_operator.clock import Instant
from rotunda_operator.load import NodeReport

JOIN_SECONDS = 60.0
"""Whoever created a room, or asked for it, has at least this time to join."""
MOVE_SECONDS = 4.0
"""A room is moved only after it was empty for so long: two reports."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What a report says of one room. Times are in seconds from now.

    `expired`: the room was empty for longer than it is kept, and gives its node back now.
    `expires_in`: when it will, if nobody joins; None while people are in it.
    `movable_in`: when it may go to another node, if nobody joins; None while people are in it.
    `awaited`: somebody is expected to join soon, see JOIN_SECONDS.
    """

    phase: RoomPhase
    participants: int
    empty_since: datetime | None
    expired: bool = False
    expires_in: float | None = None
    movable_in: float | None = None
    awaited: bool = False


def occupancy(room: Room, report: NodeReport, wanted_at: datetime | None, now: Instant) -> Occupancy | None:
    """None where the report, which is a fresh one of the room's node, does not tell about the room."""
    people = report.room_participants.get(room.metadata.name)
    if people is None and not report.names_all_rooms:
        return None
    if people:
        return Occupancy("Active", people, None)
    empty_since = room.status.empty_since or now.wall
    # Somebody who asked for the empty room has the whole emptyTTLSeconds from then on to join.
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
    """When somebody last became expected to join: by the assignment of a room in which nobody was yet, or by
    a request for the room while it is empty. Long ago (1970) where there is neither."""
    assignment = room.status.assignment
    times = [datetime.fromtimestamp(0, empty_since.tzinfo)]
    if assignment is not None and assignment.since is not None and empty_since <= assignment.since:
        times.append(assignment.since)
    if wanted_at is not None and wanted_at >= empty_since:
        times.append(wanted_at)
    return max(times)
