"""The rooms with people who are connected to this process."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from rotunda_base.rates import Rate
from rotunda_contract.errors import NotFound, RateLimited, RotundaError, StaleAssignment, Unavailable
from rotunda_contract.ids import RoomName, WatcherId
from rotunda_contract.pb import events_pb2
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.addresses import site_of
from rotunda_signaling.auth.tokens import Claims
from rotunda_signaling.directory import OnPending, Room, RoomDirectory, RoomId
from rotunda_signaling.fanout import Fanout
from rotunda_signaling.limits import ROOM_MAKING_RATE
from rotunda_signaling.randomness import new_id
from rotunda_signaling.rates import RateLimits
from rotunda_signaling.rates.memory import MemoryRateLimits
from rotunda_signaling.service.media_node import MediaNodes
from rotunda_signaling.service.removed import Removed
from rotunda_signaling.service.room_view import RETRY_DELAYS, RoomView
from rotunda_signaling.store import History, NoHistory, Removal
from rotunda_signaling.store.message_ids import MessageIds

JOINS_AT_ONCE = 16
"""A crowd's other joins wait here, where no deadline runs, and leave room for the calls of those inside."""
RETRY_MS = 2000
"""When to try again what a stopping process refuses."""

_log = structlog.get_logger(__name__)


def _ignore_reason(reason: str) -> None:
    """For callers that do not show why a room is pending."""


class _Opening:
    """A room that is being opened here, and the joins that wait for it."""

    def __init__(self) -> None:
        self.task: asyncio.Task[RoomView] | None = None
        self.listeners: set[OnPending] = set()
        self.reason: str | None = None

    def notify(self, reason: str) -> None:
        self.reason = reason
        for on_pending in list(self.listeners):
            on_pending(reason)


class Rooms:
    """Opens a room at its first join here, shares one view of it, closes it when it is deleted."""

    def __init__(
        self,
        directory: RoomDirectory,
        nodes: MediaNodes,
        fanout: Fanout,
        *,
        history: History | None = None,
        rates: RateLimits | None = None,
        assignment_wait: float = 30.0,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        """`assignment_wait`: how many seconds a join waits until the room has a node."""
        self.directory = directory
        self.fanout = fanout
        self.history = history or NoHistory()
        self.rates = rates or MemoryRateLimits()
        self.message_ids = MessageIds()
        self._nodes = nodes
        self._assignment_wait = assignment_wait
        self._retry_delays = retry_delays
        self.joining = asyncio.Semaphore(JOINS_AT_ONCE)
        self._watcher_id = WatcherId(new_id())
        self._views: dict[RoomName, RoomView] = {}
        self._opening: dict[RoomName, _Opening] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._stopping = False
        directory.watch_deletions(self._on_deleted)
        directory.watch_moves(self._on_moved)
        fanout.on_chat(self._on_chat)

    @property
    def views(self) -> Sequence[RoomView]:
        return list(self._views.values())

    async def enter(
        self, room: RoomName, on_pending: OnPending = _ignore_reason, *, maker: str | None = None
    ) -> RoomView:
        """The room's view, opened on its node where it is not yet. Raises RotundaError.

        `on_pending` is called with the reason if that takes a while. `maker`: the address whose rate of new
        rooms counts, if the room does not exist. Cancelling ends only the wait of this caller.
        """
        if self._stopping:
            raise _stops()
        view = self._views.get(room)
        if view is not None and not view.ended:
            return view
        opening = self._opening.get(room) or self._begin(room, maker)
        assert opening.task is not None
        opening.listeners.add(on_pending)
        if opening.reason is not None:
            on_pending(opening.reason)
        try:
            return await asyncio.shield(opening.task)
        except asyncio.CancelledError:
            if opening.task.cancelled():
                raise _stops() from None
            raise
        finally:
            opening.listeners.discard(on_pending)

    async def view_if_placed(self, room: RoomName) -> RoomView | None:
        """The room's view if it has a node now. The room is neither created nor placed for this."""
        view = self._views.get(room)
        if view is not None and not view.ended:
            return view
        return await self.enter(room) if self.directory.is_placed(room) else None

    async def check_rate(self, key: str, rate: Rate, what: str) -> None:
        """Raises RateLimited; `what` says what there was too much of."""
        wait = await self.rates.take(key, rate)
        if wait > 0:
            raise RateLimited(f"too many {what}: try again later", retry_after_ms=max(1, round(wait * 1000)))

    def count_participants(self, room: Room) -> int:
        """How many people the room has, whichever process they are connected to.

        The media node knows it of a room that is watched here, the directory of another room, if it does.
        """
        view = self._views.get(room.name)
        if view is not None and not view.ended and view.assignment.room_id == room.id:
            return view.state.count
        return room.participants or 0

    async def check_removed(self, room: RoomName, claims: Claims) -> None:
        """Raises Forbidden for a token of somebody who was removed: from the call, or before it began.

        Unavailable where nobody is in the room and the database, which alone knows, does not answer.
        """
        view = await self.view_if_placed(room)
        if view is not None:
            view.state.removed.check(claims)
            await self.check_removed_before(view, claims)
            return
        with suppress(NotFound):
            found = await self.history.removals((await self.directory.get(room)).id)
            if found is None:
                raise Unavailable("who may read the room is not known just now: the database does not answer")
            Removed(found).check(claims)

    async def check_removed_before(self, view: RoomView, claims: Claims) -> None:
        """Raises Forbidden as above. While the database is away nobody is kept from a call for it."""
        if view.removed_before is None:
            found = await self.history.removals(view.assignment.room_id)
            view.removed_before = Removed(found) if found is not None else None
        if view.removed_before is not None:
            view.removed_before.check(claims)

    def forget(self, view: RoomView) -> None:
        """The node refused the view's assignment: the next `enter` asks the directory again."""
        view.end("node_lost", rejoin=True, lost=True)

    async def close_room(self, view: RoomView, reason: str) -> None:
        """Ends the room for everybody in it."""
        await view.node.close_room(pb.CloseRoomRequest(room_key=view.key, reason=reason))

    def end_all(self, reason: str) -> None:
        """Ends all rooms here: clients join again as soon as another process serves them. New joins are
        refused."""
        self._stopping = True
        for view in self.views:
            view.end(reason, rejoin=True)

    async def shutdown(self) -> None:
        """Stops watching and opening rooms. The rooms themselves stay."""
        opening = [each.task for each in self._opening.values() if each.task is not None]
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        await asyncio.gather(*(view.close() for view in self.views))
        await self.settle()

    async def settle(self) -> None:
        """Returns once deleted and moved rooms are closed."""
        await asyncio.gather(*self._closing, return_exceptions=True)

    def on_occupancy(self, view: RoomView) -> None:
        if view.occupied:
            self.directory.report_occupied(view.assignment.room)
        else:
            self.directory.report_empty(view.assignment.room)

    def on_removed(self, view: RoomView, removal: events_pb2.Removal) -> None:
        stored = Removal(removal.participant_id, removal.identity, removal.token_id)
        self.history.removed(view.assignment.room_id, stored)

    def on_ended(self, view: RoomView, *, lost: bool) -> None:
        if self._views.get(view.assignment.room) is view:
            del self._views[view.assignment.room]
        if lost:
            self.directory.report_lost(view.assignment)
        self.directory.report_empty(view.assignment.room)

    def _begin(self, room: RoomName, maker: str | None) -> _Opening:
        opening = self._opening[room] = _Opening()
        opening.task = asyncio.create_task(self._open(room, opening.notify, maker), name=f"open {room}")

        def done(task: asyncio.Task[RoomView]) -> None:
            self._opening.pop(room, None)
            if not task.cancelled():
                task.exception()  # marks it as retrieved: everybody who waited for it may have left

        opening.task.add_done_callback(done)
        return opening

    async def _open(self, room: RoomName, on_pending: OnPending, maker: str | None) -> RoomView:
        if maker is not None and not await self._is_there(room):
            await self.check_rate(f"make:{site_of(maker)}", ROOM_MAKING_RATE, "new rooms from your network")
        assignment = await self.directory.resolve(room, wait=self._assignment_wait, on_pending=on_pending)
        view = RoomView(
            assignment,
            self._nodes.at(assignment),
            self._watcher_id,
            self,
            retry_delays=self._retry_delays,
        )
        try:
            await view.open()
        except StaleAssignment:
            self.directory.report_lost(assignment)
            raise
        except asyncio.CancelledError:
            await view.close()
            raise
        if self._stopping:  # since `end_all`, which this view has missed
            await view.close()
            raise _stops()
        self._views[room] = view
        return view

    async def _is_there(self, room: RoomName) -> bool:
        """Whether the room exists. True also where that is not known now: then it cannot be created now
        either."""
        try:
            await self.directory.get(room)
        except NotFound:
            return False
        except RotundaError:
            return True
        return True

    def _on_chat(self, room: RoomId, message: ChatEvent) -> None:
        self.history.received(room, message)
        view = self._views.get(room.name)
        if view is not None and view.assignment.room_id == room:
            view.deliver_chat(message)

    def _on_deleted(self, room: RoomName) -> None:
        view = self._views.get(room)
        if view is not None:
            self._keep(asyncio.create_task(self._close_deleted(view), name=f"close {room}"))

    def _on_moved(self, room: RoomName, least_epoch: int) -> None:
        """Clients that are in it here join again, on its new node."""
        view = self._views.get(room)
        if view is not None and view.assignment.epoch < least_epoch:
            view.end("node_lost", rejoin=True)
            self._keep(asyncio.create_task(_close_left_behind(view), name=f"close {room}"))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close_deleted(self, view: RoomView) -> None:
        try:
            await self.close_room(view, "deleted")
        except RotundaError as error:
            _log.warning("a deleted room was not closed", room=view.assignment.room, error=str(error))
            view.end("deleted", rejoin=False)


def _stops() -> Unavailable:
    return Unavailable("the server is stopping: join again in a moment", retry_after_ms=RETRY_MS)


async def _close_left_behind(view: RoomView) -> None:
    """The old node may still run. People who are connected to it through another process join again too."""
    with suppress(RotundaError):
        await view.node.close_room(pb.CloseRoomRequest(room_key=view.key, reason="node_lost", rejoin=True))
