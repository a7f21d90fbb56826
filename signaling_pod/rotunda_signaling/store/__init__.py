"""What has been said in rooms: kept in SQL, longer than a room lives and than any process.

    chat ──▶ record() ──▶ bounded queue ──▶ database      never waits, never fails: chat comes first
    heard from any process ──▶ heard() ──▶ recent messages ─┐
    database ──────────────────────────────────────────────┴──▶ page()

Who may read what: messages to everybody, whoever may read the room. A private message, who sent it and whom
it was for, by the seat (participant id) that they had: a name proves nothing. Who came with a token is known
by its identity, so that the seats of an identity count together; a guest who joins anew is somebody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rotunda_contract.ids import ParticipantId
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId

MAX_PAGE = 200
"""Messages that one page may have."""


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


class History(Protocol):
    """Nothing here raises."""

    def record(self, room: RoomId, message: ChatEvent) -> None:
        """Keeps a message of somebody who is connected to this process. Returns at once."""

    def heard(self, room: RoomId, message: ChatEvent) -> None:
        """A message of whichever process, so that a page has it even before it is stored."""

    def seated(self, room: RoomId, participant_id: ParticipantId, identity: str) -> None:
        """Somebody with a token has this seat. Returns at once."""

    async def page(self, room: RoomId, reader: Reader, *, before: str | None, limit: int) -> Page:
        """The newest messages that the reader may see; older than message `before`, where it is given."""

    async def forget(self, room: RoomId) -> None:
        """The room is no more, and another of its id may come."""


class NoHistory:
    """Implements History where there is no database."""

    def record(self, room: RoomId, message: ChatEvent) -> None: ...

    def heard(self, room: RoomId, message: ChatEvent) -> None: ...

    def seated(self, room: RoomId, participant_id: ParticipantId, identity: str) -> None: ...

    async def page(self, room: RoomId, reader: Reader, *, before: str | None, limit: int) -> Page:
        return Page((), has_more=False, complete=False)

    async def forget(self, room: RoomId) -> None: ...
