"""Databases by their URL: SQLite for one process, PostgreSQL for many."""

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from rotunda_signaling.store.urls import is_sqlite

CONNECT_SECONDS = 5.0


def make_engine(url: str) -> AsyncEngine:
    """Connects when it is first used. The URL's query is libpq's (`sslmode`, `sslrootcert` and so on)."""
    rest = url.partition("://")[2]
    if is_sqlite(url):
        # One connection: SQLite has one writer, and a database in memory lives as long as its connection.
        engine = create_async_engine(
            f"sqlite+aiosqlite://{rest}", poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0
        )
        _begin_by_ourselves(engine)
        _write_ahead(engine)
        return engine

    async def connect() -> object:
        return await asyncpg.connect(
            f"postgresql://{rest}",
            timeout=CONNECT_SECONDS,
            server_settings={"application_name": "rotunda-signaling"},
        )

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=4,
        max_overflow=4,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
    )


def reading_engine(engine: AsyncEngine) -> AsyncEngine:
    """The same pool for statements that need no transaction, which saves two ways to the server and back."""
    if engine.dialect.name != "postgresql":
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _write_ahead(engine: AsyncEngine) -> None:
    """A commit then waits for one write to the disk instead of several, as somebody waits for the commit.

    Where a file system cannot do it, SQLite stays with its journal. FULL: also a loss of power loses nothing.
    """

    @event.listens_for(engine.sync_engine, "connect")
    def choose(connection: DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()


def _begin_by_ourselves(engine: AsyncEngine) -> None:
    """Python's sqlite3 begins no transaction before it changes a schema, which would then stay half done."""

    @event.listens_for(engine.sync_engine, "connect")
    def leave_it(connection: DBAPIConnection, _: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
