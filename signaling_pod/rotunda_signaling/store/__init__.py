"""What has been said in rooms: kept in SQL, longer than a room lives and than any process.

    chat ──▶ record() ──▶ bounded queue ──▶ database      never fails: chat comes first
    received from any process ──▶ received() ──▶ recent messages ─┐
    database ──────────────────────────────────────────────┴──▶ page()

Who may read what: messages to everybody, whoever may read the room. A private message, who sent it and whom
it was for, by the seat (participant id) that they had: a name proves nothing. Who came with a token is known
by its identity, so that the seats of an identity count together; a guest who joins anew is somebody else.

What protects messages lasts as long as they do: a room is its name and its uid, a room of one machine is kept
beside its messages, and so is whom moderators removed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rotunda_contract.ids import ParticipantId
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId

MAX_PAGE = 200
"""Messages that one page may have."""
STORED_SECONDS = 1.0
"""How long the answer to a message waits for the database. If it takes longer, the answer says so."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever reads. Neither: anybody who may read the room, who sees no private message."""

    participant_id: ParticipantId | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Oldest first. `complete` False: messages of this stretch may be missing, because the database was away
    when they were written, or is now, or because nothing is kept."""

    messages: Sequence[ChatEvent]
    has_more: bool
    complete: bool


@dataclass(frozen=True, slots=True)
class Removal:
    """Whom a moderator removed, and by what they would come back; empty where there was no token."""

    participant_id: str
    identity: str
    token_id: str


class History(Protocol):
    """Nothing here raises."""

    def record(self, room: RoomId, message: ChatEvent) -> asyncio.Future[bool] | None:
        """Keeps a message of somebody who is connected to this process. Returns at once.

        The future says whether it is stored; False: not yet, and perhaps never. None: nothing is kept here.
        """

    def received(self, room: RoomId, message: ChatEvent) -> None:
        """A message of whichever process, so that a page has it even before it is stored."""

    def seated(self, room: RoomId, participant_id: ParticipantId, identity: str) -> None:
        """Somebody with a token has this seat. Returns at once."""

    def removed(self, room: RoomId, removal: Removal) -> None:
        """Somebody was removed from the room. Returns at once."""

    async def removals(self, room: RoomId) -> Sequence[Removal] | None:
        """Who was removed from the room, whichever process or media node had it then. None: not known now."""

    async def page(self, room: RoomId, reader: Reader, *, before: str | None, limit: int) -> Page:
        """The newest messages that the reader may see; older than message `before`, where it is given."""


class NoHistory:
    """Implements History where there is no database."""

    def record(self, room: RoomId, message: ChatEvent) -> None: ...

    def received(self, room: RoomId, message: ChatEvent) -> None: ...

    def seated(self, room: RoomId, participant_id: ParticipantId, identity: str) -> None: ...

    def removed(self, room: RoomId, removal: Removal) -> None: ...

    async def removals(self, room: RoomId) -> Sequence[Removal] | None:
        return ()

    async def page(self, room: RoomId, reader: Reader, *, before: str | None, limit: int) -> Page:
        return Page((), has_more=False, complete=False)


async def in_time(stored: asyncio.Future[bool], seconds: float) -> bool:
    """Whether it was stored within so many seconds. The future stays as it is."""
    await asyncio.wait((stored,), timeout=seconds)
    return stored.done() and stored.result()
