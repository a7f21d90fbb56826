"""One room of the fake media node: its people, their seats, and its events."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from rotunda_contract.errors import (
    BadRequest,
    Forbidden,
    InvalidState,
    NotFound,
    RoomFull,
    Unauthorized,
    Unavailable,
)
from rotunda_contract.kinds import KINDS, parse_kind
from rotunda_contract.pb import events_pb2
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_signaling.media_node.fake_person import FakeConsumer, FakePerson, FakeTransport

MOST_UNCOUNTED = 16
"""As the media node's setting has it."""

_Queue = asyncio.Queue[events_pb2.RoomEvent | Exception | None]


class FakeRoom:
    """Numbers its events for all watchers. `removed` has whom moderators removed, by seat."""

    def __init__(
        self,
        epoch: int,
        settings: pb.RoomSettings,
        new_id: Callable[[], str],
        uid: str = "",
        removed: dict[str, events_pb2.Removal] | None = None,
    ) -> None:
        self.epoch = epoch
        self.uid = uid
        self.people: dict[str, FakePerson] = {}
        self.removed: dict[str, events_pb2.Removal] = removed or {}
        self.heritage = self.removed
        """What a room in this one's place goes on with: nothing once this one has ended for good."""
        self.number = 0
        self._settings = settings
        self._new_id = new_id
        self._watchers: dict[str, _Queue] = {}

    def emit(self, **event: Any) -> None:
        """To all watchers; the fields are those of RoomEvent."""
        self.number += 1
        for queue in self._watchers.values():
            queue.put_nowait(events_pb2.RoomEvent(number=self.number, **event))

    def skip_number(self) -> None:
        """The next event comes with a gap before it."""
        self.number += 1

    def break_streams(self) -> None:
        for queue in self._watchers.values():
            queue.put_nowait(Unavailable("the stream broke"))
        self._watchers.clear()

    def close(self, reason: str, *, rejoin: bool) -> None:
        self.heritage = self.removed if rejoin else {}
        self.emit(room_closed=events_pb2.RoomClosed(rejoin=rejoin), reason=reason)
        for queue in self._watchers.values():
            queue.put_nowait(None)

    async def watch(self, watcher_id: str) -> AsyncIterator[events_pb2.RoomEvent]:
        """A snapshot, then every event. Connections of the watcher hold their seats while it is watched."""
        queue: _Queue = asyncio.Queue()
        self._regain(watcher_id)
        snapshot = events_pb2.RoomSnapshot(
            participants=[person.info for person in self.people.values()], removed=self.removed.values()
        )
        self._watchers[watcher_id] = queue
        try:
            yield events_pb2.RoomEvent(number=self.number, snapshot=snapshot)
            while (event := await queue.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            if self._watchers.get(watcher_id) in (queue, None):
                self._watchers.pop(watcher_id, None)
                self._lose(watcher_id)

    def person(self, participant_id: str) -> FakePerson:
        """Raises NotFound."""
        person = self.people.get(participant_id)
        if person is None:
            raise NotFound("no such participant in this room")
        return person

    def join(self, request: pb.JoinRequest) -> pb.JoinResponse:
        if not request.connection_id:
            raise BadRequest("must not be empty", field="connectionId")
        if request.watcher_id not in self._watchers:
            raise Unavailable("the room is not being watched for this connection", retry_after_ms=250)
        for person in self.people.values():
            if person.connection_id == request.connection_id:
                return self._joined(person, resumed=person.seat == request.seat)
        self._refuse_removed(request)
        seated = next((p for p in self.people.values() if p.seat == request.seat and request.seat), None)
        if seated is None or not _is_same(seated, request):
            return self._joined(self._admit(request), resumed=False)
        self._resume(seated, request)
        return self._joined(seated, resumed=True)

    def disconnect(self, participant_id: str, connection_id: str) -> None:
        person = self.people.get(participant_id)
        if person is not None and connection_id in (person.connection_id, person.connection_of_watcher):
            person.connection_id = person.connection_of_watcher = None

    def tell_lost(self) -> None:
        """A second has passed: everybody whose seat is empty is told to be away, once."""
        for person in self.people.values():
            if person.connection_id is None and not person.info.connection_lost:
                person.info.connection_lost = True
                self._tell_connection(person, "lost")

    def expire_seats(self) -> None:
        """Everybody whose seat is empty is gone for good."""
        for person in list(self.people.values()):
            if person.connection_id is None:
                self._take_out(person, "disconnected", cause=None)

    def set_attributes(self, participant_id: str, changes: Sequence[events_pb2.AttributeChange]) -> None:
        person = self.person(participant_id)
        person.check_listed()
        different = person.change_attributes(changes)
        if different:
            updated = events_pb2.ParticipantUpdated(participant_id=participant_id, attributes=different)
            self.emit(participant_updated=updated, cause=participant_id)

    def react(self, participant_id: str, name: str) -> None:
        self.person(participant_id).check_listed()
        reaction = events_pb2.Reaction(participant_id=participant_id, name=name)
        self.emit(reaction=reaction, cause=participant_id)

    def leave(self, participant_id: str) -> None:
        self._take_out(self.person(participant_id), "left", cause=participant_id)

    def remove(self, participant_id: str, reason: str) -> None:
        """All participants of the same identity."""
        identity = self.person(participant_id).identity
        for person in list(self.people.values()):
            if person.id != participant_id and not (identity and person.identity == identity):
                continue
            removal = events_pb2.Removal(
                participant_id=person.id, identity=person.identity, token_id=person.token_id
            )
            self.removed[person.seat] = removal
            removed = events_pb2.ParticipantRemoved(
                participant_id=person.id, connection_id=person.connection_id or "", removal=removal
            )
            self.emit(participant_removed=removed, recipient=person.id, reason=reason)
            self._take_out(person, "removed", cause=None)

    def create_transport(self, request: pb.CreateWebRtcTransportRequest) -> str:
        person = self.person(request.actor.participant_id)
        if request.direction not in ("send", "recv"):
            raise BadRequest(f"must be send or recv, not {request.direction!r}", field="direction")
        transport_id = self._new_id()
        person.transports[transport_id] = FakeTransport(request.direction)
        return transport_id

    def connect(self, request: pb.ConnectWebRtcTransportRequest) -> None:
        transport = self.person(request.actor.participant_id).transport(request.transport_id)
        if transport.connected:
            raise InvalidState("the transport is connected already")
        transport.connected = True

    def close_transport(self, request: pb.CloseTransportRequest) -> None:
        person = self.person(request.actor.participant_id)
        person.transport(request.transport_id)
        self._end_transport(person, request.transport_id, cause=person.id, announce=True)

    def produce(self, request: pb.ProduceRequest) -> str:
        person = self.person(request.actor.participant_id)
        person.check_may("publish", request.transport_id, "send")
        made = events_pb2.ProducerInfo(
            producer_id=self._new_id(),
            kind=request.kind,
            source=request.source or {"audio": "microphone", "video": "camera"}[request.kind],
            paused=request.paused,
            app_data=request.app_data,
        )
        person.info.producers.append(made)
        person.carriers[made.producer_id] = request.transport_id
        added = events_pb2.ProducerAdded(participant_id=person.id, producer=made)
        self.emit(producer_added=added, cause=person.id)
        return made.producer_id

    def pause(self, owner: str, producer_id: str) -> None:
        made = self.person(owner).producer(producer_id)
        if not made.paused:
            made.paused = True
            ref = events_pb2.ProducerRef(participant_id=owner, producer_id=producer_id)
            self.emit(producer_paused=ref, cause=owner)

    def resume(self, owner: str, producer_id: str) -> None:
        made = self.person(owner).producer(producer_id)
        if made.paused:
            made.paused = False
            ref = events_pb2.ProducerRef(participant_id=owner, producer_id=producer_id)
            self.emit(producer_resumed=ref, cause=owner)

    def mute(self, producer_id: str, reason: str) -> None:
        owner = self._owner_of(producer_id)
        made = owner.producer(producer_id)
        if not made.paused:
            made.paused = True
            ref = events_pb2.ProducerRef(participant_id=owner.id, producer_id=producer_id)
            self.emit(producer_paused=ref, reason=reason or "muted")

    def close_producer(self, owner: str, producer_id: str) -> None:
        person = self.person(owner)
        self._end_producer(person, person.producer(producer_id), cause=owner, announce=True)

    def consume(self, request: pb.ConsumeRequest) -> pb.ConsumeResponse:
        person = self.person(request.actor.participant_id)
        person.check_may("subscribe", request.transport_id, "recv")
        owner = self._owner_of(request.producer_id, besides=person)
        made = owner.producer(request.producer_id)
        consumer_id = self._new_id()
        person.consumers[consumer_id] = FakeConsumer(made.producer_id, request.transport_id)
        answer = pb.ConsumeResponse(
            id=consumer_id,
            producer_id=made.producer_id,
            participant_id=owner.id,
            kind=made.kind,
            type="simple",
            producer_paused=made.paused,
            app_data=made.app_data,
        )
        answer.rtp_parameters.mid = "0"
        codec = answer.rtp_parameters.codecs.add(
            mime_type="audio/opus", payload_type=100, clock_rate=48000, channels=2
        )
        codec.parameters["useinbandfec"].number_value = 1
        return answer

    def consumer(self, request: pb.ConsumerRequest | pb.SetConsumerPreferredLayersRequest) -> FakeConsumer:
        return self.person(request.actor.participant_id).consumer(request.consumer_id)

    def close_consumer(self, request: pb.ConsumerRequest) -> None:
        self.consumer(request)
        del self.person(request.actor.participant_id).consumers[request.consumer_id]

    def produce_data(self, request: pb.ProduceDataRequest) -> str:
        person = self.person(request.actor.participant_id)
        person.check_may("publish", request.transport_id, "send")
        made = events_pb2.DataProducerInfo(
            data_producer_id=self._new_id(),
            label=request.label,
            protocol=request.protocol,
            app_data=request.app_data,
        )
        person.info.data_producers.append(made)
        person.carriers[made.data_producer_id] = request.transport_id
        added = events_pb2.DataProducerAdded(participant_id=person.id, data_producer=made)
        self.emit(data_producer_added=added, cause=person.id)
        return made.data_producer_id

    def consume_data(self, request: pb.ConsumeDataRequest) -> pb.ConsumeDataResponse:
        person = self.person(request.actor.participant_id)
        person.check_may("subscribe", request.transport_id, "recv")
        owner = self._owner_of(request.data_producer_id, besides=person)
        made = owner.data_producer(request.data_producer_id)
        consumer_id = self._new_id()
        person.data_consumers[consumer_id] = FakeConsumer(made.data_producer_id, request.transport_id)
        answer = pb.ConsumeDataResponse(
            id=consumer_id,
            data_producer_id=made.data_producer_id,
            label=made.label,
            protocol=made.protocol,
            app_data=made.app_data,
        )
        answer.sctp_stream_parameters.stream_id = 1
        return answer

    def close_data_producer(self, request: pb.DataProducerRequest) -> None:
        person = self.person(request.actor.participant_id)
        made = person.data_producer(request.data_producer_id)
        self._end_data_producer(person, made, cause=person.id, announce=True)

    def close_data_consumer(self, request: pb.DataConsumerRequest) -> None:
        person = self.person(request.actor.participant_id)
        if person.data_consumers.pop(request.data_consumer_id, None) is None:
            raise NotFound("you have no such data consumer")

    def _refuse_removed(self, request: pb.JoinRequest) -> None:
        for seat, removal in self.removed.items():
            by_identity = request.identity and removal.identity == request.identity
            by_token = request.token_id and removal.token_id == request.token_id
            if seat == request.seat or by_identity or by_token:
                raise Forbidden("a moderator removed you from this room")

    def _admit(self, request: pb.JoinRequest) -> FakePerson:
        if request.resume_only:
            raise Unauthorized("this room takes nobody without a token, and the seat has expired")
        kind = parse_kind(request.kind)
        alike = [p for p in self.people.values() if KINDS[parse_kind(p.kind)].counted is KINDS[kind].counted]
        most = self._settings.max_participants or 1_000 if KINDS[kind].counted else MOST_UNCOUNTED
        if len(alike) >= most:
            raise RoomFull(f"the room takes {most} like that")
        info = events_pb2.ParticipantInfo(
            participant_id=self._new_id(), display_name=request.display_name, kind=kind
        )
        person = FakePerson(
            info,
            seat=self._new_id(),
            connection_id=request.connection_id,
            watcher_id=request.watcher_id,
            identity=request.identity,
            token_id=request.token_id,
        )
        person.permit(request.permissions)
        self.people[person.id] = person
        self.emit(participant_joined=info, cause=person.id)
        return person

    def _resume(self, person: FakePerson, request: pb.JoinRequest) -> None:
        if request.identity:
            person.permit(request.permissions)
            person.token_id = request.token_id
        replaced, person.connection_id = person.connection_id, request.connection_id
        person.watcher_id, person.connection_of_watcher = request.watcher_id, None
        self._tell_back(person)
        if replaced is not None:
            event = events_pb2.ConnectionReplaced(participant_id=person.id, connection_id=replaced)
            self.emit(connection_replaced=event, recipient=person.id, reason="taken_over")

    def _joined(self, person: FakePerson, *, resumed: bool) -> pb.JoinResponse:
        return pb.JoinResponse(
            participant_id=person.id,
            seat=person.seat,
            resumed=resumed,
            reconnect_grace_seconds=30,
            event_number=self.number,
            participants=[other.info for other in self.people.values() if other is not person],
            self=person.own_state if resumed else None,
            permissions=sorted(person.permissions),
            identity=person.identity,
        )

    def _lose(self, watcher_id: str) -> None:
        for person in self.people.values():
            if person.connection_id is not None and person.watcher_id == watcher_id:
                person.connection_of_watcher, person.connection_id = person.connection_id, None

    def _regain(self, watcher_id: str) -> None:
        for person in self.people.values():
            if person.connection_of_watcher is not None and person.watcher_id == watcher_id:
                person.connection_id, person.connection_of_watcher = person.connection_of_watcher, None
                self._tell_back(person)

    def _tell_back(self, person: FakePerson) -> None:
        if person.info.connection_lost:
            person.info.connection_lost = False
            self._tell_connection(person, "back")

    def _tell_connection(self, person: FakePerson, state: str) -> None:
        change = events_pb2.ParticipantConnection(participant_id=person.id, state=state)
        self.emit(participant_connection=change)

    def _take_out(self, person: FakePerson, reason: str, *, cause: str | None) -> None:
        del self.people[person.id]
        left = events_pb2.ParticipantLeft(participant_id=person.id, reason=reason)
        self.emit(participant_left=left, cause=cause)
        for transport_id in list(person.transports):
            self._end_transport(person, transport_id, cause=person.id, announce=False)

    def _end_transport(self, person: FakePerson, transport_id: str, *, cause: str, announce: bool) -> None:
        person.consumers = {
            id: each for id, each in person.consumers.items() if each.transport_id != transport_id
        }
        for made in list(person.info.producers):
            if person.carriers[made.producer_id] == transport_id:
                self._end_producer(person, made, cause=cause, announce=announce)
        person.data_consumers = {
            id: each for id, each in person.data_consumers.items() if each.transport_id != transport_id
        }
        for channel in list(person.info.data_producers):
            if person.carriers[channel.data_producer_id] == transport_id:
                self._end_data_producer(person, channel, cause=cause, announce=announce)
        del person.transports[transport_id]

    def _end_producer(
        self, owner: FakePerson, made: events_pb2.ProducerInfo, *, cause: str, announce: bool
    ) -> None:
        owner.info.producers.remove(made)
        ref = events_pb2.ProducerRef(participant_id=owner.id, producer_id=made.producer_id)
        if announce:
            self.emit(producer_closed=ref, cause=cause)
        for person in self.people.values():
            for consumer_id, consumer in list(person.consumers.items()):
                if consumer.producer_id == made.producer_id:
                    del person.consumers[consumer_id]
                    closed = events_pb2.ConsumerClosed(consumer_id=consumer_id, producer_id=made.producer_id)
                    self.emit(consumer_closed=closed, recipient=person.id, cause=cause)

    def _end_data_producer(
        self, owner: FakePerson, made: events_pb2.DataProducerInfo, *, cause: str, announce: bool
    ) -> None:
        owner.info.data_producers.remove(made)
        id = made.data_producer_id
        if announce:
            ref = events_pb2.DataProducerRef(participant_id=owner.id, data_producer_id=id)
            self.emit(data_producer_closed=ref, cause=cause)
        for person in self.people.values():
            for consumer_id, consumer in list(person.data_consumers.items()):
                if consumer.producer_id == id:
                    del person.data_consumers[consumer_id]
                    closed = events_pb2.DataConsumerClosed(data_consumer_id=consumer_id, data_producer_id=id)
                    self.emit(data_consumer_closed=closed, recipient=person.id, cause=cause)

    def _owner_of(self, id: str, besides: FakePerson | None = None) -> FakePerson:
        for person in self.people.values():
            if id in person.carriers and person is not besides:
                return person
        raise NotFound("no such producer of another participant")


def _is_same(person: FakePerson, request: pb.JoinRequest) -> bool:
    """A token that is shown with a seat must be for who has it."""
    if not request.identity:
        return True
    return (request.identity, parse_kind(request.kind)) == (person.identity, person.kind)
