"""The history of chat in real databases: who reads what, and what happens when the database is away."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.postgres_server import PostgresServer
from sqlalchemy import text

from rotunda_contract.ids import ParticipantId, RoomName
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId
from rotunda_signaling.store import NoHistory, Page, Reader, Removal
from rotunda_signaling.store.engine import make_engine
from rotunda_signaling.store.history import SqlHistory
from rotunda_signaling.store.message_ids import MessageIds
from rotunda_signaling.store.queue import MAX_BYTES, ROW_BYTES, Write, WriteQueue
from rotunda_signaling.store.recent import RecentMessages
from rotunda_signaling.store.schema import MESSAGES, REMOVALS
from rotunda_signaling.store.testing import ROOM, said
from rotunda_signaling.testing import MakeStage

ANYBODY = Reader()
WAIT = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running


@pytest.fixture(params=["memory", "file", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param != "postgresql":
        return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/messages.sqlite3"
    server: PostgresServer = request.getfixturevalue("server")
    return await empty(server)


async def empty(server: PostgresServer) -> str:
    engine = make_engine(server.url)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()
    return server.url


async def execute(data_directory: Path, statement: str) -> None:
    """In the file of a server, in a thread: the server needs this event loop to end its transactions."""

    def act() -> None:
        with closing(sqlite3.connect(data_directory / "messages.sqlite3", timeout=WAIT)) as database:
            database.execute(statement)

    await asyncio.to_thread(act)


class Running:
    """A history at work. As a process does, it hears of what it records."""

    def __init__(self, url: str, **options: float) -> None:
        keep_most = options.pop("keep_most", None)
        self.history = SqlHistory(
            make_engine(url),
            keep_days=options.pop("keep_days", 30.0),
            keep_most=int(keep_most) if keep_most is not None else None,
        )
        self._task = asyncio.create_task(self.history.run())

    async def stop(self) -> None:
        await self.history.close()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self.history.dispose()

    async def say(self, *messages: ChatEvent, room: RoomId = ROOM) -> None:
        """Recorded and stored, and heard of by nobody."""
        for message in messages:
            self.history.record(room, message)
        await self.stored()

    async def stored(self) -> None:
        async with asyncio.timeout(WAIT):
            while self.history.waiting:  # noqa: ASYNC110 -- the database is another process
                await asyncio.sleep(0.01)

    async def page(
        self, reader: Reader = ANYBODY, *, before: str | None = None, limit: int = 50, room: RoomId = ROOM
    ) -> Page:
        return await self.history.page(room, reader, before=before, limit=limit)


Start = Callable[..., Running]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    running: list[Running] = []

    def begin(url: str, **options: float) -> Running:
        running.append(Running(url, **options))
        return running[-1]

    yield begin
    for one in running:
        await one.stop()


def texts(page: Page) -> list[str]:
    return [message.text for message in page.messages]


async def test_pages_go_back_from_the_newest(url: str, start: Start) -> None:
    one = start(url)
    messages = [said(str(number)) for number in range(7)]
    await one.say(*messages)
    last = await one.page(limit=3)
    assert (texts(last), last.has_more, last.complete) == (["4", "5", "6"], True, True)
    assert last.messages == messages[4:]
    middle = await one.page(limit=3, before=last.messages[0].id)
    assert (texts(middle), middle.has_more) == (["1", "2", "3"], True)
    first = await one.page(limit=3, before=middle.messages[0].id)
    assert (texts(first), first.has_more, first.complete) == (["0"], False, True)
    assert texts(await one.page(limit=7)) == [str(number) for number in range(7)]
    assert not (await one.page(limit=7)).has_more


async def test_private_messages_are_read_by_the_two_seats_alone(url: str, start: Start) -> None:
    one = start(url)
    await one.say(said("all"), said("psst", "ada", "ben"), said("hm", "ben", "ada"), said("hi", "cleo"))
    readers = [Reader(ParticipantId(seat)) for seat in ("ada", "ben")]
    for reader in readers:
        assert texts(await one.page(reader)) == ["all", "psst", "hm", "hi"]
        assert texts(await one.page(reader, limit=2)) == ["hm", "hi"]
    for reader in (Reader(ParticipantId("cleo")), Reader(ParticipantId("")), ANYBODY):
        assert texts(await one.page(reader)) == ["all", "hi"]


async def test_the_seats_of_one_identity_count_together(url: str, start: Start) -> None:
    one = start(url)
    one.history.seated(ROOM, ParticipantId("seat-1"), "ada@example.org")
    one.history.seated(ROOM, ParticipantId("seat-2"), "ada@example.org")
    one.history.seated(ROOM, ParticipantId("seat-3"), "eve@example.org")
    await one.say(said("mine", "seat-1", "ben"), said("yours", "ben", "seat-2"), said("no", "ben", "seat-3"))
    assert texts(await one.page(Reader(identity="ada@example.org"))) == ["mine", "yours"]
    assert texts(await one.page(Reader(identity="ben@example.org"))) == []
    other = RoomId(ROOM.name, "uid-2")
    assert texts(await one.page(Reader(identity="ada@example.org"), room=other)) == []


async def test_a_room_made_anew_shows_nothing_of_before(url: str, start: Start) -> None:
    one = start(url)
    anew = RoomId(ROOM.name, "uid-2")
    await one.say(said("before"))
    assert texts(await one.page(room=anew)) == []
    unnamed = RoomId(RoomName("standup"))
    message = said("here")
    one.history.received(unnamed, message)
    await one.say(message, room=unnamed)
    assert await one.history.erase(unnamed)
    assert texts(await one.page(room=unnamed)) == []
    assert texts(await one.page()) == ["before"]


async def test_a_message_is_on_the_page_before_it_is_stored(url: str, start: Start) -> None:
    one = start(url)
    stored, heard = said("stored"), said("heard")
    await one.say(stored)
    for message in (stored, heard, said("psst", "ada", "ben")):
        one.history.received(ROOM, message)
    assert texts(await one.page()) == ["stored", "heard"]
    assert texts(await one.page(before=heard.id)) == ["stored"]
    assert texts(await one.page(Reader(ParticipantId("ben")), limit=2)) == ["heard", "psst"]


async def test_what_a_database_cannot_keep_as_it_is(url: str, start: Start) -> None:
    """And a row that it refuses holds nothing up, but leaves a gap."""
    one = start(url)
    await one.say(said("nul \x00 and \U0001f600"))
    assert texts(await one.page()) == ["nul � and \U0001f600"]
    first, too_long, last = said("a"), said("lost").model_copy(update={"display_name": "x" * 500}), said("b")
    await one.say(first, too_long, last)
    page = await one.page()
    if url.startswith("sqlite"):  # which keeps any length
        assert texts(page)[1:] == ["a", "lost", "b"]
    else:
        assert (texts(page)[1:], page.complete) == (["a", "b"], False)
        assert one.history.lost == 1


async def test_old_messages_are_thrown_away(url: str, start: Start) -> None:
    one = start(url, keep_days=1.0)
    long_ago = MessageIds(lambda: 0.0)
    await one.say(*(said("old", ids=long_ago) for _ in range(3)), said("new"))
    await one.history._delete_old()
    assert texts(await one.page()) == ["new"]


async def test_a_database_in_memory_keeps_so_many(start: Start) -> None:
    one = start("sqlite://", keep_most=3)
    await one.say(*(said(str(number)) for number in range(10)))
    assert texts(await one.page()) == ["7", "8", "9"]


async def test_messages_in_a_file_outlast_the_process(tmp_path: Path, start: Start) -> None:
    url = f"sqlite:///{tmp_path}/messages.sqlite3"
    first = Running(url)
    first.history.record(ROOM, said("before"))
    await first.stop()
    second = start(url)
    await second.say(said("after"))
    assert texts(await second.page()) == ["before", "after"]


async def test_a_file_is_written_ahead(tmp_path: Path, start: Start) -> None:
    """So that whoever waits for a commit waits for one write to the disk."""
    one = start(f"sqlite:///{tmp_path}/messages.sqlite3")
    await one.say(said("x"))
    async with one.history._engine.connect() as connection:
        modes = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous")
        ]
    assert modes == ["wal", 2]


async def test_chat_goes_on_without_the_database_and_is_stored_when_it_is_back(
    server: PostgresServer, start: Start
) -> None:
    one = start(await empty(server))
    await one.say(said("before"))
    server.stop()
    try:
        away = said("away")
        one.history.record(ROOM, away)
        one.history.received(ROOM, away)
        page = await one.page()
        assert (texts(page), page.complete) == (["away"], False)
        assert not one.history.connected
    finally:
        server.start()
    await one.stored()
    page = await one.page()
    assert (texts(page), page.complete, one.history.connected) == (["before", "away"], True, True)
    assert one.history.lost == 0


async def test_reading_does_not_hide_that_nothing_is_stored(tmp_path: Path, make_stage: MakeStage) -> None:
    stage = await make_stage(data_directory=tmp_path)
    history = stage.backing.history
    assert isinstance(history, SqlHistory)
    await history._ready.wait()
    await execute(
        tmp_path, "CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(FAIL, 'disk full'); END"
    )
    history.record(ROOM, said("lost?"))
    async with stage.http() as http, asyncio.timeout(WAIT):
        while history.writes:  # noqa: ASYNC110 -- the database's answer
            await asyncio.sleep(0.01)
        page = await history.page(ROOM, ANYBODY, before=None, limit=5)
        assert (page.messages, history.reads, history.connected) == ([], True, False)
        answer = (await http.get("/readyz")).json()
    assert answer["degraded"] == ["database: messages wait to be stored, and their history is incomplete"]
    # The server's end would wait for what cannot be stored.
    await execute(tmp_path, "DROP TRIGGER full")


async def test_it_starts_without_its_database(server: PostgresServer, start: Start) -> None:
    url = await empty(server)
    server.stop()
    try:
        one = start(url)
        one.history.record(ROOM, said("early"))
        assert not (await one.page()).complete
    finally:
        server.start()
    await one.stored()
    assert texts(await one.page()) == ["early"]


async def test_what_did_not_fit_is_known_to_be_missing(url: str, start: Start) -> None:
    """Only where it is missing, and on other processes too."""
    one = start(url)
    await one.say(said("0"), said("1"))
    one.history._queue._most = ROW_BYTES * 2
    kept, *lost = said("2"), said("3"), said("4")
    for message in (kept, *lost):
        one.history.record(ROOM, message)
    assert not (await one.page()).complete
    await one.stored()
    await one.say(said("5"))
    reading = start(url) if url != "sqlite://" else one
    page = await reading.page(limit=2)
    assert (texts(page), page.complete) == (["2", "5"], False)
    assert (await reading.page(limit=1)).complete
    before = await reading.page(limit=2, before=kept.id)
    assert (texts(before), before.complete) == (["0", "1"], True)
    assert one.history.lost == 2


async def test_without_a_database_nothing_is_kept_and_that_is_said() -> None:
    history = NoHistory()
    history.record(ROOM, said("gone"))
    page = await history.page(ROOM, ANYBODY, before=None, limit=5)
    assert (page.messages, page.complete) == ((), False)


async def test_the_queue_tells_when_it_is_empty() -> None:
    queue = WriteQueue(most=4 * ROW_BYTES)
    stored = [queue.put(ROOM, said("x")) for _ in range(4)]
    assert (len(queue), queue.lost) == (3, 2)
    queue.written(len(queue.first(10)))
    assert [future.result() for future in stored] == [True, True, False, False]
    (gap,) = queue.first(10)
    assert isinstance(gap, Write)
    assert gap.row["lost"] == 2
    queue.written(1)
    await asyncio.wait_for(queue.emptied(), WAIT)
    assert queue.size == 0


async def test_what_waits_and_what_is_remembered_is_bounded_in_bytes() -> None:
    """However long the messages are."""
    queue, recent = WriteQueue(most=1 << 20), RecentMessages(most=1 << 20)
    for length in (1, 4_000, 4_000):
        for _ in range(1000):
            message = said("\U0001f600" * length)
            queue.put(ROOM, message)
            recent.add(ROOM, message)
            assert max(queue.size, recent.size) <= 1 << 20
    assert queue.lost > 2000
    assert len(recent.find(ROOM, lambda _: True)) < 100
    recent.forget(ROOM)
    assert recent.size == 0


async def test_an_erasure_takes_what_was_recorded_before_it(url: str, start: Start) -> None:
    one = start(url)
    other = RoomId(ROOM.name, "uid-2")
    for room in (ROOM, other):
        one.history.record(room, said("before"))
    erased = one.history.erase(ROOM)
    one.history.record(ROOM, said("after"))
    await one.stored()
    assert erased.result()
    assert (texts(await one.page()), texts(await one.page(room=other))) == (["after"], ["before"])


async def test_who_was_removed_is_known_as_long_as_the_messages(url: str, start: Start) -> None:
    one = start(url, keep_days=1.0)
    removal = Removal("seat-1", "eve@example.org", "token-1")
    one.history._queue._most = 0  # also when whoever writes has filled the queue
    one.history.removed(ROOM, removal)
    one.history.removed(ROOM, removal)
    one.history._queue._most = MAX_BYTES
    await one.say(said("still here"))
    assert await one.history.removals(ROOM) == [removal]
    assert await one.history.removals(RoomId(ROOM.name, "uid-2")) == []
    async with one.history._engine.begin() as connection:
        await connection.execute(REMOVALS.update().values(removed_at=datetime(2020, 1, 1, tzinfo=UTC)))
    await one.history._delete_old()
    assert await one.history.removals(ROOM) == [removal]
    async with one.history._engine.begin() as connection:
        await connection.execute(MESSAGES.delete())
    await one.history._delete_old()
    assert await one.history.removals(ROOM) == []


async def test_reads_that_work_do_not_hide_writes_that_fail(start: Start, tmp_path: Path) -> None:
    one = start(f"sqlite:///{tmp_path}/messages.sqlite3")
    await one.say(said("before"))
    one.history._failed("writing", OSError("full"))
    assert texts(await one.page()) == ["before"]
    assert one.history.away


def test_ids_are_in_the_order_of_time_though_the_clock_is_set_back() -> None:
    times: Iterator[float] = iter([5.0, 5.0, 4.0, 6.0])
    ids = MessageIds(lambda: next(times))
    drawn = [ids.next() for _ in range(4)]
    assert [message_id for message_id, _ in drawn] == sorted(message_id for message_id, _ in drawn)
    assert [moment.timestamp() for _, moment in drawn] == [5.0, 5.0, 5.0, 6.0]
