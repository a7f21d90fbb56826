"""What a database may do to us."""

import asyncio

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

FAILURES = (SQLAlchemyError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""All that is waited out. What a connection's attempt raises, SQLAlchemy passes on as it is."""

_DATA, _INTEGRITY = "22", "23"
"""Classes of SQLSTATE."""


def raise_if_cancelled(error: BaseException) -> None:
    """A call that is cancelled while the database works for it may raise another error than
    CancelledError."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error


def is_of_the_row(error: SQLAlchemyError) -> bool:
    """The database refuses what was to be written, and would do so again."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(error, DBAPIError) and str(state)[:2] in (_DATA, _INTEGRITY)
