"""Data producers and consumers: SCTP streams from one participant to others."""

from __future__ import annotations

from google.protobuf.struct_pb2 import Struct

from rotunda_contract.errors import Forbidden, LimitExceeded, NotFound
from rotunda_contract.ids import DataConsumerId, DataProducerId, ParticipantId
from rotunda_contract.pb.events_pb2 import DataProducerInfo
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_sfu.transport import WebRtcTransport


class DataProducer:
    """One stream that a participant sends."""

    def __init__(
        self, transport: WebRtcTransport, label: str, protocol: str, app_data: Struct | None
    ) -> None:
        self.room = transport.room
        self.transport = transport
        self.owner = transport.owner
        self.id = DataProducerId(self.room.randomness.identifier())
        self.label = label
        self.protocol = protocol
        self.app_data = Struct(fields=app_data.fields if app_data else None)
        self.consumers: dict[DataConsumerId, DataConsumer] = {}

    @classmethod
    def create(
        cls,
        transport: WebRtcTransport,
        stream: SctpStreamParameters,
        *,
        label: str,
        protocol: str,
        app_data: Struct | None = None,
    ) -> DataProducer:
        """Starts one and tells the others.

        Raises InvalidState on a receiving transport, Forbidden without the permission to publish,
        LimitExceeded, and BadRequest for a stream that is out of range or in use.
        """
        transport.require("send")
        owner, room = transport.owner, transport.room
        if "publish" not in owner.permissions:
            raise Forbidden("this participant may not publish")
        if len(owner.data_producers) >= room.limits.data_producers:
            raise LimitExceeded(f"a participant has at most {room.limits.data_producers} data producers")
        producer = cls(transport, label, protocol, app_data)
        transport.session.add_data_producer(producer.id, stream)
        transport.data_producers[producer.id] = producer
        owner.data_producers[producer.id] = producer
        room.data_producers[producer.id] = producer
        room.events.data_producer_added(owner.id, producer.info)
        return producer

    @property
    def info(self) -> DataProducerInfo:
        return DataProducerInfo(
            data_producer_id=self.id, label=self.label, protocol=self.protocol, app_data=self.app_data
        )

    def close(self, *, cause: ParticipantId | None, reason: str | None = None, announce: bool = True) -> None:
        """Ends it and all its consumers, whose owners are told."""
        del self.transport.data_producers[self.id]
        del self.owner.data_producers[self.id]
        del self.room.data_producers[self.id]
        self.transport.session.remove_data_producer(self.id)
        if announce:
            self.room.events.data_producer_closed(self.owner.id, self.id, cause, reason)
        for consumer in list(self.consumers.values()):
            consumer.close(cause=cause, reason=reason)


class DataConsumer:
    """One data producer's messages on their way to one other participant."""

    def __init__(self, transport: WebRtcTransport, producer: DataProducer) -> None:
        self.room = transport.room
        self.transport = transport
        self.owner = transport.owner
        self.producer = producer
        self.id = DataConsumerId(self.room.randomness.identifier())
        self.stream = transport.session.add_data_consumer(self.id, producer.id)

    @classmethod
    def create(cls, transport: WebRtcTransport, data_producer_id: DataProducerId) -> DataConsumer:
        """Starts one, with its producer's reliability.

        Raises InvalidState on a sending transport, Forbidden without the permission to subscribe,
        NotFound for a data producer that is unknown, one's own or in another room, LimitExceeded.
        """
        transport.require("recv")
        owner, room = transport.owner, transport.room
        if "subscribe" not in owner.permissions:
            raise Forbidden("this participant may not subscribe")
        producer = room.data_producers.get(data_producer_id)
        if producer is None or producer.owner is owner:
            raise NotFound("no such data producer of another participant")
        if len(owner.data_consumers) >= room.limits.data_consumers:
            raise LimitExceeded(f"a participant has at most {room.limits.data_consumers} data consumers")
        consumer = cls(transport, producer)
        transport.data_consumers[consumer.id] = consumer
        owner.data_consumers[consumer.id] = consumer
        producer.consumers[consumer.id] = consumer
        return consumer

    def close(self, *, cause: ParticipantId | None, reason: str | None = None) -> None:
        """Ends it; its owner is told unless it asked for it."""
        del self.transport.data_consumers[self.id]
        del self.owner.data_consumers[self.id]
        del self.producer.consumers[self.id]
        self.transport.session.remove_data_consumer(self.id)
        if cause != self.owner.id:
            self.room.events.data_consumer_closed(self.owner.id, self.id, self.producer.id, cause, reason)
