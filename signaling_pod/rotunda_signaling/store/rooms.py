"""The rooms of one machine, in the database of their messages: they outlast the process as those do."""

import asyncio
from collections.abc import Sequence

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from rotunda_contract.ids import RoomName
from rotunda_signaling.directory import Room, RoomId, RoomSettings
from rotunda_signaling.store.failures import FAILURES
from rotunda_signaling.store.history import MIGRATION_SECONDS, SqlHistory
from rotunda_signaling.store.migrating import migrate
from rotunda_signaling.store.queue import Write
from rotunda_signaling.store.schema import ROOMS

_SETTINGS = TypeAdapter(RoomSettings)


class NoRooms(Exception):
    """Which rooms there are cannot be read; the message says why."""


class SqlRooms:
    """Implements KeptRooms. Writes go through the history's queue: a room is stored before its messages."""

    def __init__(self, engine: AsyncEngine, history: SqlHistory) -> None:
        self._engine = engine
        self._history = history

    async def load(self) -> Sequence[Room]:
        """Those that the process before had, oldest first; makes the tables where there are none.

        Raises NoRooms: without them a room that takes a token would be open to all.
        """
        try:
            async with asyncio.timeout(MIGRATION_SECONDS):
                await migrate(self._engine)
                async with self._engine.connect() as connection:
                    rows = (await connection.execute(select(ROOMS).order_by(ROOMS.c.created_at))).all()
        except FAILURES as error:
            raise NoRooms(f"the database that keeps rooms and messages does not answer: {error}") from error
        return [
            Room(
                RoomName(row.room),
                _SETTINGS.validate_json(row.settings),
                row.created_at,
                row.made_on_join,
                row.room_uid,
            )
            for row in rows
        ]

    def keep(self, room: Room) -> asyncio.Future[bool]:
        row = {
            "room": room.name,
            "room_uid": room.uid,
            "settings": _SETTINGS.dump_json(room.settings).decode(),
            "made_on_join": room.made_on_join,
            "created_at": room.created_at,
        }
        return self._history.write(Write(ROOMS, row))

    def forget(self, room: RoomId) -> asyncio.Future[bool]:
        return self._history.erase(room)
