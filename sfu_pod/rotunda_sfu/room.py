"""The live state of one room: its participants and their seats, and the events that follow from both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from rotunda_contract.errors import NotFound, RoomFull, Unauthorized, Unavailable
from rotunda_contract.ids import ConnectionId, ParticipantId, ProducerId, RoomName, SeatToken, WatcherId
from rotunda_contract.kinds import KINDS
from rotunda_contract.pb.events_pb2 import ParticipantInfo
from rotunda_contract.signaling.common import ParticipantKind
from rotunda_sfu.clock import Clock
from rotunda_sfu.context import RoomContext
from rotunda_sfu.event_log import Watch
from rotunda_sfu.events import snapshot
from rotunda_sfu.participant import Connection, Participant
from rotunda_sfu.producer import Producer
from rotunda_sfu.removals import Removals
from rotunda_sfu.seats import Seats

_WATCH_FIRST_MS = 250


@dataclass(frozen=True, slots=True)
class JoinOptions:
    """What a client asks for. `seat` is a token that it was given earlier.

    `kind`, `identity` and `token_id` are the join token's, the last two empty without one. With
    `resume_only` there must be somebody in the seat.
    """

    display_name: str
    permissions: Iterable[str]
    seat: SeatToken | None = None
    identity: str = ""
    token_id: str = ""
    resume_only: bool = False
    kind: ParticipantKind = "person"


@dataclass(frozen=True, slots=True)
class Joined:
    """`event_number`: events up to this one are contained in `others`."""

    participant: Participant
    resumed: bool
    event_number: int
    others: tuple[ParticipantInfo, ...]


class Room:
    """One room, for one assignment epoch, on one media worker.

    All methods run on the owner's event loop and none waits, so each takes effect at once and whole.
    """

    def __init__(
        self,
        context: RoomContext,
        clock: Clock,
        *,
        name: RoomName,
        epoch: int,
        max_participants: int,
        reconnect_grace: float,
        removals: Removals | None = None,
        on_closed: Callable[[Room], None] = lambda room: None,
    ) -> None:
        """`removals` are those of the room that this one takes the place of."""
        self.name = name
        self.epoch = epoch
        self.context = context
        self.max_participants = max_participants
        self.closed = False
        self.participants: dict[ParticipantId, Participant] = {}
        self.removals = removals or Removals()
        self.active_speaker: ParticipantId | None = None
        self._on_closed = on_closed
        self._to_rejoin = True
        self._seats = Seats(clock, reconnect_grace, self)

    @property
    def count(self) -> int:
        """How many participants count as such: see `rotunda_contract.kinds`."""
        return sum(each.rules.counted for each in self.participants.values())

    def watch(self, watcher_id: WatcherId) -> Watch:
        """A stream of the room's events that begins with a snapshot.

        Connections that its watcher lost with an earlier stream hold their seats again.
        """
        back = self._seats.regain_watcher(watcher_id)
        participants = [participant.info for participant in self.participants.values()]
        now = snapshot(participants, self.active_speaker, self.removals)
        watch = self.context.events.log.watch(watcher_id, now)
        self.context.log.info("watched", watcher=watcher_id, connections_back=len(back))
        return watch

    def unwatch(self, watch: Watch) -> None:
        """The stream broke: seats of its watcher's connections begin to expire."""
        if self.closed or not self.context.events.log.drop(watch):
            return
        lost = self._seats.lose_watcher(watch.watcher_id)
        self.context.log.info("watcher_lost", watcher=watch.watcher_id, connections_lost=len(lost))

    def join(self, connection: Connection, options: JoinOptions) -> Joined:
        """Takes a seat again or makes a fresh participant.

        A seat that is unknown, expired or somebody else's gives a fresh one. Raises Unavailable while the
        watcher does not watch, Forbidden for who was removed, RoomFull for a fresh participant too many,
        Unauthorized where a fresh one was not wanted.
        """
        if not self.context.events.log.is_watched_by(connection.watcher):
            raise Unavailable(
                "the room is not being watched for this connection", retry_after_ms=_WATCH_FIRST_MS
            )
        if (repeated := self._seats.holder(connection.id)) is not None:
            return self._joined(repeated, resumed=options.seat == repeated.seat)
        self.removals.check(options.identity, options.token_id, options.seat)
        known = self._seats.find(options.seat) if options.seat else None
        if known is not None and _is_same(known, options):
            return self._resume(known, connection, options)
        if options.resume_only:
            raise Unauthorized("this room takes nobody without a token, and the seat has expired")
        return self._enter(connection, options)

    def participant(self, participant_id: str) -> Participant:
        """Raises NotFound."""
        participant = self.participants.get(ParticipantId(participant_id))
        if participant is None:
            raise NotFound("no such participant in this room")
        return participant

    def producer(self, producer_id: str) -> Producer:
        """Anybody's. Raises NotFound."""
        producer = self.context.relations.producers.get(ProducerId(producer_id))
        if producer is None:
            raise NotFound("no such producer in this room")
        return producer

    def disconnect(self, participant_id: str, connection_id: ConnectionId) -> None:
        """The connection is lost; its seat begins to expire. Ignored unless it holds the seat."""
        participant = self.participants.get(ParticipantId(participant_id))
        if participant is not None and self._seats.release(participant, connection_id):
            self.context.log.info("disconnected", participant=participant.id, connection=connection_id)

    def set_attributes(self, participant_id: str, changes: Mapping[str, str | None]) -> None:
        """Merges into the participant's own; None removes. Raises NotFound, Forbidden, LimitExceeded."""
        participant = self.participant(participant_id)
        participant.require_listed()
        different = participant.attributes.change(changes)
        if different:
            self.context.events.participant_updated(participant.id, different)

    def react(self, participant_id: str, name: str) -> None:
        """Tells everybody else. Raises NotFound, Forbidden."""
        participant = self.participant(participant_id)
        participant.require_listed()
        self.context.events.reaction(participant.id, name)

    def leave(self, participant_id: str) -> None:
        """Raises NotFound."""
        participant = self.participant(participant_id)
        self._take_out(participant, "left", cause=participant.id)

    def remove(self, participant_id: str, reason: str) -> None:
        """A moderator's decision, about all participants of the same identity. Raises NotFound."""
        participant = self.participant(participant_id)
        identity = participant.identity
        same = [each for each in self.participants.values() if identity and each.identity == identity]
        for each in same or [participant]:
            removal = self.removals.add(each)
            connection = each.connection.id if each.connection else None
            self.context.events.participant_removed(removal, connection, reason)
            self._take_out(each, "removed", cause=None)

    def close(self, reason: str, *, rejoin: bool) -> None:
        """Tells everybody and ends everything. Twice is allowed."""
        if self.closed:
            return
        self.closed = True
        self._to_rejoin = rejoin
        self._seats.close()
        self.context.events.room_closed(reason, rejoin)
        self.context.events.log.close()
        for participant in self.participants.values():
            participant.close()
        self.participants.clear()
        self.context.worker.close_router(self.context.router)
        self.context.log.info("room_closed", reason=reason, rejoin=rejoin)
        self._on_closed(self)

    @property
    def surviving_removals(self) -> Removals:
        """Those that a room in this one's place begins with: none once this one has ended for good."""
        return self.removals if self._to_rejoin else Removals()

    def on_active_speaker(self, producer: int | None) -> None:
        producers = self.context.relations.producers
        speaking = (producers.origin(each).id for each in producers if each.number == producer)
        self._set_active_speaker(next(speaking, None))

    def on_seat_lost(self, participant: Participant) -> None:
        participant.connection_lost = True
        self.context.events.participant_connection(participant.id, "lost")

    def on_seat_taken_again(self, participant: Participant) -> None:
        if participant.connection_lost:
            participant.connection_lost = False
            self.context.events.participant_connection(participant.id, "back")

    def on_seat_expired(self, participant: Participant) -> None:
        self._take_out(participant, "disconnected", cause=None)

    def on_worker_failed(self, message: str) -> None:
        self.context.log.error("worker_failed", error=message)
        self.close("the media worker failed", rejoin=True)

    def _resume(self, participant: Participant, connection: Connection, options: JoinOptions) -> Joined:
        if options.identity:
            participant.permit(options.permissions)
            participant.token_id = options.token_id
        replaced = self._seats.take(participant, connection)
        if replaced is not None:
            self.context.events.connection_replaced(participant.id, replaced.id)
        self._log_entry("resumed", participant, connection)
        return self._joined(participant, resumed=True)

    def _enter(self, connection: Connection, options: JoinOptions) -> Joined:
        self._check_space(options.kind)
        participant = Participant(
            self.context,
            display_name=options.display_name,
            permissions=options.permissions,
            connection=connection,
            kind=options.kind,
            identity=options.identity,
            token_id=options.token_id,
        )
        self.participants[participant.id] = participant
        self._seats.add(participant)
        self.context.events.participant_joined(participant.info)
        self._log_entry("joined", participant, connection)
        return self._joined(participant, resumed=False)

    def _check_space(self, kind: ParticipantKind) -> None:
        """Raises RoomFull."""
        if KINDS[kind].counted:
            if self.count >= self.max_participants:
                raise RoomFull(f"the room is full: it takes {self.max_participants}")
            return
        most = self.context.limits.uncounted_participants
        if len(self.participants) - self.count >= most:
            raise RoomFull(f"the room takes at most {most} hidden participants and recordings")

    def _joined(self, participant: Participant, *, resumed: bool) -> Joined:
        others = tuple(each.info for each in self.participants.values() if each is not participant)
        return Joined(participant, resumed, self.context.events.log.number, others)

    def _log_entry(self, event: str, participant: Participant, connection: Connection) -> None:
        self.context.log.info(
            event, participant=participant.id, connection=connection.id, watcher=connection.watcher
        )

    def _take_out(self, participant: Participant, reason: str, *, cause: ParticipantId | None) -> None:
        self._seats.remove(participant)
        del self.participants[participant.id]
        self.context.events.participant_left(participant.id, reason, cause)
        participant.close()
        if self.active_speaker == participant.id:
            self._set_active_speaker(None)
        self.context.log.info("left", participant=participant.id, reason=reason)

    def _set_active_speaker(self, participant: ParticipantId | None) -> None:
        if participant != self.active_speaker:
            self.active_speaker = participant
            self.context.events.active_speaker(participant)


def _is_same(participant: Participant, options: JoinOptions) -> bool:
    """Who shows the seat without a token is whoever had it; a token must be for the same one."""
    if not options.identity:
        return True
    return (options.identity, options.kind) == (participant.identity, participant.kind)
