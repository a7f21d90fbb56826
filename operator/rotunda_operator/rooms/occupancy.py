"""Who is in a room by its node's report, and since when nobody is."""

from dataclasses import dataclass
from datetime import datetime

from rotunda_contract.resources import Room, RoomPhase
from rotunda_operator.load import NodeReport
from rotunda_operator.moment import Moment


@dataclass(frozen=True, slots=True)
class Occupancy:
    """`expires_in` seconds the room gives its node back, if nobody comes; `expired` when it shall now."""

    phase: RoomPhase
    participants: int
    empty_since: datetime | None
    expired: bool = False
    expires_in: float | None = None


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
    left = room.spec.empty_ttl_seconds - now.since(base)
    return Occupancy("Assigned", 0, empty_since, expired=left <= 0, expires_in=max(left, 0.0))
