"""Brings the database to the schema of this version: by whichever process comes first, and one at a time.

Processes do it when they start, instead of a command that somebody must not forget: an upgraded chart, an own
database and a laptop then need no step of their own. On PostgreSQL a lock of the database makes the others
wait; an SQLite file belongs to one process anyway.

During an upgrade processes of the version before still run: a migration may add, and what it would take away
goes a version later. A process that finds a newer schema than it knows therefore works with it.
"""

import asyncio
from importlib.resources import files
from weakref import WeakKeyDictionary

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

LOCK = 0x526F74756E6461
"""Of `pg_advisory_xact_lock`: the letters of the project's name."""
VERSION_TABLE = "rotunda_schema"

_log = structlog.get_logger(__name__)
_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def migrate(engine: AsyncEngine) -> None:
    """Returns once the schema is there. Waits while another process makes it."""
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        # Alembic's `op` and `context` are of the whole process, which in tests has several databases.
        async with _LOCKS.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("rotunda_signaling.store") / "migrations"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()
    if found is not None and found not in known:
        _log.warning("the database's schema is newer than this version; it is used as it is", schema=found)
        return
    command.upgrade(config, "head")
