"""A media node: its workers and the rooms on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import structlog

from rotunda_contract.errors import BadRequest, RoomNotOpen, StaleEpoch, Unavailable, WrongProcess
from rotunda_contract.ids import ProcessId, RoomName
from rotunda_contract.rtp import RtpCapabilities
from rotunda_sfu import ortc
from rotunda_sfu.clock import Clock
from rotunda_sfu.closed_rooms import ClosedRoom, ClosedRooms
from rotunda_sfu.context import RoomContext
from rotunda_sfu.dtls import SessionLimits
from rotunda_sfu.event_log import EventLog
from rotunda_sfu.events import RoomEvents
from rotunda_sfu.media_worker import MediaWorker
from rotunda_sfu.ortc import VideoCodecName
from rotunda_sfu.randomness import Randomness
from rotunda_sfu.relations import Relations
from rotunda_sfu.removals import Removals
from rotunda_sfu.room import Room
from rotunda_sfu.sessions import Sessions
from rotunda_sfu.settings import NodeSettings

_VIDEO_CODECS: tuple[VideoCodecName, ...] = get_args(VideoCodecName)


@dataclass(frozen=True, slots=True)
class Assignment:
    """One assignment of one room to one media process: what every call about a room carries."""

    room: RoomName
    epoch: int
    process_id: ProcessId


@dataclass(frozen=True, slots=True)
class RoomOptions:
    """How a room shall be. 0 participants means as many as the node allows, no codecs mean all.

    `max_video_kbps`: see `RoomContext`. Epochs are compared among rooms of one `uid` only.
    """

    max_participants: int = 0
    video_codecs: Sequence[str] = ()
    max_video_kbps: int = 0
    uid: str = ""


class Node:
    """Every room has one epoch here: a higher one replaces it, a lower one is refused."""

    def __init__(
        self,
        settings: NodeSettings,
        workers: Sequence[MediaWorker],
        sessions: Sessions,
        clock: Clock,
        randomness: Randomness | None = None,
    ) -> None:
        self.settings = settings
        self.process_id = settings.process_id
        self.workers = tuple(workers)
        self._sessions = sessions
        self._clock = clock
        self._randomness = randomness or Randomness()
        self._rooms: dict[RoomName, Room] = {}
        self._uids: dict[RoomName, str] = {}
        self._closed_rooms = ClosedRooms(clock)
        self._closed = False
        self._log = structlog.stdlib.get_logger().bind(node=settings.node_name)

    @property
    def rooms(self) -> Iterator[Room]:
        """Every open room."""
        return iter(tuple(self._rooms.values()))

    @property
    def capabilities(self) -> RtpCapabilities:
        """What a room can be made to take at most."""
        return ortc.router_capabilities(_VIDEO_CODECS)

    def check_process(self, process_id: str) -> None:
        """Raises WrongProcess unless this process is meant."""
        if process_id != self.process_id:
            raise WrongProcess("the call is meant for another media process than this one")

    def open_room(self, assignment: Assignment, options: RoomOptions) -> Room:
        """Opens it, or answers with the one that is open with this epoch. Another uid replaces it.

        Raises WrongProcess, StaleEpoch, BadRequest for an unknown codec, Unavailable without a worker.
        """
        self.check_process(assignment.process_id)
        name = assignment.room
        known, closed = self._rooms.get(name), self._closed_rooms.get(name)
        if known is not None and self._uids[name] == options.uid:
            if assignment.epoch < known.epoch:
                raise _stale(assignment, known.epoch)
            if assignment.epoch == known.epoch:
                return known
        if closed is not None and closed.uid == options.uid and assignment.epoch < closed.epoch:
            raise _stale(assignment, closed.epoch)
        codecs = _codecs(options.video_codecs)
        worker = self._least_loaded_worker()
        if known is not None:
            known.close("the room was assigned again", rejoin=True)
            closed = self._closed_rooms.get(name)
        same = closed is not None and closed.uid == options.uid
        removals = closed.removals if closed is not None and same else None
        room = self._make_room(assignment, options, codecs, worker, removals)
        self._closed_rooms.forget(name)
        self._rooms[name] = room
        self._uids[name] = options.uid
        return room

    def room(self, assignment: Assignment) -> Room:
        """The room of exactly this assignment. Raises WrongProcess, StaleEpoch or RoomNotOpen."""
        self.check_process(assignment.process_id)
        room, closed = self._rooms.get(assignment.room), self._closed_rooms.get(assignment.room)
        latest = room or closed
        if latest is not None and assignment.epoch < latest.epoch:
            raise _stale(assignment, latest.epoch)
        if room is None or assignment.epoch > room.epoch:
            raise RoomNotOpen(f"room {assignment.room} is not open here with epoch {assignment.epoch}")
        return room

    def close_room(self, assignment: Assignment, reason: str, *, rejoin: bool) -> None:
        """Closes it. Not open: nothing happens. Raises WrongProcess or StaleEpoch."""
        try:
            room = self.room(assignment)
        except RoomNotOpen:
            return
        room.close(reason, rejoin=rejoin)

    def close(self, reason: str) -> None:
        """Closes all rooms, so that everybody joins again elsewhere. Opens none any more."""
        self._closed = True
        for room in self.rooms:
            room.close(reason, rejoin=True)

    def _make_room(
        self,
        assignment: Assignment,
        options: RoomOptions,
        codecs: Sequence[VideoCodecName],
        worker: MediaWorker,
        removals: Removals | None,
    ) -> Room:
        limits = self.settings.limits
        log = self._log.bind(room=assignment.room, epoch=assignment.epoch)
        events = RoomEvents(EventLog(backlog=limits.watcher_backlog))
        context = RoomContext(
            worker=worker,
            router=worker.next_number(),
            capabilities=ortc.router_capabilities(codecs),
            events=events,
            relations=Relations(events),
            sessions=self._sessions,
            randomness=self._randomness,
            limits=limits,
            session_limits=SessionLimits(
                handshake_deadline=self.settings.handshake_deadline, data_rate=limits.data_rate
            ),
            clock=self._clock,
            connect_deadline=self.settings.connect_deadline,
            max_video_kbps=options.max_video_kbps,
            log=log,
        )
        room = Room(
            context,
            self._clock,
            name=assignment.room,
            epoch=assignment.epoch,
            max_participants=min(options.max_participants or limits.participants, limits.participants),
            reconnect_grace=self.settings.reconnect_grace,
            removals=removals,
            on_closed=self._room_closed,
        )
        worker.open_router(context.router, room)
        log.info("room_opened", worker=worker.index)
        return room

    def _room_closed(self, room: Room) -> None:
        if self._rooms.get(room.name) is not room:
            return
        del self._rooms[room.name]
        uid = self._uids.pop(room.name)
        self._closed_rooms.add(room.name, ClosedRoom(uid, room.epoch, room.surviving_removals))

    def _least_loaded_worker(self) -> MediaWorker:
        if self._closed:
            raise Unavailable("the media node stops")
        alive = [worker for worker in self.workers if not worker.failed]
        if not alive:
            raise Unavailable("no media worker of this node is alive")
        rooms = [room.context.worker for room in self.rooms]
        return min(alive, key=lambda worker: (worker.consumer_count, rooms.count(worker), worker.index))


def _codecs(names: Sequence[str]) -> tuple[VideoCodecName, ...]:
    known: dict[str, VideoCodecName] = {name: name for name in _VIDEO_CODECS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadRequest(
            f"{unknown[0]!r} is not supported, choose from {', '.join(_VIDEO_CODECS)}", field="videoCodecs"
        )
    return tuple(dict.fromkeys(known[name] for name in names)) or _VIDEO_CODECS


def _stale(assignment: Assignment, present: int) -> StaleEpoch:
    return StaleEpoch(
        f"epoch {assignment.epoch} of room {assignment.room} is over, {present} is the present one"
    )
