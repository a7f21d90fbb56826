"""The rooms of one machine, in the database of their messages: they outlast the process as those do."""

import asyncio
from collections.abc import Sequence

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from rotunda_contract.ids import RoomName
from rotunda_signaling.directory import Room, RoomId, RoomSettings
from rotunda_signaling.store.failures import FAILURES
from rotunda_signaling.store.history import SqlHistory
from rotunda_signaling.store.queue import Write
from rotunda_signaling.store.schema import ROOMS

READ_SECONDS = 60.0

_SETTINGS = TypeAdapter(RoomSettings)


class NoRooms(Exception):
    """Which rooms there are cannot be read; the message says why."""


class SqlRooms:
    """Implements KeptRooms. Writes go through the history's queue: a room is stored before its messages.

    Not `lasting` is a database in memory: rooms have no use of it, but what was said in them is forgotten.
    """

    def __init__(self, engine: AsyncEngine, history: SqlHistory, *, lasting: bool = True) -> None:
        self._engine = engine
        self._history = history
        self._lasting = lasting

    async def load(self) -> Sequence[Room]:
        """Those that the process before had, oldest first; makes the tables where there are none.

        Raises NoRooms: without them a room that takes a token would be open to all.
        """
        try:
            await self._history.prepare()
            async with asyncio.timeout(READ_SECONDS), self._engine.connect() as connection:
                rows = (await connection.execute(select(ROOMS).order_by(ROOMS.c.created_at))).all()
        except FAILURES as error:
            await self._history.dispose()
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
        if not self._lasting:
            kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            kept.set_result(True)
            return kept
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
