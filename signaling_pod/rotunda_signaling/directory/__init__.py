"""Which rooms there should be, and which media node has each: one interface, whoever keeps the books."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from rotunda_contract.ids import ProcessId, RoomName

VideoCodec = Literal["VP8", "H264", "VP9", "AV1"]
VIDEO_CODECS: tuple[VideoCodec, ...] = ("VP8", "H264", "VP9", "AV1")
Access = Literal["Open", "Token"]


OnPending = Callable[[str], None]
"""Told, in words for people, why a room has no node yet."""


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """What a room is to be. `max_video_kbps` is for all video of one person; `empty_ttl` in seconds."""

    display_name: str = ""
    max_participants: int = 50
    access: Access = "Open"
    video_codecs: tuple[VideoCodec, ...] = VIDEO_CODECS
    max_video_kbps: int = 2500
    empty_ttl: float = 600.0


def usual_access(*, has_keys: bool) -> Access:
    """Of a room that somebody's joining makes, where nobody says: who has API keys wants tokens."""
    return "Token" if has_keys else "Open"


@dataclass(frozen=True, slots=True)
class RoomId:
    """One room and no other. A Room that was deleted and made anew has its name and another uid, which is
    empty where names alone tell rooms apart."""

    name: RoomName
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """A room that should exist. One made by the first join goes when it has been empty for its TTL."""

    name: RoomName
    settings: RoomSettings
    created_at: datetime
    made_on_join: bool
    uid: str = ""
    participants: int | None = None
    """How many are in it wherever they are connected, where the directory knows."""

    @property
    def id(self) -> RoomId:
        return RoomId(self.name, self.uid)


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where a room lives, for one epoch. `address` is what the node's gRPC server listens on; `uid` tells
    rooms of one name apart whose epochs begin anew, and is empty where they never do."""

    room: RoomName
    node: str
    address: str
    epoch: int
    process_id: ProcessId
    settings: RoomSettings = field(default_factory=RoomSettings)
    uid: str = ""

    @property
    def room_id(self) -> RoomId:
        return RoomId(self.room, self.uid)


class RoomDirectory(Protocol):
    """The books. All methods raise RotundaError."""

    async def resolve(self, room: RoomName, *, wait: float, on_pending: OnPending) -> Assignment:
        """Where the room lives, waiting up to `wait` seconds for a node to have it.

        Makes the room where that is allowed, else NotFound. Unavailable when no node took it in time.
        While it waits, `on_pending` is told why, and again when the reason changes.
        """

    def is_placed(self, room: RoomName) -> bool:
        """Whether a node has the room now, so that `resolve` need not wait."""

    def defaults(self) -> RoomSettings:
        """What a room is where whoever makes it does not say."""

    async def create(self, room: RoomName, settings: RoomSettings) -> Room:
        """Raises InvalidState where the room exists."""

    async def get(self, room: RoomName) -> Room:
        """Raises NotFound."""

    async def list(self) -> list[Room]:
        """By name."""

    async def delete(self, room: RoomName) -> None:
        """Raises NotFound."""

    def watch_deletions(self, on_deleted: Callable[[RoomName], None]) -> None:
        """Calls back for every room that is deleted, whoever decided it."""

    def watch_moves(self, on_moved: Callable[[RoomName, int], None]) -> None:
        """Calls back when a room is no longer where it was: all epochs below the one told are over."""

    def report_occupied(self, room: RoomName) -> None:
        """Somebody is in the room."""

    def report_empty(self, room: RoomName) -> None:
        """Nobody is in the room any more."""

    def report_lost(self, assignment: Assignment) -> None:
        """The node refused the assignment or does not answer: the next `resolve` looks for a newer one."""
