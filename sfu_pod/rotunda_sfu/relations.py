"""What depends on what in one room, the order in which it ends, and the events about that.

    origin ── transport ─┬─ producer ─────── consumer        which goes out by a transport of another origin
                         ├─ data producer ── data consumer   and so does this
                         ├─ consumer
                         └─ data consumer

Things know nothing of each other. Whatever ends one of them calls this module, which takes it out of every
index, ends what depends on it, and emits the events. The media worker wants consumers gone before their
producer, and both before their transport.
"""

from __future__ import annotations

from rotunda_contract.ids import (
    ConsumerId,
    DataConsumerId,
    DataProducerId,
    ParticipantId,
    ProducerId,
    TransportId,
)
from rotunda_contract.signaling.common import TransportDirection
from rotunda_sfu.consumer import Consumer
from rotunda_sfu.data_channel import DataConsumer, DataProducer
from rotunda_sfu.events import RoomEvents
from rotunda_sfu.origin import Origin
from rotunda_sfu.producer import Producer
from rotunda_sfu.table import Table
from rotunda_sfu.transports.transport import Transport, require


class Relations:
    """One room's transports, producers and consumers, and whose each of them is.

    Listens to transports and consumers. To end what has ended already does nothing. `cause` is who asked for
    it, and gets no event of it.
    """

    def __init__(self, events: RoomEvents) -> None:
        self._events = events
        self.transports: Table[TransportId, Transport] = Table()
        self.producers: Table[ProducerId, Producer] = Table()
        self.consumers: Table[ConsumerId, Consumer] = Table()
        self.data_producers: Table[DataProducerId, DataProducer] = Table()
        self.data_consumers: Table[DataConsumerId, DataConsumer] = Table()

    def origin_that_may(self, permission: str, transport: Transport, direction: TransportDirection) -> Origin:
        """Whose transport it is. Raises InvalidState for the other direction, Forbidden."""
        require(transport, direction)
        origin = self.transports.origin(transport)
        origin.require(permission)
        return origin

    def end_origin(self, origin: Origin) -> None:
        """Ends all that it has, without events about its producers: there is one that says that it left."""
        for transport in list(self.transports.of(origin).values()):
            self.end_transport(transport, cause=origin.id, announce=False)

    def end_transport(
        self,
        transport: Transport,
        *,
        cause: ParticipantId | None,
        reason: str | None = None,
        announce: bool = True,
    ) -> None:
        """Without `announce` there are events about consumers only."""
        if self.transports.remove(transport) is None:
            return
        for consumer in list(self.consumers.of(transport).values()):
            self.end_consumer(consumer, cause=cause, reason=reason)
        for producer in list(self.producers.of(transport).values()):
            self.end_producer(producer, cause=cause, reason=reason, announce=announce)
        for data_consumer in list(self.data_consumers.of(transport).values()):
            self.end_data_consumer(data_consumer, cause=cause, reason=reason)
        for data_producer in list(self.data_producers.of(transport).values()):
            self.end_data_producer(data_producer, cause=cause, reason=reason, announce=announce)
        transport.close()

    def end_producer(
        self,
        producer: Producer,
        *,
        cause: ParticipantId | None,
        reason: str | None = None,
        announce: bool = True,
    ) -> None:
        if (origin := self.producers.remove(producer)) is None:
            return
        if announce:
            self._events.producer_closed(origin.id, producer.id, cause, reason)
        for consumer in list(self.consumers.of(producer).values()):
            self.end_consumer(consumer, cause=cause, reason=reason)
        producer.close()

    def end_consumer(
        self, consumer: Consumer, *, cause: ParticipantId | None, reason: str | None = None
    ) -> None:
        """Its origin gets an event unless it asked for it."""
        if (origin := self.consumers.remove(consumer)) is None:
            return
        consumer.close()
        if cause != origin.id:
            self._events.consumer_closed(origin.id, consumer.id, consumer.producer_id, cause, reason)

    def end_data_producer(
        self,
        data_producer: DataProducer,
        *,
        cause: ParticipantId | None,
        reason: str | None = None,
        announce: bool = True,
    ) -> None:
        if (origin := self.data_producers.remove(data_producer)) is None:
            return
        data_producer.close()
        if announce:
            self._events.data_producer_closed(origin.id, data_producer.id, cause, reason)
        for data_consumer in list(self.data_consumers.of(data_producer).values()):
            self.end_data_consumer(data_consumer, cause=cause, reason=reason)

    def end_data_consumer(
        self, data_consumer: DataConsumer, *, cause: ParticipantId | None, reason: str | None = None
    ) -> None:
        """Its origin gets an event unless it asked for it."""
        if (origin := self.data_consumers.remove(data_consumer)) is None:
            return
        data_consumer.close()
        if cause != origin.id:
            self._events.data_consumer_closed(
                origin.id, data_consumer.id, data_consumer.data_producer_id, cause, reason
            )

    @property
    def is_empty(self) -> bool:
        """Nothing is left in any index."""
        tables = (
            self.transports,
            self.producers,
            self.consumers,
            self.data_producers,
            self.data_consumers,
        )
        return all(table.is_empty for table in tables)

    def on_transport_ended(self, transport: Transport, reason: str) -> None:
        if transport in self.transports:
            self._events.transport_closed(self.transports.origin(transport).id, transport.id, reason)
            self.end_transport(transport, cause=None, reason=reason)

    def on_data_limited(self, transport: Transport, refused: int, bytes_per_second: int) -> None:
        if transport in self.transports:
            origin = self.transports.origin(transport)
            self._events.data_limited(origin.id, transport.id, refused, bytes_per_second)

    def on_media_limited(self, transport: Transport, refused: int, max_video_kbps: int) -> None:
        if transport in self.transports:
            origin = self.transports.origin(transport)
            self._events.media_limited(origin.id, transport.id, refused, max_video_kbps)

    def on_data_consumer_ended(self, data_consumer: DataConsumerId, reason: str) -> None:
        if (ended := self.data_consumers.get(data_consumer)) is not None:
            self.end_data_consumer(ended, cause=None, reason=reason)

    def on_layers_changed(self, consumer: Consumer) -> None:
        if consumer in self.consumers:
            origin = self.consumers.origin(consumer)
            self._events.consumer_layers_changed(origin.id, consumer.id, consumer.layers)
