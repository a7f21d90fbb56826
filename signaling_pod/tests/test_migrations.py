"""The schema: made by whichever process comes first, and the same that the statements assume."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from harness.postgres_server import PostgresServer
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from rotunda_signaling.store.engine import make_engine
from rotunda_signaling.store.migrating import LOCK, VERSION_TABLE, migrate
from rotunda_signaling.store.schema import METADATA


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[AsyncEngine]:
    made = make_engine("sqlite://")
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("server")
        made = make_engine(server.url)
        async with made.begin() as connection:
            await connection.execute(text("DROP SCHEMA public CASCADE"))
            await connection.execute(text("CREATE SCHEMA public"))
    yield made
    await made.dispose()


def differences(connection: Connection) -> Any:
    options = {"version_table": VERSION_TABLE, "compare_type": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)


async def test_the_migrations_make_what_the_statements_assume(engine: AsyncEngine) -> None:
    await migrate(engine)
    await migrate(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_newer_schema_is_used_as_it_is(engine: AsyncEngine) -> None:
    await migrate(engine)
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    await migrate(engine)
    async with engine.connect() as connection:
        assert (await connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))).scalar() == "9999"


async def test_processes_that_start_together_migrate_one_after_the_other(server: PostgresServer) -> None:
    engines = [make_engine(server.url) for _ in range(4)]
    async with engines[0].begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    async with engines[0].connect() as holder:
        await holder.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        waiting = [asyncio.create_task(migrate(engine)) for engine in engines[1:]]
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        async with asyncio.timeout(60):
            while (await holder.execute(text(waits))).scalar() != 3:  # noqa: ASYNC110 -- PostgreSQL's
                await asyncio.sleep(0.02)
        assert not any(task.done() for task in waiting)
        await holder.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        await asyncio.gather(*waiting)
    async with engines[1].connect() as connection:
        assert await connection.run_sync(differences) == []
    for engine in engines:
        await engine.dispose()
