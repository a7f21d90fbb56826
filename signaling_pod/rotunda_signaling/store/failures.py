"""What a database may do to us."""

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

FAILURES = (SQLAlchemyError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""All that is waited out. What a connection's attempt raises, SQLAlchemy passes on as it is."""

_DATA, _INTEGRITY = "22", "23"
"""Classes of SQLSTATE."""


def is_of_the_row(error: SQLAlchemyError) -> bool:
    """The database refuses what was to be written, and would do so again."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(error, DBAPIError) and str(state)[:2] in (_DATA, _INTEGRITY)
