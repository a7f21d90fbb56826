"""The messages heard last, of every room: what a page has before the database has it."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable

from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId

MAX_MESSAGES = 5_000


class RecentMessages:
    """Forgets the oldest where there are too many."""

    def __init__(self, most: int = MAX_MESSAGES) -> None:
        self._most = most
        self._order: OrderedDict[str, RoomId] = OrderedDict()
        self._rooms: defaultdict[RoomId, dict[str, ChatEvent]] = defaultdict(dict)

    def add(self, room: RoomId, message: ChatEvent) -> None:
        if message.id in self._order:
            return
        self._order[message.id] = room
        self._rooms[room][message.id] = message
        if len(self._order) > self._most:
            oldest, of = self._order.popitem(last=False)
            self._drop(of, oldest)

    def find(self, room: RoomId, wanted: Callable[[ChatEvent], bool]) -> list[ChatEvent]:
        return [message for message in self._rooms.get(room, {}).values() if wanted(message)]

    def forget(self, room: RoomId) -> None:
        for message_id in self._rooms.pop(room, {}):
            del self._order[message_id]

    def _drop(self, room: RoomId, message_id: str) -> None:
        del self._rooms[room][message_id]
        if not self._rooms[room]:
            del self._rooms[room]
