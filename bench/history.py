"""How long opening a room's history takes with a million stored messages, over HTTP and in the database.

    python bench/history.py [--messages 1000000] [--reads 300]

A real PostgreSQL and a real `rotunda serve` that keeps its messages there. Half of all messages are of one
room, the others of a thousand; two in five are private, of 200 seats that write to each other.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from harness.child import cpu_seconds
from harness.postgres_server import PostgresServer
from harness.server import Server, serve
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from rotunda_contract.ids import ParticipantId, RoomName
from rotunda_signaling.directory import RoomId
from rotunda_signaling.store import Reader
from rotunda_signaling.store.engine import make_engine
from rotunda_signaling.store.history import SqlHistory
from rotunda_signaling.store.message_ids import first_id_at
from rotunda_signaling.store.migrating import migrate
from rotunda_signaling.store.schema import ROOMS

BIG, SMALL = "big", "room-7"
SEATS = 200
IDENTITY = "ada@example.org"
AIM_MS = 50.0
LONG_AGO = 3_000_000.0
"""Seconds: when the first of them was written."""
# The words make each message 120 characters long.
FILL = """
INSERT INTO messages (id, room, room_uid, sender, display_name, recipient, text, sent_at)
SELECT lpad(to_hex((CAST(:first AS bigint) + n * 1000) * 65536), 16, '0') || lpad(to_hex(n), 16, '0'),
       CASE WHEN n % 2 = 0 THEN 'big' ELSE 'room-' || ((n / 2) % 1000) END,
       '', 'seat-' || (n % CAST(:seats AS int)), 'Somebody',
       CASE WHEN (n / 2) % 5 < 2 THEN 'seat-' || ((n / 10) % CAST(:seats AS int)) ELSE '' END,
       'message ' || n || repeat(' lorem ipsum', 9),
       to_timestamp((CAST(:first AS bigint) + n * 1000) / 1000.0)
FROM generate_series(1, CAST(:count AS int)) AS n
"""
SEAT = """
INSERT INTO seats (participant_id, room, room_uid, identity, taken_at)
SELECT 'seat-' || n, 'big', '', CAST(:identity AS text), now() FROM generate_series(1, 20) AS n
"""

Read = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Row:
    """Milliseconds of each read, and of CPU time of our process for one."""

    what: str
    times: Sequence[float]
    cpu: float


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--reads", type=int, default=300)
    arguments = parser.parse_args()
    with PostgresServer() as server, tempfile.TemporaryDirectory() as folder:
        engine = make_engine(server.url)
        await fill(engine, arguments.messages)
        await engine.dispose()
        server.stop()  # so that nothing is in its buffers
        server.start()
        environment = {"ROTUNDA_DATABASE_URL": server.url, "ROTUNDA_HISTORY_DAYS": "3000"}
        async with serve(Path(folder) / "server.log", environment) as running:
            rows = await over_http(running, arguments.reads)
        rows += await in_database(server.url, arguments.reads)
    report(rows, arguments.messages)


async def fill(engine: AsyncEngine, count: int) -> None:
    await migrate(engine)
    first = round((time.time() - LONG_AGO) * 1000)
    async with engine.begin() as connection:
        await connection.execute(text(FILL), {"first": first, "count": count, "seats": SEATS})
        await connection.execute(text(SEAT), {"identity": IDENTITY})
        # With the uid that the messages have: the server reads its rooms at its start.
        for room in (BIG, SMALL):
            row = {"room": room, "room_uid": "", "settings": "{}", "made_on_join": False}
            await connection.execute(ROOMS.insert().values(**row, created_at=datetime.now(UTC)))
    async with engine.begin() as connection:
        await connection.execute(text("ANALYZE"))


async def over_http(server: Server, reads: int) -> list[Row]:
    """As a person's page asks."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:

        def page(room: str, query: str = "") -> Read:
            async def read() -> None:
                answer = await client.get(f"/api/v1/rooms/{room}/messages{query}")
                assert answer.json()["messages"]

            return read

        def cpu() -> float:
            return cpu_seconds(server.process.pid)

        half = f"?before={first_id_at(time.time() - LONG_AGO + 500_000)}"

        async def nothing() -> None:
            (await client.get("/healthz")).raise_for_status()

        return [
            await measure("HTTP: /healthz, which does nothing", nothing, reads, cpu),
            await measure("the first read after the database started", page(BIG), 1, cpu),
            await measure("HTTP: the newest 50 of the large room", page(BIG), reads, cpu),
            await measure("HTTP: the newest 50 of a small room", page(SMALL), reads, cpu),
            await measure("HTTP: 50 from the middle of the large room", page(BIG, half), reads, cpu),
            await measure("HTTP: the newest 200 of the large room", page(BIG, "?limit=200"), reads, cpu),
        ]


async def in_database(url: str, reads: int) -> list[Row]:
    history = SqlHistory(make_engine(url), keep_days=3000)
    room = RoomId(RoomName(BIG))

    def page(reader: Reader) -> Read:
        async def read() -> None:
            found = await history.page(room, reader, before=None, limit=50)
            assert found.complete
            assert len(found.messages) == 50

        return read

    guest, token = Reader(ParticipantId("seat-2")), Reader(identity=IDENTITY)

    async def nothing() -> None:
        async with history._reading.connect() as connection:
            await connection.execute(text("SELECT 1"))

    rows = [
        await measure("database: SELECT 1", nothing, reads, time.process_time),
        await measure("database: to everybody alone", page(Reader()), reads, time.process_time),
        await measure("database: with the private ones of a seat", page(guest), reads, time.process_time),
        await measure("database: of an identity with ten seats", page(token), reads, time.process_time),
    ]
    await history.dispose()
    return rows


async def measure(what: str, read: Read, count: int, cpu: Callable[[], float]) -> Row:
    times = []
    cpu_before = cpu()
    for _ in range(count):
        began = time.perf_counter()
        await read()
        times.append((time.perf_counter() - began) * 1000)
    return Row(what, times, (cpu() - cpu_before) / count * 1000)


def report(rows: list[Row], messages: int) -> None:
    print(f"| {messages} messages, ms | p50 | p95 | max | CPU |\n|---|---|---|---|---|")
    for row in rows:
        many = len(row.times) > 1
        p95 = statistics.quantiles(row.times, n=20, method="inclusive")[18] if many else row.times[0]
        figures = (statistics.median(row.times), p95, max(row.times), row.cpu)
        print(f"| {row.what} | {' | '.join(f'{figure:.1f}' for figure in figures)} |")
    print(f"\nThe aim is {AIM_MS:.0f} ms; load average {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    asyncio.run(main())
