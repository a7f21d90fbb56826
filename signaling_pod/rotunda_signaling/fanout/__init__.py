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
        """Whether the other processes hear of a message now. Always, where there are none."""

    async def publish_chat(self, room: RoomId, message: ChatEvent) -> bool:
        """Tells this process's receivers at once, then the others.

        False: the others could not be told yet; the message is kept for them, for a while.
        """

    def on_chat(self, receiver: OnChat) -> None:
        """Every message of every room, from now on."""
