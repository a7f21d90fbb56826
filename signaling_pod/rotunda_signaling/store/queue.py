"""What waits to be stored: bounded, and honest about what did not fit. Pure but for waking its one reader."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from rotunda_contract.ids import RoomName
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId
from rotunda_signaling.store.schema import GAPS, MESSAGES
from rotunda_signaling.store.statements import message_row

MAX_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Write:
    """One row of a table."""

    table: Table
    row: dict[str, Any]


@dataclass(slots=True)
class _Gap:
    first_id: str
    last_id: str
    lost: int = field(default=1)


class WriteQueue:
    """Rows in the order in which they came. When it is full, messages become gaps."""

    def __init__(self, most: int = MAX_ROWS) -> None:
        self._most = most
        self._writes: deque[Write] = deque()
        self._gaps: dict[RoomId, _Gap] = {}
        self._gapped: set[RoomId] = set()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self.lost = 0
        """Messages that were never stored."""

    def __len__(self) -> int:
        return len(self._writes) + len(self._gaps)

    def put(self, room: RoomId, message: ChatEvent) -> None:
        if len(self._writes) >= self._most:
            self.lose(room, message.id)
        else:
            self.add(Write(MESSAGES, message_row(room, message)))

    def add(self, write: Write) -> None:
        """One that nobody misses: left out when the queue is full."""
        if len(self._writes) < self._most:
            self._writes.append(write)
        self._wake()

    def lose(self, room: RoomId, message_id: str) -> None:
        """The message will not be stored; that it is missing will."""
        self.lost += 1
        self._gapped.add(room)
        gap = self._gaps.get(room)
        if gap is None:
            self._gaps[room] = _Gap(message_id, message_id)
        else:
            gap.first_id = min(gap.first_id, message_id)
            gap.last_id = max(gap.last_id, message_id)
            gap.lost += 1
        self._wake()

    def give_up(self, write: Write) -> None:
        """The database will never take it."""
        if write.table is MESSAGES:
            self.lose(_room_of(write), write.row["id"])

    def has_lost(self, room: RoomId) -> bool:
        """There is a gap that the database does not know of yet."""
        return room in self._gapped

    async def filled(self) -> None:
        """Returns once there is something to write."""
        while not len(self):
            self._filled.clear()
            await self._filled.wait()

    async def emptied(self) -> None:
        """Returns once there is nothing to write."""
        await self._emptied.wait()

    def first(self, count: int) -> Sequence[Write]:
        """Those to write next, which stay until `written` is called. Gaps come after what was saved."""
        if self._writes:
            return [self._writes[index] for index in range(min(count, len(self._writes)))]
        gaps = list(self._gaps.items())[:count]
        self._gaps = dict(list(self._gaps.items())[count:])
        self._writes.extend(Write(GAPS, _gap_row(room, gap)) for room, gap in gaps)
        return list(self._writes)

    def written(self, count: int) -> None:
        """The first so many are stored, or given up."""
        for _ in range(count):
            write = self._writes.popleft()
            if write.table is GAPS and (room := _room_of(write)) not in self._gaps:
                self._gapped.discard(room)
        if not len(self):
            self._emptied.set()

    def _wake(self) -> None:
        self._emptied.clear()
        self._filled.set()


def _room_of(write: Write) -> RoomId:
    return RoomId(RoomName(write.row["room"]), write.row["room_uid"])


def _gap_row(room: RoomId, gap: _Gap) -> dict[str, Any]:
    return {
        "first_id": gap.first_id,
        "last_id": gap.last_id,
        "room": room.name,
        "room_uid": room.uid,
        "lost": gap.lost,
    }
