"""Tells every signaling process with people in a room what the room's media node does not know: chat."""

from collections.abc import Callable
from typing import Protocol

from rotunda_contract.ids import RoomName
from rotunda_contract.signaling.events import ChatEvent

OnChat = Callable[[RoomName, ChatEvent], None]


class Fanout(Protocol):
    """Carries messages between signaling processes, the sender's own included, each once and in order."""

    async def publish_chat(self, room: RoomName, message: ChatEvent) -> None:
        """Raises Unavailable when the message could not be handed on."""

    def on_chat(self, receiver: OnChat) -> None:
        """Every message of every room, from now on."""
