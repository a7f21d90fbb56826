"""A participant: somebody in a room, with or without a live connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from rotunda_contract.errors import BadRequest, Forbidden, NotFound
from rotunda_contract.ids import (
    ConnectionId,
    ConsumerId,
    DataConsumerId,
    DataProducerId,
    ParticipantId,
    ProducerId,
    SeatToken,
    TransportId,
    WatcherId,
)
from rotunda_contract.kinds import KINDS, KindRules
from rotunda_contract.pb import events_pb2
from rotunda_contract.signaling.common import ParticipantKind, TransportDirection
from rotunda_sfu.attributes import Attributes
from rotunda_sfu.connecting import open_transport
from rotunda_sfu.consumer import Consumer
from rotunda_sfu.context import RoomContext
from rotunda_sfu.data_channel import DataConsumer, DataProducer
from rotunda_sfu.producer import Producer
from rotunda_sfu.settings import Limits
from rotunda_sfu.transports.transport import Transport
from rotunda_sfu.transports.webrtc import WebRtcTransport

_K = TypeVar("_K")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Connection:
    """A client's connection and the watcher whose stream carries its events."""

    id: ConnectionId
    watcher: WatcherId


class Participant:
    """An `Origin`. Looking up what it does not have raises NotFound."""

    def __init__(
        self,
        room: RoomContext,
        *,
        display_name: str,
        permissions: Iterable[str],
        connection: Connection,
        kind: ParticipantKind = "person",
        identity: str = "",
        token_id: str = "",
    ) -> None:
        """`identity` and `token_id` are those of the token that let them in; guests have neither."""
        self.room = room
        self.id = ParticipantId(room.randomness.identifier())
        self.seat: SeatToken = room.randomness.seat()
        self.cname = room.randomness.identifier()
        self.kind = kind
        self.display_name = display_name
        self.identity = identity
        self.token_id = token_id
        self.permissions: frozenset[str] = frozenset()
        self.permit(permissions)
        self.connection: Connection | None = connection
        self.connection_lost = False
        """As the event about it says."""
        self.attributes = Attributes()

    @property
    def limits(self) -> Limits:
        return self.room.limits

    @property
    def transports(self) -> Mapping[TransportId, Transport]:
        return self.room.relations.transports.of(self)

    @property
    def producers(self) -> Mapping[ProducerId, Producer]:
        return self.room.relations.producers.of(self)

    @property
    def consumers(self) -> Mapping[ConsumerId, Consumer]:
        return self.room.relations.consumers.of(self)

    @property
    def data_producers(self) -> Mapping[DataProducerId, DataProducer]:
        return self.room.relations.data_producers.of(self)

    @property
    def data_consumers(self) -> Mapping[DataConsumerId, DataConsumer]:
        return self.room.relations.data_consumers.of(self)

    @property
    def info(self) -> events_pb2.ParticipantInfo:
        """What events and snapshots say of it."""
        return events_pb2.ParticipantInfo(
            participant_id=self.id,
            display_name=self.display_name,
            kind=self.kind,
            producers=[producer.info for producer in self.producers.values()],
            data_producers=[producer.info for producer in self.data_producers.values()],
            attributes=self.attributes,
            connection_lost=self.connection_lost,
        )

    @property
    def rules(self) -> KindRules:
        """What follows from the kind."""
        return KINDS[self.kind]

    def permit(self, permissions: Iterable[str]) -> None:
        """These and no others, as far as the kind may have them."""
        self.permissions = frozenset(permissions) & self.rules.grants

    def require_listed(self) -> None:
        """Raises Forbidden for a kind that the others do not see, and so has nothing to show."""
        if not self.rules.listed:
            raise Forbidden(f"the others do not see participants of kind {self.kind!r}")

    def require(self, permission: str) -> None:
        if permission not in self.permissions:
            raise Forbidden(f"this participant may not {permission}")

    def create_transport(self, direction: str) -> WebRtcTransport:
        """Raises BadRequest for an unknown direction, LimitExceeded for one too many."""
        make = partial(WebRtcTransport, self.room, _direction(direction))
        return open_transport(self.room, self, make)

    def transport(self, transport_id: str) -> Transport:
        return _mine(self.transports, TransportId(transport_id), "transport")

    def webrtc_transport(self, transport_id: str) -> WebRtcTransport:
        transport = self.transport(transport_id)
        if not isinstance(transport, WebRtcTransport):
            raise NotFound("you have no such WebRTC transport")
        return transport

    def producer(self, producer_id: str) -> Producer:
        return _mine(self.producers, ProducerId(producer_id), "producer")

    def consumer(self, consumer_id: str) -> Consumer:
        return _mine(self.consumers, ConsumerId(consumer_id), "consumer")

    def data_producer(self, data_producer_id: str) -> DataProducer:
        return _mine(self.data_producers, DataProducerId(data_producer_id), "data producer")

    def data_consumer(self, data_consumer_id: str) -> DataConsumer:
        return _mine(self.data_consumers, DataConsumerId(data_consumer_id), "data consumer")

    def close(self) -> None:
        """Ends all that it has, without an event about each: there is one that says that it left."""
        self.room.relations.end_origin(self)


def _direction(text: str) -> TransportDirection:
    if text == "send":
        return "send"
    if text == "recv":
        return "recv"
    raise BadRequest(f"must be send or recv, not {text!r}", field="direction")


def _mine(things: Mapping[_K, _T], key: _K, noun: str) -> _T:
    thing = things.get(key)
    if thing is None:
        raise NotFound(f"you have no such {noun}")
    return thing
