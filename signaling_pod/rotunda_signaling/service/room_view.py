"""A room as this process sees it: it watches the media node's event stream and sends events to the clients
here."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Protocol

import structlog

from rotunda_base.tasks import cancel_and_wait
from rotunda_contract.errors import Internal, RotundaError, StaleAssignment, Unavailable
from rotunda_contract.ids import ConnectionId, ParticipantId, WatcherId
from rotunda_contract.pb import events_pb2
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.signaling import events
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import Assignment
from rotunda_signaling.service.client import Event
from rotunda_signaling.service.media_node import MediaNode
from rotunda_signaling.service.member import Member
from rotunda_signaling.service.removed import Removed
from rotunda_signaling.service.room_state import Delivery, RoomState, active_speaker

RETRY_DELAYS = (0.05, 0.1, 0.2, 0.5, *(1.0,) * 12)
"""Seconds between attempts to watch again after the stream broke. After the last one the node counts as lost.

Their sum is well below the reconnect grace of the seats.
"""
EARLY_SECONDS = 2.0
"""How long a chat message waits for the event that its sender has joined."""


class RoomWatcher(Protocol):
    """Whoever keeps the views."""

    def on_occupancy(self, view: "RoomView") -> None:
        """Somebody came into the empty room, or the last one left."""

    def on_removed(self, view: "RoomView", removal: events_pb2.Removal) -> None:
        """A moderator removed somebody."""

    def on_ended(self, view: "RoomView", *, lost: bool) -> None:
        """The room closed, or with `lost` its node lost it."""


class RoomView:
    """Handles the room's events in order, each once, and watches again when the stream broke."""

    def __init__(
        self,
        assignment: Assignment,
        node: MediaNode,
        watcher_id: WatcherId,
        watcher: RoomWatcher,
        *,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self.assignment = assignment
        self.node = node
        self.state = RoomState()
        self.removed_before: Removed | None = None
        """Who was removed while another media node, or an earlier process of it, had the room; None: not read
        yet."""
        self._watcher_id = watcher_id
        self._watcher = watcher
        self._retry_delays = retry_delays
        self._members: dict[ConnectionId, Member] = {}
        self._seated: dict[ParticipantId, Member] = {}
        self._early: dict[ParticipantId, list[ChatEvent]] = {}
        self._number: int | None = None
        self._occupied: bool | None = None
        self._ended = False
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger(__name__).bind(room=assignment.room, epoch=assignment.epoch)

    @property
    def key(self) -> pb.RoomKey:
        """What every call about the room carries."""
        return pb.RoomKey(
            room=self.assignment.room, epoch=self.assignment.epoch, process_id=self.assignment.process_id
        )

    @property
    def watcher_id(self) -> WatcherId:
        return self._watcher_id

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def occupied(self) -> bool:
        """Somebody who counts is in the room, or may come back to a seat, or is on the way in."""
        known = self.state.participants
        return any(each.rules.counted for each in known.values()) or any(
            member.counted and member.participant_id not in known for member in self._members.values()
        )

    @property
    def connected(self) -> int:
        """How many of those who count in the room are connected to this process."""
        known = self.state.participants
        return sum(known[who].rules.counted for who in self._seated if who in known)

    async def open(self) -> None:
        """Opens the room on its node and waits for its first snapshot. Raises RotundaError."""
        settings = self.assignment.settings
        await self.node.open_room(
            pb.OpenRoomRequest(
                room_key=self.key,
                room_uid=self.assignment.uid,
                settings=pb.RoomSettings(
                    display_name=settings.display_name,
                    max_participants=settings.max_participants,
                    video_codecs=settings.video_codecs,
                    max_video_kbps=settings.max_video_kbps,
                ),
            )
        )
        self._task = asyncio.create_task(self._watch(), name=f"room {self.assignment.room}")
        await self._ready

    def admit(self, member: Member) -> None:
        """From now on the member gets the room's events, held back until it is seated."""
        if self._ended:
            raise Unavailable("the room has just closed", retry_after_ms=0)
        self._members[member.connection_id] = member
        self._check_occupancy()

    def seat(
        self, member: Member, participant_id: ParticipantId, event_number: int, *, resumed: bool = False
    ) -> None:
        """The member's join is done. Raises Unavailable when it has lost its place meanwhile.

        The answer to `join` does not have the active speaker, so an event follows. After a resumption it is
        also sent when nobody speaks.
        """
        member.seat(participant_id, event_number)
        self._seated[participant_id] = member
        if resumed or self.state.active_speaker is not None:
            member.deliver(Delivery(active_speaker(self.state.active_speaker)))

    def dismiss(self, member: Member) -> None:
        """The member gets no more events."""
        self._members.pop(member.connection_id, None)
        if member.participant_id is not None and self._seated.get(member.participant_id) is member:
            del self._seated[member.participant_id]
        self._check_occupancy()

    def deliver(self, delivery: Delivery, number: int | None = None) -> None:
        """Passes an event on to those it is for."""
        for member in list(self._recipients(delivery)):
            member.deliver(delivery, number)

    def reach(self, sender: ParticipantId, recipient: str | None) -> tuple[int, int]:
        """How many of those whom a message is for are connected here, and how many are not."""
        others = self.state.listed.keys() - {sender}
        concerned = others if recipient is None else {ParticipantId(recipient)}
        here = len(concerned & self._seated.keys())
        return here, len(concerned) - here

    def deliver_chat(self, message: ChatEvent) -> None:
        """Sends a chat message, but not before the event that its sender has joined.

        That event may never come: a message may be under way for longer than its sender stays.
        """
        sender = ParticipantId(message.sender)
        if sender not in self.state.participants:
            self._early.setdefault(sender, []).append(message)
            asyncio.get_running_loop().call_later(EARLY_SECONDS, self._deliver_early_of, sender)
            return
        self._deliver_chat(message)

    def _deliver_chat(self, message: ChatEvent) -> None:
        sender = ParticipantId(message.sender)
        recipient = ParticipantId(message.to) if message.to is not None else None
        self.deliver(Delivery(Event("chat", message), sender, recipient))

    async def close(self) -> None:
        """Stops watching, without an event for clients."""
        self._ended = True
        if self._task is not None and self._task is not asyncio.current_task():
            await cancel_and_wait(self._task)

    def end(self, reason: str, *, rejoin: bool, lost: bool = False) -> None:
        """Sends `roomClosed` to every client here."""
        if self._ended:
            return
        self._ended = True
        closed = Event("roomClosed", events.RoomClosedEvent(reason=reason, rejoin=rejoin))
        for member in list(self._members.values()):
            member.end(closed)
        self._members.clear()
        self._seated.clear()
        self._log.info("room ended here", reason=reason, rejoin=rejoin, lost=lost)
        self._watcher.on_ended(self, lost=lost)

    def _recipients(self, delivery: Delivery) -> Iterator[Member]:
        if delivery.recipient is None:
            yield from self._members.values()
            return
        seated = self._seated.get(delivery.recipient)
        if seated is not None:
            yield seated
        yield from (member for member in self._members.values() if member.participant_id is None)

    async def _watch(self) -> None:
        try:
            await self._watch_until_lost()
        except Exception as error:
            self._log.exception("watching the room failed")
            self._fail(Internal("watching the room failed"))
            if not isinstance(error, RotundaError):
                self.end("internal", rejoin=True, lost=True)

    async def _watch_until_lost(self) -> None:
        delays = iter(self._retry_delays)
        while not self._ended:
            before = self._number
            error = await self._take_stream()
            if self._ended:
                return
            if self._number != before:
                delays = iter(self._retry_delays)
            delay = next(delays, None)
            stale = isinstance(error, StaleAssignment)
            if stale or delay is None or not self._ready.done():
                self.end("node_lost", rejoin=True, lost=stale or self._ready.done())
                self._fail(error)
                return
            self._log.warning("event stream broke", error=str(error), retry_in=delay)
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))

    async def _take_stream(self) -> RotundaError:
        """Takes events until the stream ends; the answer is why."""
        try:
            async for event in self._stream():
                if not self._take(event):
                    return Internal(f"event {event.number} came after {self._number}")
                if self._ended:
                    break
        except RotundaError as error:
            return error
        return Unavailable("the stream ended")

    def _stream(self) -> AsyncIterator[events_pb2.RoomEvent]:
        request = pb.WatchRoomRequest(room_key=self.key, watcher_id=self._watcher_id)
        return self.node.watch_room(request)

    def _take(self, event: events_pb2.RoomEvent) -> bool:
        """False where an event is missing: only a fresh snapshot helps then."""
        kind = event.WhichOneof("event")
        if kind == "snapshot":
            self._take_snapshot(event)
        elif self._number is None or event.number != self._number + 1:
            return False
        else:
            self._number = event.number
            self._take_delta(event, kind or "")
        self._deliver_early()
        self._check_occupancy()
        return True

    def _deliver_early(self) -> None:
        for sender in [sender for sender in self._early if sender in self.state.participants]:
            self._deliver_early_of(sender)

    def _deliver_early_of(self, sender: ParticipantId) -> None:
        for message in self._early.pop(sender, ()):
            self._deliver_chat(message)

    def _take_snapshot(self, event: events_pb2.RoomEvent) -> None:
        first = self._number is None
        self._number = event.number
        deliveries = self.state.reset(event.snapshot)
        if first:
            self._ready.set_result(None)
            return
        for delivery in deliveries:
            self.deliver(delivery, event.number)
        for participant_id, member in list(self._seated.items()):
            if participant_id not in self.state.participants and member.event_number <= event.number:
                self.dismiss(member)
                member.end(Event("roomClosed", events.RoomClosedEvent(reason="seat_expired", rejoin=True)))

    def _take_delta(self, event: events_pb2.RoomEvent, kind: str) -> None:
        reason = event.reason if event.HasField("reason") else ""
        if kind == "connection_replaced":
            self._evict(event.connection_replaced.connection_id, reason or "taken_over", disconnect=True)
        elif kind == "participant_removed":
            self.state.removed.add(event.participant_removed.removal)
            self._watcher.on_removed(self, event.participant_removed.removal)
            self._evict(event.participant_removed.connection_id, reason or "removed", disconnect=False)
        elif kind == "room_closed":
            self.end(reason or "closed", rejoin=event.room_closed.rejoin)
        else:
            delivery = self.state.apply(event)
            if delivery is not None:
                self.deliver(delivery, event.number)

    def _evict(self, connection_id: str, reason: str, *, disconnect: bool) -> None:
        member = self._members.get(ConnectionId(connection_id))
        if member is not None:
            self.dismiss(member)
            member.end(Event("removed", events.RemovedEvent(reason=reason)), disconnect=disconnect)

    def _check_occupancy(self) -> None:
        if not self._ended and self._occupied != self.occupied:
            self._occupied = self.occupied
            self._watcher.on_occupancy(self)

    def _fail(self, error: RotundaError) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)
