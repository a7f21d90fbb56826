"""The fan-out of a single signaling process."""

from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId
from rotunda_signaling.fanout import OnChat


class MemoryFanout:
    """Implements Fanout by calling the receivers at once."""

    connected = True

    def __init__(self) -> None:
        self._receivers: list[OnChat] = []

    async def publish_chat(self, room: RoomId, message: ChatEvent) -> bool:
        for receiver in self._receivers:
            receiver(room, message)
        return True

    def on_chat(self, receiver: OnChat) -> None:
        self._receivers.append(receiver)
