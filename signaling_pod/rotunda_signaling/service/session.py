"""A client that has joined: who it is, where, and what it may do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rotunda_contract.errors import Forbidden
from rotunda_contract.ids import ParticipantId
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.signaling.common import IceServer, Permission
from rotunda_signaling.service.media_node import MediaNode
from rotunda_signaling.service.member import Member
from rotunda_signaling.service.room_view import RoomView
from rotunda_signaling.service.rooms import Rooms

IceServersOf = Callable[[str], tuple[IceServer, ...]]
"""The ICE servers for a participant's client, with fresh credentials each time."""

_PERMITS: Mapping[Permission, str] = {
    "publish": "publishing",
    "subscribe": "receiving",
    "chat": "writing",
    "moderate": "moderating",
}


@dataclass(frozen=True, slots=True)
class Session:
    """What every request after `join` needs."""

    rooms: Rooms
    view: RoomView
    member: Member
    participant_id: ParticipantId
    display_name: str
    permissions: Sequence[Permission]
    ice_servers: IceServersOf

    @property
    def node(self) -> MediaNode:
        return self.view.node

    @property
    def actor(self) -> pb.Actor:
        """Whose action a call is."""
        return pb.Actor(room_key=self.view.key, participant_id=self.participant_id)

    def require(self, permission: Permission) -> None:
        """Raises Forbidden without the permission."""
        if permission not in self.permissions:
            raise Forbidden(
                f"{_PERMITS[permission]} needs the permission {permission!r}; "
                f"you have {', '.join(self.permissions) or 'none'}"
            )
