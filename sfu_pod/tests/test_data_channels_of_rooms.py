"""Data producers and consumers, as far as rooms know them."""

import pytest

from rotunda_contract.errors import Forbidden, InvalidState, LimitExceeded, NotFound
from rotunda_contract.ids import DataProducerId
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_sfu.data_channel import DataProducer
from rotunda_sfu.fake_node import FakeNode, FakeRoom, Person
from rotunda_sfu.publishing import ProduceDataOptions
from rotunda_sfu.settings import Limits
from rotunda_sfu.transports.transport import Transport

STREAM = SctpStreamParameters(stream_id=7, ordered=False, max_retransmits=0)


def two(fake: FakeNode | None = None) -> tuple[FakeRoom, Person, Person]:
    room = (fake or FakeNode()).open()
    return room, room.join("Ada"), room.join("Bob")


def produce(person: Person, transport: Transport | None = None) -> DataProducer:
    return person.produce_data(ProduceDataOptions(STREAM, "cursor", "json"), transport)


async def test_a_data_producer_is_told_and_stands_in_the_snapshot() -> None:
    room, ada, _ = two()
    await room.events()
    producer = produce(ada)
    (event,) = await room.events()
    assert event.cause == ada.participant.id
    assert event.data_producer_added.data_producer.label == "cursor"
    assert [each.data_producer_id for each in ada.participant.info.data_producers] == [producer.id]


async def test_a_data_consumer_has_its_producer_s_reliability() -> None:
    _, ada, bob = two()
    producer = produce(ada)
    receiving = bob.recv_transport()
    consumer = bob.consume_data(producer.id, receiving)
    assert (consumer.stream.ordered, consumer.stream.max_retransmits) == (False, 0)
    assert bob.session(receiving).data_consumers == {consumer.id: producer.id}


async def test_closing_a_data_producer_closes_its_consumers() -> None:
    room, ada, bob = two()
    producer = produce(ada)
    receiving = bob.recv_transport()
    consumer = bob.consume_data(producer.id, receiving)
    await room.events()
    ada.close(producer)
    closed, consumer_closed = await room.events()
    assert closed.data_producer_closed.data_producer_id == producer.id
    assert consumer_closed.data_consumer_closed.data_consumer_id == consumer.id
    assert consumer_closed.recipient == bob.participant.id
    assert not bob.session(receiving).data_consumers


async def test_leaving_closes_data_consumers_without_telling_of_each_producer() -> None:
    room, ada, bob = two()
    bob.consume_data(produce(ada).id)
    await room.events()
    room.room.leave(ada.participant.id)
    assert await room.event_names() == ["participant_left", "data_consumer_closed"]


async def test_closing_one_s_own_data_consumer_is_told_to_nobody() -> None:
    room, ada, bob = two()
    consumer = bob.consume_data(produce(ada).id)
    await room.events()
    bob.close(bob.participant.data_consumer(consumer.id))
    assert await room.events() == []


async def test_a_consumer_too_slow_is_told() -> None:
    room, ada, bob = two()
    receiving = bob.recv_transport()
    consumer = bob.consume_data(produce(ada).id, receiving)
    await room.events()
    bob.session(receiving).listener.on_data_consumer_closed(consumer.id, "too slow")
    (event,) = await room.events()
    assert (event.recipient, event.reason) == (bob.participant.id, "too slow")
    assert event.data_consumer_closed.data_consumer_id == consumer.id


async def test_what_is_refused() -> None:
    room, ada, bob = two(FakeNode(limits=Limits(data_producers=1, data_consumers=1)))
    eve = room.join("Eve", permissions=[])
    producer = produce(ada)
    with pytest.raises(LimitExceeded):
        produce(ada)
    with pytest.raises(InvalidState):
        produce(bob, bob.recv_transport())
    with pytest.raises(Forbidden):
        produce(eve)
    with pytest.raises(Forbidden):
        eve.consume_data(producer.id)
    with pytest.raises(NotFound):
        bob.consume_data(DataProducerId("unknown"))
    with pytest.raises(NotFound):
        ada.consume_data(producer.id)
    with pytest.raises(InvalidState):
        bob.consume_data(producer.id, bob.send_transport())
    bob.consume_data(producer.id)
    with pytest.raises(LimitExceeded):
        bob.consume_data(producer.id)
