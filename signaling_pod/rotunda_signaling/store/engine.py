"""Databases by their URL: SQLite for one process, PostgreSQL for many."""

from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

CONNECT_SECONDS = 5.0
IN_MEMORY = "sqlite://"
_POSTGRESQL = ("postgresql", "postgres", "postgresql+asyncpg")
_SQLITE = ("sqlite", "sqlite+aiosqlite")


def check_url(url: str) -> str:
    """The URL; raises ValueError saying which are accepted."""
    scheme = url.partition("://")[0]
    if scheme in _SQLITE:
        if url.partition("://")[2] not in ("", "/") and not url.partition("://")[2].startswith("/"):
            raise ValueError("an SQLite URL has three slashes and the path, such as sqlite:////var/chat.db")
        return url
    if scheme not in _POSTGRESQL or not urlsplit(url).path.strip("/"):
        raise ValueError(
            "is no database URL: give postgresql://user:password@host:5432/database, "
            "or for one process sqlite:////path/of/a/file"
        )
    return url


def is_sqlite(url: str) -> bool:
    return url.partition("://")[0] in _SQLITE


def is_in_memory(url: str) -> bool:
    return is_sqlite(url) and url.partition("://")[2].strip("/") in ("", ":memory:")


def make_engine(url: str) -> AsyncEngine:
    """Connects when it is first used. The URL's query is libpq's (`sslmode`, `sslrootcert` and so on)."""
    rest = url.partition("://")[2]
    if is_sqlite(url):
        # One connection: SQLite has one writer, and a database in memory lives as long as its connection.
        return create_async_engine(
            f"sqlite+aiosqlite://{rest}", poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0
        )

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
