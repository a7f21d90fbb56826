"""What an origin receives: who may receive what."""

from __future__ import annotations

from rotunda_contract.errors import LimitExceeded, NotFound, Unsupported
from rotunda_contract.ids import ConsumerId, DataConsumerId, DataProducerId, ProducerId
from rotunda_contract.rtp import RtpCapabilities
from rotunda_sfu import ortc
from rotunda_sfu.consumer import Consumer
from rotunda_sfu.context import RoomContext
from rotunda_sfu.data_channel import DataConsumer
from rotunda_sfu.transports.transport import Transport


def consume(
    room: RoomContext, transport: Transport, producer_id: ProducerId, capabilities: RtpCapabilities
) -> Consumer:
    """Starts a consumer, paused.

    Raises InvalidState on a sending transport, Forbidden without the permission to subscribe,
    NotFound for a producer that is unknown, one's own or in another room, LimitExceeded, and
    Unsupported where the client cannot take what the producer sends.
    """
    relations = room.relations
    origin = relations.origin_that_may("subscribe", transport, "recv")
    producer = relations.producers.get(producer_id)
    if producer is None or relations.producers.origin(producer) is origin:
        raise NotFound("no such producer of another participant")
    most = origin.limits.consumers
    if len(relations.consumers.of(origin)) >= most:
        raise LimitExceeded(f"a participant has at most {most} consumers; close one first")
    if not ortc.can_consume(producer.consumable, capabilities):
        raise Unsupported("rtpCapabilities: no codec that this producer sends")
    consumer = Consumer(
        room.worker,
        ConsumerId(room.randomness.identifier()),
        producer,
        capabilities=capabilities,
        numbers=transport.numbers,
        listener=relations,
    )
    consumer.start(producer=producer.number, transport=transport.number)
    relations.consumers.add(consumer, origin, transport, producer)
    return consumer


def consume_data(room: RoomContext, transport: Transport, data_producer_id: DataProducerId) -> DataConsumer:
    """Starts a data consumer.

    Raises InvalidState on a sending transport, Forbidden without the permission to subscribe,
    NotFound for a data producer that is unknown, one's own or in another room, LimitExceeded.
    """
    relations = room.relations
    origin = relations.origin_that_may("subscribe", transport, "recv")
    producer = relations.data_producers.get(data_producer_id)
    if producer is None or relations.data_producers.origin(producer) is origin:
        raise NotFound("no such data producer of another participant")
    most = origin.limits.data_consumers
    if len(relations.data_consumers.of(origin)) >= most:
        raise LimitExceeded(f"a participant has at most {most} data consumers")
    consumer = DataConsumer(transport.data_streams, DataConsumerId(room.randomness.identifier()), producer.id)
    relations.data_consumers.add(consumer, origin, transport, producer)
    return consumer
