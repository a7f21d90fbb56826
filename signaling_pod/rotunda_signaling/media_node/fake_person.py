"""A participant of the fake media node and what is theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rotunda_contract.errors import Forbidden, InvalidState, LimitExceeded, NotFound
from rotunda_contract.kinds import KINDS, parse_kind
from rotunda_contract.pb import events_pb2
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.signaling.common import MAX_ATTRIBUTES


@dataclass(slots=True)
class FakeTransport:
    """`direction` is "send" or "recv", as its client sees it."""

    direction: str
    connected: bool = False


@dataclass(slots=True)
class FakeConsumer:
    """Of a producer or of a data producer, which has no use for `paused`."""

    producer_id: str
    transport_id: str
    paused: bool = True


@dataclass(slots=True)
class FakePerson:
    """A participant. `connection_id` is None while no connection holds the seat.

    `watcher_id` is that of the connection, or of the last one. `connection_of_watcher` is the connection
    that holds the seat again once its watcher is back.
    """

    info: events_pb2.ParticipantInfo
    seat: str
    connection_id: str | None
    watcher_id: str = ""
    identity: str = ""
    token_id: str = ""
    permissions: tuple[str, ...] = ()
    connection_of_watcher: str | None = None
    transports: dict[str, FakeTransport] = field(default_factory=dict)
    carriers: dict[str, str] = field(default_factory=dict)
    """Which transport each producer and data producer uses."""
    consumers: dict[str, FakeConsumer] = field(default_factory=dict)
    data_consumers: dict[str, FakeConsumer] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.info.participant_id

    @property
    def kind(self) -> str:
        return self.info.kind

    def permit(self, permissions: Iterable[str]) -> None:
        """As far as the kind may have them."""
        most = KINDS[parse_kind(self.kind)].grants
        self.permissions = tuple(each for each in permissions if each in most)

    def check_listed(self) -> None:
        """Raises Forbidden for a kind that the others do not see."""
        if not KINDS[parse_kind(self.kind)].listed:
            raise Forbidden(f"the others do not see participants of kind {self.kind!r}")

    def transport(self, transport_id: str) -> FakeTransport:
        """Raises NotFound."""
        transport = self.transports.get(transport_id)
        if transport is None:
            raise NotFound("you have no such transport")
        return transport

    def check_may(self, permission: str, transport_id: str, direction: str) -> None:
        """Raises NotFound, InvalidState for a transport of the other direction, Forbidden."""
        if self.transport(transport_id).direction != direction:
            raise InvalidState(f"this needs a transport of direction {direction}")
        if permission not in self.permissions:
            raise Forbidden(f"this participant may not {permission}")

    def producer(self, producer_id: str) -> events_pb2.ProducerInfo:
        """Raises NotFound."""
        for made in self.info.producers:
            if made.producer_id == producer_id:
                return made
        raise NotFound("you have no such producer")

    def data_producer(self, data_producer_id: str) -> events_pb2.DataProducerInfo:
        """Raises NotFound."""
        for made in self.info.data_producers:
            if made.data_producer_id == data_producer_id:
                return made
        raise NotFound("you have no such data producer")

    def consumer(self, consumer_id: str) -> FakeConsumer:
        """Raises NotFound."""
        consumer = self.consumers.get(consumer_id)
        if consumer is None:
            raise NotFound("you have no such consumer")
        return consumer

    def change_attributes(
        self, changes: Sequence[events_pb2.AttributeChange]
    ) -> list[events_pb2.AttributeChange]:
        """Merges; the answer is what is different now. Raises LimitExceeded."""
        before = dict(self.info.attributes)
        merged = dict(before)
        for change in changes:
            merged.pop(change.name, None)
            if change.HasField("value"):
                merged[change.name] = change.value
        if len(merged) > MAX_ATTRIBUTES:
            raise LimitExceeded(f"attributes: a participant has at most {MAX_ATTRIBUTES}: remove some first")
        self.info.attributes.clear()
        self.info.attributes.update(merged)
        return [change for change in changes if before.get(change.name) != merged.get(change.name)]

    @property
    def own_state(self) -> pb.OwnState:
        """The own state of a participant who has resumed, for the answer to `join`."""
        return pb.OwnState(
            transports=[
                pb.OwnTransport(transport_id=id, direction=transport.direction)
                for id, transport in self.transports.items()
            ],
            producers=self.info.producers,
            consumers=[
                pb.OwnConsumer(consumer_id=id, producer_id=consumer.producer_id, paused=consumer.paused)
                for id, consumer in self.consumers.items()
            ],
            data_producers=[
                pb.OwnDataProducer(data_producer_id=made.data_producer_id, label=made.label)
                for made in self.info.data_producers
            ],
            data_consumers=[
                pb.OwnDataConsumer(data_consumer_id=id, data_producer_id=consumer.producer_id)
                for id, consumer in self.data_consumers.items()
            ],
            attributes=self.info.attributes,
        )
