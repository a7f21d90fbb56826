"""A room's numbered events and those who watch them."""

import asyncio
from collections import deque
from collections.abc import Callable

from rotunda_contract.errors import RotundaError, Unavailable
from rotunda_contract.ids import WatcherId
from rotunda_contract.pb.events_pb2 import RoomEvent, RoomSnapshot


class EventLog:
    """Numbers every change of a room and hands it to all watchers, in order, without a gap.

    A watcher first gets a snapshot, which carries the number of the last event that it contains.
    """

    def __init__(self, *, backlog: int) -> None:
        """`backlog` is how many events a watcher may be behind before it is cut."""
        self._number = 0
        self._backlog = backlog
        self._watches: dict[WatcherId, Watch] = {}

    @property
    def number(self) -> int:
        """Number of the last event; 0 before the first."""
        return self._number

    def append(self, event: RoomEvent) -> int:
        """Numbers the event and hands it to all watchers; the number is the answer."""
        self._number += 1
        event.number = self._number
        for watch in self._watches.values():
            watch.push(event)
        return self._number

    def watch(self, watcher_id: WatcherId, snapshot: RoomSnapshot) -> "Watch":
        """Starts a watch. An earlier one of the same watcher ends as cut."""
        earlier = self._watches.pop(watcher_id, None)
        if earlier is not None:
            earlier.end(Unavailable("this watcher watches by a newer stream"))
        first = RoomEvent(number=self._number, snapshot=snapshot)
        watch = Watch(watcher_id, first, self._backlog, self._cut)
        self._watches[watcher_id] = watch
        return watch

    def is_watched_by(self, watcher_id: WatcherId) -> bool:
        return watcher_id in self._watches

    def drop(self, watch: "Watch") -> bool:
        """Forgets a watch whose stream is over. False where a newer one has its place."""
        if self._watches.get(watch.watcher_id) is not watch:
            return False
        del self._watches[watch.watcher_id]
        return True

    def close(self) -> None:
        """Lets all watches end once they have handed out what is waiting."""
        for watch in self._watches.values():
            watch.end(None)
        self._watches.clear()

    def _cut(self, watch: "Watch") -> None:
        watch.end(Unavailable(f"more than {self._backlog} events behind; watch again for a fresh snapshot"))


class Watch:
    """One watcher's events: iterate. Ends when the room closes, raises Unavailable when it was cut."""

    def __init__(
        self, watcher_id: WatcherId, first: RoomEvent, backlog: int, on_overflow: Callable[["Watch"], None]
    ) -> None:
        self.watcher_id = watcher_id
        self._events = deque((first,))
        self._backlog = backlog
        self._on_overflow = on_overflow
        self._changed = asyncio.Event()
        self._ended = False
        self._error: RotundaError | None = None

    @property
    def waiting(self) -> int:
        """How many events have not been taken yet."""
        return len(self._events)

    def push(self, event: RoomEvent) -> None:
        if self._ended:
            return
        if len(self._events) >= self._backlog:
            self._on_overflow(self)
            return
        self._events.append(event)
        self._changed.set()

    def end(self, error: RotundaError | None) -> None:
        """No more events. With an error what waits is dropped too: the watcher needs a snapshot."""
        self._ended = True
        self._error = error
        if error is not None:
            self._events.clear()
        self._changed.set()

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> RoomEvent:
        while not self._events:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._events.popleft()
