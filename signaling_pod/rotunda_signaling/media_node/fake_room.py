"""One room of the fake media node."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from rotunda_contract.errors import Forbidden, InvalidState, NotFound, RoomFull, Unauthorized, Unavailable
from rotunda_contract.pb import events_pb2
from rotunda_contract.pb import media_node_pb2 as pb


@dataclass(slots=True)
class FakeConsumer:
    producer_id: str
    paused: bool = True


@dataclass(slots=True)
class FakePerson:
    """A participant; `connection_id` is None while nobody sits in the seat."""

    info: events_pb2.ParticipantInfo
    seat: str
    connection_id: str | None
    identity: str = ""
    token_id: str = ""
    permissions: tuple[str, ...] = ()
    transports: dict[str, str] = field(default_factory=dict)
    connected: set[str] = field(default_factory=set)
    consumers: dict[str, FakeConsumer] = field(default_factory=dict)
    data_consumers: dict[str, str] = field(default_factory=dict)


class FakeRoom:
    """Seats, people and their things; numbers its events for all watchers."""

    def __init__(
        self, epoch: int, settings: pb.RoomSettings, new_id: Callable[[], str], uid: str = ""
    ) -> None:
        self.epoch = epoch
        self.uid = uid
        self.people: dict[str, FakePerson] = {}
        self.removed: dict[str, events_pb2.Removal] = {}
        """By seat."""
        self.number = 0
        self._settings = settings
        self._new_id = new_id
        self._watchers: dict[str, asyncio.Queue[events_pb2.RoomEvent | Exception | None]] = {}

    def emit(self, **event: Any) -> None:
        """Tells all watchers; the fields are those of RoomEvent."""
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
        self.emit(room_closed=events_pb2.RoomClosed(rejoin=rejoin), reason=reason)
        for queue in self._watchers.values():
            queue.put_nowait(None)

    async def watch(self, watcher_id: str) -> AsyncIterator[events_pb2.RoomEvent]:
        queue: asyncio.Queue[events_pb2.RoomEvent | Exception | None] = asyncio.Queue()
        snapshot = events_pb2.RoomSnapshot(
            participants=[person.info for person in self.people.values()], removed=self.removed.values()
        )
        self._watchers[watcher_id] = queue
        yield events_pb2.RoomEvent(number=self.number, snapshot=snapshot)
        while (event := await queue.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    def person(self, participant_id: str) -> FakePerson:
        person = self.people.get(participant_id)
        if person is None:
            raise NotFound(f"no participant {participant_id!r}")
        return person

    def join(self, request: pb.JoinRequest) -> pb.JoinResponse:
        self._refuse_removed(request)
        person = next((p for p in self.people.values() if p.seat == request.seat and request.seat), None)
        if person is not None and request.identity not in ("", person.identity):
            person = None
        resumed = person is not None
        if person is None:
            person = self._admit(request)
        elif person.connection_id not in (None, request.connection_id):
            replaced = events_pb2.ConnectionReplaced(
                participant_id=person.info.participant_id, connection_id=person.connection_id
            )
            self.emit(connection_replaced=replaced, recipient=person.info.participant_id)
        person.connection_id = request.connection_id
        if request.identity or not resumed:
            person.permissions = tuple(request.permissions)
            person.token_id = request.token_id
        others = [other.info for other in self.people.values() if other is not person]
        return pb.JoinResponse(
            participant_id=person.info.participant_id,
            seat=person.seat,
            resumed=resumed,
            reconnect_grace_seconds=30,
            event_number=self.number,
            participants=others,
            self=_own_state(person) if resumed else None,
            permissions=person.permissions,
            identity=person.identity,
        )

    def disconnect(self, participant_id: str, connection_id: str) -> None:
        person = self.people.get(participant_id)
        if person is not None and person.connection_id == connection_id:
            person.connection_id = None

    def expire_seats(self) -> None:
        """Everybody whose seat is empty is gone for good."""
        for person in list(self.people.values()):
            if person.connection_id is None:
                self.leave(person.info.participant_id, "disconnected")

    def leave(self, participant_id: str, reason: str) -> None:
        self.person(participant_id)
        del self.people[participant_id]
        left = events_pb2.ParticipantLeft(participant_id=participant_id, reason=reason)
        self.emit(participant_left=left, cause=participant_id)

    def remove(self, participant_id: str, reason: str) -> None:
        person = self.person(participant_id)
        removal = events_pb2.Removal(
            participant_id=participant_id, identity=person.identity, token_id=person.token_id
        )
        self.removed[person.seat] = removal
        removed = events_pb2.ParticipantRemoved(
            participant_id=participant_id, connection_id=person.connection_id or "", removal=removal
        )
        self.emit(participant_removed=removed, recipient=participant_id, reason=reason)
        del self.people[participant_id]
        self.emit(
            participant_left=events_pb2.ParticipantLeft(participant_id=participant_id, reason="removed")
        )

    def connect(self, request: pb.ConnectWebRtcTransportRequest) -> None:
        person = self.person(request.actor.participant_id)
        if request.transport_id not in person.transports:
            raise NotFound(f"you have no transport {request.transport_id!r}")
        if request.transport_id in person.connected:
            raise InvalidState("the transport is connected already")
        person.connected.add(request.transport_id)

    def produce(self, request: pb.ProduceRequest) -> str:
        person = self.person(request.actor.participant_id)
        made = events_pb2.ProducerInfo(
            producer_id=self._new_id(),
            kind=request.kind,
            source=request.source,
            paused=request.paused,
            app_data=request.app_data,
        )
        person.info.producers.append(made)
        self.emit(
            producer_added=events_pb2.ProducerAdded(participant_id=person.info.participant_id, producer=made),
            cause=person.info.participant_id,
        )
        return made.producer_id

    def pause(self, owner: str, producer_id: str, paused: bool) -> None:
        self._producer(owner, producer_id).paused = paused
        ref = events_pb2.ProducerRef(participant_id=owner, producer_id=producer_id)
        if paused:
            self.emit(producer_paused=ref, cause=owner)
        else:
            self.emit(producer_resumed=ref, cause=owner)

    def mute(self, producer_id: str, reason: str) -> None:
        owner, made = self._find(producer_id)
        made.paused = True
        ref = events_pb2.ProducerRef(participant_id=owner, producer_id=producer_id)
        self.emit(producer_paused=ref, reason=reason)

    def close_producer(self, owner: str, producer_id: str) -> None:
        self.person(owner).info.producers.remove(self._producer(owner, producer_id))
        ref = events_pb2.ProducerRef(participant_id=owner, producer_id=producer_id)
        self.emit(producer_closed=ref, cause=owner)
        for person in self.people.values():
            for consumer_id, consumer in list(person.consumers.items()):
                if consumer.producer_id == producer_id:
                    del person.consumers[consumer_id]
                    closed = events_pb2.ConsumerClosed(consumer_id=consumer_id, producer_id=producer_id)
                    self.emit(consumer_closed=closed, recipient=person.info.participant_id)

    def consume(self, request: pb.ConsumeRequest) -> pb.ConsumeResponse:
        owner, made = self._find(request.producer_id)
        consumer_id = self._new_id()
        person = self.person(request.actor.participant_id)
        person.consumers[consumer_id] = FakeConsumer(made.producer_id)
        answer = pb.ConsumeResponse(
            id=consumer_id,
            producer_id=made.producer_id,
            participant_id=owner,
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
        consumer = self.person(request.actor.participant_id).consumers.get(request.consumer_id)
        if consumer is None:
            raise NotFound(f"you have no consumer {request.consumer_id!r}")
        return consumer

    def close_consumer(self, request: pb.ConsumerRequest) -> None:
        self.consumer(request)
        del self.person(request.actor.participant_id).consumers[request.consumer_id]

    def produce_data(self, request: pb.ProduceDataRequest) -> str:
        person = self.person(request.actor.participant_id)
        made = events_pb2.DataProducerInfo(
            data_producer_id=self._new_id(),
            label=request.label,
            protocol=request.protocol,
            app_data=request.app_data,
        )
        person.info.data_producers.append(made)
        added = events_pb2.DataProducerAdded(participant_id=person.info.participant_id, data_producer=made)
        self.emit(data_producer_added=added, cause=person.info.participant_id)
        return made.data_producer_id

    def consume_data(self, request: pb.ConsumeDataRequest) -> pb.ConsumeDataResponse:
        made = self._find_data(request.data_producer_id)[1]
        consumer_id = self._new_id()
        self.person(request.actor.participant_id).data_consumers[consumer_id] = made.data_producer_id
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
        owner, made = self._find_data(request.data_producer_id)
        if owner != request.actor.participant_id:
            raise NotFound(f"you have no data producer {request.data_producer_id!r}")
        self.person(owner).info.data_producers.remove(made)
        ref = events_pb2.DataProducerRef(participant_id=owner, data_producer_id=request.data_producer_id)
        self.emit(data_producer_closed=ref, cause=owner)

    def close_data_consumer(self, request: pb.DataConsumerRequest) -> None:
        person = self.person(request.actor.participant_id)
        if person.data_consumers.pop(request.data_consumer_id, None) is None:
            raise NotFound(f"you have no data consumer {request.data_consumer_id!r}")

    def _refuse_removed(self, request: pb.JoinRequest) -> None:
        for seat, removal in self.removed.items():
            by_token = request.identity and removal.identity == request.identity
            if seat == request.seat or by_token:
                raise Forbidden("a moderator removed you from this room")

    def _admit(self, request: pb.JoinRequest) -> FakePerson:
        if request.resume_only:
            raise Unauthorized("this room takes nobody without a token, and the seat has expired")
        if len(self.people) >= (self._settings.max_participants or 1_000):
            raise RoomFull(f"the room takes {self._settings.max_participants} people")
        participant_id = self._new_id()
        info = events_pb2.ParticipantInfo(participant_id=participant_id, display_name=request.display_name)
        person = FakePerson(
            info, seat=self._new_id(), connection_id=request.connection_id, identity=request.identity
        )
        self.people[participant_id] = person
        self.emit(participant_joined=info, cause=participant_id)
        return person

    def _producer(self, owner: str, producer_id: str) -> events_pb2.ProducerInfo:
        for made in self.person(owner).info.producers:
            if made.producer_id == producer_id:
                return made
        raise NotFound(f"you have no producer {producer_id!r}")

    def _find(self, producer_id: str) -> tuple[str, events_pb2.ProducerInfo]:
        for owner, person in self.people.items():
            for made in person.info.producers:
                if made.producer_id == producer_id:
                    return owner, made
        raise NotFound(f"there is no producer {producer_id!r} in the room")

    def _find_data(self, data_producer_id: str) -> tuple[str, events_pb2.DataProducerInfo]:
        for owner, person in self.people.items():
            for made in person.info.data_producers:
                if made.data_producer_id == data_producer_id:
                    return owner, made
        raise NotFound(f"there is no data producer {data_producer_id!r} in the room")


def _own_state(person: FakePerson) -> pb.OwnState:
    return pb.OwnState(
        transports=[pb.OwnTransport(transport_id=id, direction=way) for id, way in person.transports.items()],
        producers=person.info.producers,
        consumers=[
            pb.OwnConsumer(consumer_id=id, producer_id=consumer.producer_id, paused=consumer.paused)
            for id, consumer in person.consumers.items()
        ],
        data_producers=[
            pb.OwnDataProducer(data_producer_id=made.data_producer_id, label=made.label)
            for made in person.info.data_producers
        ],
        data_consumers=[
            pb.OwnDataConsumer(data_consumer_id=id, data_producer_id=producer)
            for id, producer in person.data_consumers.items()
        ],
    )
