"""What a media node still knows of rooms that have closed: enough to refuse calls about them, and no more."""

from __future__ import annotations

from dataclasses import dataclass

from rotunda_contract.ids import RoomName
from rotunda_sfu.clock import Clock
from rotunda_sfu.removals import Removals

KEEP_SECONDS = 600.0
"""Longer than any call about an earlier assignment may be on its way, retries included."""
KEEP_REMOVALS_SECONDS = 86_400.0
"""A room that is to live on may be given back here; who was removed from it stays out meanwhile."""
MOST = 10_000
"""Of more than so many of a kind, the earliest closed is forgotten."""


@dataclass(frozen=True, slots=True)
class ClosedRoom:
    """The last assignment of a room here. `removals` are for a room that takes its place."""

    uid: str
    epoch: int
    removals: Removals


class ClosedRooms:
    """By name: the uid, epoch and removals of the room of that name that closed last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # By how long they are kept, so that each has what ends first in front.
        self._kept: dict[float, dict[RoomName, tuple[ClosedRoom, float]]] = {
            KEEP_SECONDS: {},
            KEEP_REMOVALS_SECONDS: {},
        }

    def __len__(self) -> int:
        return sum(len(rooms) for rooms in self._kept.values())

    def get(self, name: RoomName) -> ClosedRoom | None:
        self._forget_what_is_over()
        found = (rooms[name] for rooms in self._kept.values() if name in rooms)
        return next((room for room, _ in found), None)

    def add(self, name: RoomName, room: ClosedRoom) -> None:
        """Kept for a while, in the place of an earlier one of this name."""
        self.forget(name)
        self._forget_what_is_over()
        seconds = KEEP_REMOVALS_SECONDS if any(True for _ in room.removals) else KEEP_SECONDS
        rooms = self._kept[seconds]
        rooms[name] = room, self._clock.time() + seconds
        if len(rooms) > MOST:
            del rooms[next(iter(rooms))]

    def forget(self, name: RoomName) -> None:
        """Unknown: nothing happens."""
        for rooms in self._kept.values():
            rooms.pop(name, None)

    def _forget_what_is_over(self) -> None:
        now = self._clock.time()
        for rooms in self._kept.values():
            while rooms and rooms[first := next(iter(rooms))][1] <= now:
                del rooms[first]
