"""Data producers and consumers, as far as rooms know them."""

import pytest

from rotunda_contract.errors import Forbidden, InvalidState, LimitExceeded, NotFound
from rotunda_contract.ids import DataProducerId
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_sfu.data_channel import DataConsumer, DataProducer
from rotunda_sfu.fake_node import FakeNode, FakeRoom, Person
from rotunda_sfu.settings import Limits
from rotunda_sfu.transport import WebRtcTransport

STREAM = SctpStreamParameters(stream_id=7, ordered=False, max_retransmits=0)


def two(fake: FakeNode | None = None) -> tuple[FakeRoom, Person, Person]:
    room = (fake or FakeNode()).open()
    return room, room.join("Ada"), room.join("Bob")


def produce(transport: WebRtcTransport) -> DataProducer:
    return DataProducer.create(transport, STREAM, label="cursor", protocol="json")


async def test_a_data_producer_is_told_and_stands_in_the_snapshot() -> None:
    room, ada, _ = two()
    await room.events()
    producer = produce(ada.send_transport())
    (event,) = await room.events()
    assert event.cause == ada.participant.id
    assert event.data_producer_added.data_producer.label == "cursor"
    assert [each.data_producer_id for each in ada.participant.info.data_producers] == [producer.id]


async def test_a_data_consumer_has_its_producer_s_reliability() -> None:
    _, ada, bob = two()
    producer = produce(ada.send_transport())
    consumer = DataConsumer.create(bob.recv_transport(), producer.id)
    assert (consumer.stream.ordered, consumer.stream.max_retransmits) == (False, 0)
    assert bob.session(consumer.transport).data_consumers == {consumer.id: producer.id}


async def test_closing_a_data_producer_closes_its_consumers() -> None:
    room, ada, bob = two()
    producer = produce(ada.send_transport())
    consumer = DataConsumer.create(bob.recv_transport(), producer.id)
    await room.events()
    producer.close(cause=ada.participant.id)
    closed, consumer_closed = await room.events()
    assert closed.data_producer_closed.data_producer_id == producer.id
    assert consumer_closed.data_consumer_closed.data_consumer_id == consumer.id
    assert consumer_closed.recipient == bob.participant.id
    assert not bob.session(consumer.transport).data_consumers


async def test_leaving_closes_data_consumers_without_telling_of_each_producer() -> None:
    room, ada, bob = two()
    DataConsumer.create(bob.recv_transport(), produce(ada.send_transport()).id)
    await room.events()
    room.room.leave(ada.participant.id)
    assert await room.news() == ["participant_left", "data_consumer_closed"]


async def test_closing_one_s_own_data_consumer_is_told_to_nobody() -> None:
    room, ada, bob = two()
    consumer = DataConsumer.create(bob.recv_transport(), produce(ada.send_transport()).id)
    await room.events()
    bob.participant.data_consumer(consumer.id).close(cause=bob.participant.id)
    assert await room.events() == []


async def test_a_consumer_too_slow_is_told() -> None:
    room, ada, bob = two()
    consumer = DataConsumer.create(bob.recv_transport(), produce(ada.send_transport()).id)
    await room.events()
    bob.session(consumer.transport).listener.on_data_consumer_closed(consumer.id, "too slow")
    (event,) = await room.events()
    assert (event.recipient, event.reason) == (bob.participant.id, "too slow")
    assert event.data_consumer_closed.data_consumer_id == consumer.id


async def test_what_is_refused() -> None:
    room, ada, bob = two(FakeNode(limits=Limits(data_producers=1, data_consumers=1)))
    eve = room.join("Eve", permissions=[])
    producer = produce(ada.send_transport())
    with pytest.raises(LimitExceeded):
        produce(ada.send_transport())
    with pytest.raises(InvalidState):
        produce(bob.recv_transport())
    with pytest.raises(Forbidden):
        produce(eve.send_transport())
    with pytest.raises(Forbidden):
        DataConsumer.create(eve.recv_transport(), producer.id)
    with pytest.raises(NotFound):
        DataConsumer.create(bob.recv_transport(), DataProducerId("unknown"))
    with pytest.raises(NotFound):
        DataConsumer.create(ada.recv_transport(), producer.id)
    with pytest.raises(InvalidState):
        DataConsumer.create(bob.send_transport(), producer.id)
    DataConsumer.create(bob.recv_transport(), producer.id)
    with pytest.raises(LimitExceeded):
        DataConsumer.create(bob.recv_transport(), producer.id)
