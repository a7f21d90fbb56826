"""What waits to be stored: bounded in bytes, and honest about what did not fit. Pure but for its futures."""

import asyncio
import sys
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

MAX_BYTES = 16 * 1024 * 1024
ROW_BYTES = 1024
"""What a row takes beside its values."""


def _future() -> asyncio.Future[bool]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True, eq=False)
class Write:
    """One row of a table. `stored`: whether the first attempt succeeded."""

    table: Table
    row: dict[str, Any]
    stored: asyncio.Future[bool] = field(default_factory=_future)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return ROW_BYTES + sum(map(sys.getsizeof, self.row.values()))


@dataclass(slots=True, eq=False)
class Erasure:
    """All that is known of a room goes: what was written before it, and nothing after."""

    room: RoomId
    stored: asyncio.Future[bool] = field(default_factory=_future)

    size = ROW_BYTES


Job = Write | Erasure


@dataclass(slots=True)
class _Gap:
    first_id: str
    last_id: str
    lost: int = field(default=1)


class WriteQueue:
    """Jobs in the order in which they came. When it is full, messages become gaps."""

    def __init__(self, most: int = MAX_BYTES) -> None:
        """`most` in bytes."""
        self._most = most
        self._jobs: deque[Job] = deque()
        self._bytes = 0
        self._gaps: dict[RoomId, _Gap] = {}
        self._gapped: set[RoomId] = set()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self.lost = 0
        """Messages that were never stored."""

    def __len__(self) -> int:
        return len(self._jobs) + len(self._gaps)

    @property
    def size(self) -> int:
        """Bytes of what waits."""
        return self._bytes

    def put(self, room: RoomId, message: ChatEvent) -> asyncio.Future[bool]:
        """Answers whether it was stored at the first attempt."""
        write = Write(MESSAGES, message_row(room, message))
        if not self.add(write):
            self.lose(room, message.id)
        return write.stored

    def add(self, write: Write, *, always: bool = False) -> bool:
        """False where the queue is full: the row is left out, and `stored` says so. `always`: it never is."""
        if not always and self._bytes + write.size > self._most:
            _answer(write, False)
            return False
        self._append(write)
        return True

    def erase(self, room: RoomId) -> asyncio.Future[bool]:
        """Never left out: there are no more of them than there were rooms."""
        erasure = Erasure(room)
        self._append(erasure)
        return erasure.stored

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
        _answer(write, False)
        if write.table is MESSAGES:
            self.lose(_room_of(write), write.row["id"])

    def failed(self) -> None:
        """Whoever waits for an answer gets it: not yet."""
        for job in self._jobs:
            _answer(job, False)

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

    def first(self, count: int) -> Sequence[Job]:
        """Those to do next, which stay until `written` is called: rows, or an erasure by itself.

        Gaps come after what was saved.
        """
        if not self._jobs:
            gaps = list(self._gaps.items())[:count]
            self._gaps = dict(list(self._gaps.items())[count:])
            for room, gap in gaps:
                self._append(Write(GAPS, _gap_row(room, gap)))
        if isinstance(self._jobs[0], Erasure):
            return [self._jobs[0]]
        found: list[Job] = []
        for job in self._jobs:
            if isinstance(job, Erasure) or len(found) == count:
                break
            found.append(job)
        return found

    def written(self, count: int) -> None:
        """The first so many are done, or given up."""
        for _ in range(count):
            job = self._jobs.popleft()
            self._bytes -= job.size
            _answer(job, True)
            if isinstance(job, Write) and job.table is GAPS and (room := _room_of(job)) not in self._gaps:
                self._gapped.discard(room)
        if not len(self):
            self._emptied.set()

    def _append(self, job: Job) -> None:
        self._jobs.append(job)
        self._bytes += job.size
        self._wake()

    def _wake(self) -> None:
        self._emptied.clear()
        self._filled.set()


def _answer(job: Job, stored: bool) -> None:
    if not job.stored.done():
        job.stored.set_result(stored)


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
