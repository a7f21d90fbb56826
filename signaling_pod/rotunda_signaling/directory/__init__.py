"""The room directory: which rooms there are, and which media node has each. One interface for all back
ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from rotunda_contract.ids import ProcessId, RoomName

VideoCodec = Literal["VP8", "H264", "VP9", "AV1"]
VIDEO_CODECS: tuple[VideoCodec, ...] = ("VP8", "H264", "VP9", "AV1")
Access = Literal["Open", "Token"]


OnPending = Callable[[str], None]
"""Called with the reason, in words for people, why a room has no node yet."""


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """Settings of a room. `max_video_kbps` is for all video of one person together; `empty_ttl` in
    seconds."""

    display_name: str = ""
    max_participants: int = 50
    access: Access = "Open"
    video_codecs: tuple[VideoCodec, ...] = VIDEO_CODECS
    max_video_kbps: int = 2500
    empty_ttl: float = 600.0


def usual_access(*, has_keys: bool) -> Access:
    """The access of a room that a join creates, where no setting says it: with API keys a token is needed."""
    return "Token" if has_keys else "Open"


@dataclass(frozen=True, slots=True)
class RoomId:
    """One room and no other. A Room that was deleted and created again has the same name and another uid. The
    uid is empty where names alone identify rooms."""

    name: RoomName
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """A room that should exist. A room that a join has created is deleted when it was empty for its TTL."""

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
    """The media node that has a room, for one epoch.

    `address`: of the node's gRPC server. `uid`: of the Room, because the epochs of a Room that was created
    again start at 1; empty where they never start again.
    """

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
    """All methods raise RotundaError."""

    async def resolve(self, room: RoomName, *, wait: float, on_pending: OnPending) -> Assignment:
        """The assignment of the room. Waits for it up to `wait` seconds.

        Creates the room where that is allowed. Raises NotFound where it is not, and Unavailable where no node
        took the room in time. While it waits, `on_pending` is called with the reason, and again when the
        reason changes.
        """

    def is_placed(self, room: RoomName) -> bool:
        """Whether a node has the room now, so that `resolve` need not wait."""

    def defaults(self) -> RoomSettings:
        """The settings of a room, as far as whoever creates it does not give them."""

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
        """Calls back when a room has moved: all its epochs below the given one are over."""

    def report_occupied(self, room: RoomName) -> None:
        """Somebody is in the room."""

    def report_empty(self, room: RoomName) -> None:
        """Nobody is in the room any more."""

    def report_lost(self, assignment: Assignment) -> None:
        """The node refused the assignment or does not answer: the next `resolve` waits for a newer
        assignment."""
