"""The tables. The migrations make them; a test holds the two against each other.

A room is its name and its uid in every table: a room that was deleted and created again shows nothing of the
one before.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, DateTime, Dialect, Index, Integer, MetaData, String, Table, Text, text
from sqlalchemy.types import TypeDecorator, TypeEngine

NAME = 63
UID = 64
ID = 128
PERSON = 128


class UtcDateTime(TypeDecorator[datetime]):
    """With a time zone also where the database has none (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def identifier(length: int) -> TypeEngine[Any]:
    """Compared byte by byte, whatever the database's language: ids are in the order of time."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


METADATA = MetaData()

MESSAGES = Table(
    "messages",
    METADATA,
    Column("room", identifier(NAME), primary_key=True),
    Column("room_uid", identifier(UID), primary_key=True),
    # Empty: to everybody. Not null, so that one index serves both.
    Column("recipient", identifier(ID), primary_key=True),
    Column("id", identifier(ID), primary_key=True),
    Column("sender", identifier(ID), nullable=False),
    Column("display_name", String(PERSON), nullable=False),
    Column("text", Text, nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
    Index("messages_by_time", "sent_at"),
    Index(
        "private_messages_by_sender",
        "room",
        "room_uid",
        "sender",
        "id",
        postgresql_where=text("recipient <> ''"),
        sqlite_where=text("recipient <> ''"),
    ),
)
"""A page is read from the end of the key, so that its cost does not grow with the table. There is no index of
the id alone: a planner would read it backwards through everything that was said in other rooms since."""

GAPS = Table(
    "gaps",
    METADATA,
    Column("first_id", identifier(ID), primary_key=True),
    Column("last_id", identifier(ID), nullable=False),
    Column("room", identifier(NAME), nullable=False),
    Column("room_uid", identifier(UID), nullable=False),
    Column("lost", Integer, nullable=False),
    Index("gaps_by_room", "room", "room_uid", "last_id"),
)
"""Where messages could not be stored: `lost` of them between two ids, both included."""

SEATS = Table(
    "seats",
    METADATA,
    Column("participant_id", identifier(ID), primary_key=True),
    Column("room", identifier(NAME), nullable=False),
    Column("room_uid", identifier(UID), nullable=False),
    Column("identity", identifier(ID), nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    Index("seats_by_identity", "room", "room_uid", "identity", "taken_at"),
)
"""Which seats were whose, for people whose identity a token proved."""

ROOMS = Table(
    "rooms",
    METADATA,
    Column("room", identifier(NAME), primary_key=True),
    Column("room_uid", identifier(UID), primary_key=True),
    Column("settings", Text, nullable=False),
    Column("made_on_join", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""The rooms of one machine, `settings` as JSON. In a cluster the API server has them."""

REMOVALS = Table(
    "removals",
    METADATA,
    Column("room", identifier(NAME), primary_key=True),
    Column("room_uid", identifier(UID), primary_key=True),
    Column("participant_id", identifier(ID), primary_key=True),
    # Empty where there was no token.
    Column("identity", identifier(ID), nullable=False),
    Column("token_id", identifier(ID), nullable=False),
    Column("removed_at", UtcDateTime, nullable=False),
    Index("removals_by_time", "removed_at"),
)
"""Whom moderators removed, for as long as there are messages that they shall not read."""

OF_ROOMS = (MESSAGES, GAPS, SEATS, REMOVALS, ROOMS)
"""All that goes with a room."""
