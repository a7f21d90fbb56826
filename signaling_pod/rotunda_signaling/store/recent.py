"""The last received messages of every room: a page has them before the database has stored them."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable

from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId

MAX_BYTES = 16 * 1024 * 1024
MESSAGE_BYTES = 2048
"""What a message takes beside its text and names, whose characters may take four bytes each."""


class RecentMessages:
    """Forgets the oldest where they take too much."""

    def __init__(self, most: int = MAX_BYTES) -> None:
        """`most` in bytes."""
        self._most = most
        self._bytes = 0
        self._order: OrderedDict[str, RoomId] = OrderedDict()
        self._rooms: defaultdict[RoomId, dict[str, ChatEvent]] = defaultdict(dict)

    @property
    def size(self) -> int:
        """Bytes of what is remembered."""
        return self._bytes

    def add(self, room: RoomId, message: ChatEvent) -> None:
        if message.id in self._order:
            return
        self._order[message.id] = room
        self._rooms[room][message.id] = message
        self._bytes += _size(message)
        while self._bytes > self._most:
            oldest, of = self._order.popitem(last=False)
            self._drop(of, oldest)

    def find(self, room: RoomId, wanted: Callable[[ChatEvent], bool]) -> list[ChatEvent]:
        return [message for message in self._rooms.get(room, {}).values() if wanted(message)]

    def forget(self, room: RoomId) -> None:
        for message_id, message in self._rooms.pop(room, {}).items():
            del self._order[message_id]
            self._bytes -= _size(message)

    def _drop(self, room: RoomId, message_id: str) -> None:
        self._bytes -= _size(self._rooms[room].pop(message_id))
        if not self._rooms[room]:
            del self._rooms[room]


def _size(message: ChatEvent) -> int:
    return MESSAGE_BYTES + 4 * (len(message.text) + len(message.display_name))
