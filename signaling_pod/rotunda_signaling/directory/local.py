"""The room directory of a single machine: in memory, with one media node. Rooms that must outlast the process
are stored beside its messages."""

import asyncio
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from rotunda_contract.errors import InvalidState, LimitExceeded, NotFound, Unavailable
from rotunda_contract.ids import ProcessId, RoomName
from rotunda_signaling.directory import Assignment, OnPending, Room, RoomId, RoomSettings
from rotunda_signaling.randomness import new_id
from rotunda_signaling.store import in_time

Schedule = Callable[[float, Callable[[], None]], asyncio.TimerHandle]
"""Calls back after so many seconds; by default the running event loop's `call_later`."""


KEPT_SECONDS = 5.0
"""How long a request that creates or deletes a room waits until that is stored."""


class KeptRooms(Protocol):
    """Both return at once. The future says whether it is stored."""

    def keep(self, room: Room) -> "asyncio.Future[bool]":
        """The room is to outlast the process."""

    def forget(self, room: RoomId) -> "asyncio.Future[bool]":
        """The room and its messages are deleted."""


@dataclass(frozen=True, slots=True)
class LocalNode:
    """The machine's media node."""

    name: str
    address: str
    process_id: ProcessId


@dataclass(slots=True)
class _Entry:
    room: Room
    stored: "asyncio.Future[bool] | None" = None
    epoch: int | None = None
    occupied: bool = False
    emptied: int = 0
    """Grows with every room that becomes empty."""
    expiry: asyncio.TimerHandle | None = None


class LocalDirectory:
    """Implements RoomDirectory. Rooms are made on join and forgotten when empty for their TTL."""

    def __init__(
        self,
        node: LocalNode,
        *,
        defaults: RoomSettings | None = None,
        max_rooms: int = 10_000,
        schedule: Schedule | None = None,
        kept: KeptRooms | None = None,
    ) -> None:
        self._node = node
        self._defaults = defaults or RoomSettings()
        self._max_rooms = max_rooms
        self._schedule = schedule
        self._kept = kept
        self._entries: dict[RoomName, _Entry] = {}
        self._epochs = itertools.count(1)
        self._emptied = itertools.count(1)
        self._on_deleted: list[Callable[[RoomName], None]] = []

    def restore(self, rooms: Iterable[Room]) -> None:
        """Restores the rooms of an earlier process. The time to live of rooms that a join has created starts
        again."""
        for room in rooms:
            entry = self._entries[room.name] = _Entry(room)
            if room.made_on_join:
                self._expire_later(entry)

    async def resolve(
        self, room: RoomName, *, wait: float = 0.0, on_pending: OnPending | None = None
    ) -> Assignment:
        """Never waits: the one node takes every room."""
        entry = self._entries.get(room)
        if entry is None:
            entry = self._add(room, self._defaults, made_on_join=True)
        if entry.epoch is None:
            entry.epoch = next(self._epochs)
        if not entry.occupied:
            self._expire_later(entry)
        return Assignment(
            room=room,
            node=self._node.name,
            address=self._node.address,
            epoch=entry.epoch,
            process_id=self._node.process_id,
            settings=entry.room.settings,
            uid=entry.room.uid,
        )

    def is_placed(self, room: RoomName) -> bool:
        entry = self._entries.get(room)
        return entry is not None and entry.epoch is not None

    def defaults(self) -> RoomSettings:
        return self._defaults

    async def create(self, room: RoomName, settings: RoomSettings) -> Room:
        if room in self._entries:
            raise InvalidState(f"room {room} exists already")
        entry = self._add(room, settings, made_on_join=False)
        if not await self._is_stored(entry):
            self._remove(entry)
            raise Unavailable("the room was not made: the database that would keep it does not answer")
        return entry.room

    async def get(self, room: RoomName) -> Room:
        return self._entry(room).room

    async def list(self) -> list[Room]:
        return [self._entries[name].room for name in sorted(self._entries)]

    async def delete(self, room: RoomName) -> None:
        forgotten = self._remove(self._entry(room))
        if forgotten is not None and not await in_time(forgotten, KEPT_SECONDS):
            raise Unavailable(
                "the room is deleted, but the database that kept it does not answer: "
                "unless that comes back before the next start, the room will be there again"
            )

    def watch_deletions(self, on_deleted: Callable[[RoomName], None]) -> None:
        self._on_deleted.append(on_deleted)

    def watch_moves(self, on_moved: Callable[[RoomName, int], None]) -> None:
        """No room ever moves: there is one node."""

    def report_occupied(self, room: RoomName) -> None:
        entry = self._entries.get(room)
        if entry is not None:
            entry.occupied = True
            self._keep(entry)

    def report_empty(self, room: RoomName) -> None:
        entry = self._entries.get(room)
        if entry is not None:
            entry.occupied = False
            self._expire_later(entry)

    def report_lost(self, assignment: Assignment) -> None:
        entry = self._entries.get(assignment.room)
        if entry is not None and entry.epoch == assignment.epoch:
            entry.epoch = None

    def _add(self, name: RoomName, settings: RoomSettings, *, made_on_join: bool) -> _Entry:
        if len(self._entries) >= self._max_rooms and not self._give_way():
            raise LimitExceeded(f"there are {self._max_rooms} rooms already: delete some first")
        settings = replace(settings, display_name=settings.display_name or name)
        room = Room(name, settings, datetime.now(UTC), made_on_join, new_id())
        stored = self._kept.keep(room) if self._kept is not None else None
        entry = self._entries[name] = _Entry(room, stored)
        return entry

    async def _is_stored(self, entry: _Entry) -> bool:
        return entry.stored is None or await in_time(entry.stored, KEPT_SECONDS)

    def _remove(self, entry: _Entry) -> "asyncio.Future[bool] | None":
        """Answers whether it is stored that the room is no more, where rooms are stored."""
        if self._entries.get(entry.room.name) is not entry:
            return None
        self._keep(entry)
        del self._entries[entry.room.name]
        self._announce(entry.room.name)
        return self._kept.forget(entry.room.id) if self._kept is not None else None

    def _give_way(self) -> bool:
        """Ends the room made on join that has been empty for longest. False: there is none."""
        empty = (entry for entry in self._entries.values() if entry.room.made_on_join and not entry.occupied)
        oldest = min(empty, key=lambda entry: entry.emptied, default=None)
        if oldest is not None:
            self._remove(oldest)
        return oldest is not None

    def _entry(self, room: RoomName) -> _Entry:
        entry = self._entries.get(room)
        if entry is None:
            raise NotFound(f"there is no room {room}")
        return entry

    def _expire_later(self, entry: _Entry) -> None:
        """Starts the time to live again, which whoever comes in stops by `report_occupied`."""
        self._keep(entry)
        entry.emptied = next(self._emptied)
        schedule = self._schedule or asyncio.get_running_loop().call_later
        entry.expiry = schedule(entry.room.settings.empty_ttl, lambda: self._expire(entry))

    def _keep(self, entry: _Entry) -> None:
        if entry.expiry is not None:
            entry.expiry.cancel()
            entry.expiry = None

    def _expire(self, entry: _Entry) -> None:
        """A room made on join is forgotten; one that somebody wanted only gives its node back."""
        entry.expiry = None
        entry.epoch = None
        if entry.room.made_on_join:
            self._remove(entry)
        else:
            self._announce(entry.room.name)

    def _announce(self, room: RoomName) -> None:
        for on_deleted in self._on_deleted:
            on_deleted(room)
