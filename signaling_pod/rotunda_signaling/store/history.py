"""History in an SQL database, whatever the database does: chat never waits for it."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from rotunda_base.backoff import Backoff
from rotunda_contract.ids import ParticipantId
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId
from rotunda_signaling.store import STORED_SECONDS, Page, Reader, Removal, statements
from rotunda_signaling.store.engine import reading_engine
from rotunda_signaling.store.failures import FAILURES, is_of_the_row, raise_if_cancelled
from rotunda_signaling.store.message_ids import first_id_at
from rotunda_signaling.store.migrating import migrate
from rotunda_signaling.store.queue import Erasure, Job, Write, WriteQueue
from rotunda_signaling.store.recent import RecentMessages
from rotunda_signaling.store.schema import GAPS, MESSAGES, REMOVALS, SEATS

PAGE_SECONDS = 3.0
REMOVALS_SECONDS = 1.0
"""Somebody waits to come in."""
WRITE_SECONDS = 15.0
MIGRATION_SECONDS = 900.0
FLUSH_SECONDS = 5.0
"""How long a process that ends waits for what is not stored yet."""
FAREWELL_SECONDS = 2.0
TIDY_SECONDS = 600.0
_BATCH = 500
_DELETE_BATCH = 5_000

_log = structlog.get_logger(__name__)


class SqlHistory:
    """Implements History; `run` must run beside it, and `close` end it.

    `keep_days` is how long messages are kept; `keep_most` bounds their number, for a database in memory.
    """

    def __init__(self, engine: AsyncEngine, *, keep_days: float, keep_most: int | None = None) -> None:
        self._engine = engine
        self._reading = reading_engine(engine)
        self._keep = timedelta(days=keep_days)
        self._keep_most = keep_most
        self._untrimmed = 0
        self._queue = WriteQueue()
        self._recent = RecentMessages()
        self._ready = asyncio.Event()
        self._reads = self._writes = True
        self._storing_since: float | None = None

    @property
    def connected(self) -> bool:
        """The database is there, and did what it was asked last."""
        return self._ready.is_set() and not self.away

    @property
    def away(self) -> bool:
        """The database did not read, or not write, when it was asked last. Not so when nothing was asked."""
        return not (self._reads and self._writes)

    @property
    def reads(self) -> bool:
        """It read when it was asked last."""
        return self._reads

    @property
    def writes(self) -> bool:
        """It wrote when it was asked last."""
        return self._writes

    @property
    def waiting(self) -> int:
        """Rows that are not stored yet."""
        return len(self._queue)

    @property
    def waiting_bytes(self) -> int:
        """Of memory that they take."""
        return self._queue.size

    @property
    def recent_bytes(self) -> int:
        """Of memory that the last received messages take."""
        return self._recent.size

    @property
    def lost(self) -> int:
        """Messages that were never stored."""
        return self._queue.lost

    def record(self, room: RoomId, message: ChatEvent) -> asyncio.Future[bool]:
        stored = self._queue.put(room, message)
        if self._is_late() and not stored.done():
            stored.set_result(False)
        return stored

    def received(self, room: RoomId, message: ChatEvent) -> None:
        self._recent.add(room, message)

    def seated(self, room: RoomId, participant_id: ParticipantId, identity: str) -> None:
        row = {"participant_id": participant_id, "room": room.name, "room_uid": room.uid}
        self.write(Write(SEATS, {**row, "identity": identity, "taken_at": datetime.now(UTC)}))

    def removed(self, room: RoomId, removal: Removal) -> None:
        row = {"room": room.name, "room_uid": room.uid, "removed_at": datetime.now(UTC)}
        # Moderators remove few, and who fills the queue must not undo it.
        self._queue.add(Write(REMOVALS, {**row, **asdict(removal)}), always=True)

    async def removals(self, room: RoomId) -> Sequence[Removal] | None:
        try:
            async with asyncio.timeout(REMOVALS_SECONDS), self._reading.connect() as connection:
                found = (await connection.execute(statements.select_removals(room))).all()
            self._reads = True
        except FAILURES as error:
            self._failed("reading", error)
            return None
        return [Removal(row.participant_id, row.identity, row.token_id) for row in found]

    def write(self, write: Write) -> asyncio.Future[bool]:
        """A row of any table, behind what was recorded before. Answers whether it is stored."""
        self._queue.add(write)
        return write.stored

    def erase(self, room: RoomId) -> asyncio.Future[bool]:
        """The room is no more. Answers whether nothing of it is stored any more."""
        self._recent.forget(room)
        return self._queue.erase(room)

    async def page(self, room: RoomId, reader: Reader, *, before: str | None, limit: int) -> Page:
        seats = {reader.participant_id} if reader.participant_id is not None else set()
        stored: Sequence[ChatEvent] = ()
        complete, lost = False, self._queue.has_lost(room)
        try:
            async with asyncio.timeout(PAGE_SECONDS), self._reading.connect() as connection:
                seats |= await _seats(connection, room, reader)
                stored, complete = await _read(connection, room, seats, before, limit)
            self._reads = True
        except FAILURES as error:
            self._failed("reading", error)

        def wanted(message: ChatEvent) -> bool:
            private = message.to is not None and message.to not in seats and message.sender not in seats
            return not private and (before is None or message.id < before)

        by_id = {message.id: message for message in self._recent.find(room, wanted)}
        by_id.update((message.id, message) for message in stored)
        newest = [by_id[message_id] for message_id in sorted(by_id, reverse=True)[: limit + 1]]
        return Page(newest[:limit][::-1], has_more=len(newest) > limit, complete=complete and not lost)

    async def run(self) -> None:
        """Stores what comes, and throws away what is too old, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(), name="history: write")
            group.create_task(self._tidy(), name="history: tidy")

    async def close(self) -> None:
        """Waits a little for what is not stored yet. `run` must still be running."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._queue.emptied()
        except TimeoutError:
            _log.warning("messages were not stored before the end", waiting=len(self._queue))

    async def dispose(self) -> None:
        """After `run` has ended. A database that says nothing to the farewell is left without one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._engine.dispose()

    async def _write(self) -> None:
        backoff = Backoff()
        while True:
            try:
                if not self._ready.is_set():
                    await self.prepare()
                await self._queue.filled()
                await self._store(self._queue.first(_BATCH))
                backoff.succeeded()
            except FAILURES as error:
                raise_if_cancelled(error)
                self._failed("writing", error)
                self._queue.failed()
                self._ready.clear()  # what comes back may be another database
                await asyncio.sleep(backoff.failed())

    async def prepare(self) -> None:
        """Makes the tables where there are none. Raises what FAILURES lists."""
        async with asyncio.timeout(MIGRATION_SECONDS):
            await migrate(self._engine)
        self._ready.set()
        self._reads = self._writes = True
        _log.info("the database is there", kind=self._engine.dialect.name, waiting=len(self._queue))

    async def _store(self, jobs: Sequence[Job]) -> None:
        self._storing_since = self._storing_since or time.monotonic()
        try:
            await self._do(jobs)
        except SQLAlchemyError as error:
            if not is_of_the_row(error):
                raise
            if len(jobs) > 1:  # find out which, and save the others
                for job in jobs:
                    await self._store([job])
                return
            if isinstance(jobs[0], Write):
                table, reason = jobs[0].table.name, str(error.args[0])
                _log.error("a row was refused and is left out", table=table, error=reason)
                self._queue.give_up(jobs[0])
        self._queue.written(len(jobs))
        self._writes = True
        self._storing_since = None

    def _is_late(self) -> bool:
        """Nobody need wait for what is recorded now: it will not be stored soon."""
        since = self._storing_since
        return not self._writes or (since is not None and time.monotonic() - since > STORED_SECONDS)

    async def _do(self, jobs: Sequence[Job]) -> None:
        async with asyncio.timeout(WRITE_SECONDS), self._engine.begin() as connection:
            if isinstance(jobs[0], Erasure):
                for statement in statements.delete_room(jobs[0].room):
                    await connection.execute(statement)
                return
            writes = [job for job in jobs if isinstance(job, Write)]
            for table in dict.fromkeys(write.table for write in writes):
                rows = [write.row for write in writes if write.table is table]
                await connection.execute(statements.insert_missing(table, self._engine.dialect.name), rows)
            await self._trim(connection, len(writes))

    async def _trim(self, connection: AsyncConnection, written: int) -> None:
        """Now and then, because it looks at every message."""
        self._untrimmed += written
        if self._keep_most is not None and self._untrimmed > self._keep_most // 10:
            self._untrimmed = 0
            await connection.execute(statements.delete_all_but(self._keep_most))

    async def _tidy(self) -> None:
        while True:
            await self._ready.wait()
            try:
                await self._delete_old()
            except FAILURES as error:
                raise_if_cancelled(error)
                _log.warning("what is old was not thrown away", error=_reason(error))
            await asyncio.sleep(TIDY_SECONDS)

    async def _delete_old(self) -> None:
        oldest = first_id_at(time.time() - self._keep.total_seconds())
        moment = datetime.now(UTC) - self._keep
        for table, column, limit in (
            (MESSAGES, "sent_at", moment),
            (GAPS, "last_id", oldest),
            (SEATS, "taken_at", moment),
        ):
            while True:
                statement = statements.delete_before(table, column, limit, _DELETE_BATCH)
                async with asyncio.timeout(WRITE_SECONDS), self._engine.begin() as connection:
                    deleted = (await connection.execute(statement)).rowcount
                if deleted < _DELETE_BATCH:
                    break
        async with asyncio.timeout(WRITE_SECONDS), self._engine.begin() as connection:
            await connection.execute(statements.delete_spent_removals(moment))

    def _failed(self, doing: Literal["reading", "writing"], error: BaseException) -> None:
        """One state for each: a database that is full reads on."""
        if self._reads if doing == "reading" else self._writes:
            _log.warning("the database is away: chat goes on", doing=doing, error=_reason(error))
        if doing == "reading":
            self._reads = False
        else:
            self._writes = False


def _reason(error: BaseException) -> str:
    return (str(error.args[0] if error.args else error) or type(error).__name__)[:500]


async def _seats(connection: AsyncConnection, room: RoomId, reader: Reader) -> set[ParticipantId]:
    if reader.identity is None:
        return set()
    return set((await connection.execute(statements.select_seats(room, reader.identity))).scalars())


async def _read(
    connection: AsyncConnection, room: RoomId, seats: set[ParticipantId], before: str | None, limit: int
) -> tuple[list[ChatEvent], bool]:
    """Newest first, one more than `limit` where there are older ones; and whether none of them is missing."""
    page = statements.select_page(room, sorted(seats), before, limit + 1)
    messages = [statements.message_of(row) for row in await connection.execute(*page)]
    since = messages[limit - 1].id if len(messages) > limit else ""
    missing = (await connection.execute(statements.select_gap(room, since, before))).scalar_one()
    return messages, missing == 0
