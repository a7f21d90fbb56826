"""Tells every signaling process with people in a room what the room's media node does not know: chat."""

from collections.abc import Callable
from typing import Protocol

from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId

OnChat = Callable[[RoomId, ChatEvent], None]


class Fanout(Protocol):
    """Carries messages between signaling processes, the sender's own included, each once.

    Messages of one process keep their order.
    """

    @property
    def connected(self) -> bool:
        """Whether a message reaches the other processes now. Always true where there are none."""

    async def publish_chat(self, room: RoomId, message: ChatEvent) -> bool:
        """Tells this process's receivers at once, then the others.

        False: it is not published to the other processes yet; it is kept for a while and tried again.
        """

    def on_chat(self, receiver: OnChat) -> None:
        """Every message of every room, from now on."""
