"""Rooms through long random walks, each from a written seed: nothing leaks, and no event is missing."""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import pytest

from rotunda_contract.errors import LimitExceeded, RoomFull
from rotunda_contract.ids import ConnectionId, WatcherId
from rotunda_contract.pb.events_pb2 import ParticipantInfo, ProducerInfo, RoomEvent, RoomSnapshot
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_sfu import publishing
from rotunda_sfu.consumer import Consumer
from rotunda_sfu.data_channel import DataConsumer, DataProducer
from rotunda_sfu.fake_node import FakeNode, Person
from rotunda_sfu.producer import Producer
from rotunda_sfu.publishing import ProduceDataOptions
from rotunda_sfu.relations import Relations
from rotunda_sfu.settings import Limits

STEPS = 600

T = TypeVar("T")


class Walk:
    """People who do what comes to their minds."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.fake = FakeNode(limits=Limits(transports=4, producers=6, consumers=20), seed=seed)
        self.room = self.fake.open(max_participants=6)
        self.connections = 0

    @property
    def relations(self) -> Relations:
        return self.room.room.context.relations

    @property
    def people(self) -> list[Person]:
        return [Person(self.fake, each) for each in self.room.room.participants.values()]

    def step(self) -> None:
        acts: list[Callable[[], object]] = [
            *[self.join] * 4, self.resume, self.disconnect, self.wait, self.leave_or_be_removed,
            self.change_attributes, self.react,
            *[self.produce, self.consume, self.produce_data, self.consume_data] * 3,
            self.pause_or_resume, self.close_something, self.close_transport, self.fail_transport, self.speak,
        ]  # fmt: skip
        with suppress(LimitExceeded, RoomFull):
            self.random.choice(acts)()

    def join(self) -> None:
        self.connections += 1
        self.room.join(f"person {self.connections}")

    def resume(self) -> None:
        for person in self._somebody():
            self.connections += 1
            self.room.join("again", connection=f"again {self.connections}", seat=person.participant.seat)

    def disconnect(self) -> None:
        for person in self._somebody():
            held = person.participant.connection
            connection = held.id if held else ConnectionId("none")
            self.room.room.disconnect(person.participant.id, connection)

    def change_attributes(self) -> None:
        for person in self._somebody():
            names = [self.random.choice("abc") for _ in range(2)]
            changes = {name: self.random.choice([None, "1", "2"]) for name in names}
            self.room.room.set_attributes(person.participant.id, changes)

    def react(self) -> None:
        for person in self._somebody():
            self.room.room.react(person.participant.id, "heart")

    def wait(self) -> None:
        self.fake.clock.advance(self.random.uniform(0, 20))

    def leave_or_be_removed(self) -> None:
        for person in self._somebody():
            if self.random.random() < 0.5:
                self.room.room.leave(person.participant.id)
            else:
                self.room.room.remove(person.participant.id, "moderated")

    def produce(self) -> None:
        for person in self._somebody():
            (person.camera if self.random.random() < 0.5 else person.microphone)()

    def consume(self) -> None:
        for person in self._somebody():
            producers = self.relations.producers
            others = [each for each in producers if producers.origin(each) is not person.participant]
            if others:
                person.consume(self.random.choice(others))

    def produce_data(self) -> None:
        for person in self._somebody():
            stream = SctpStreamParameters(stream_id=1)
            person.produce_data(ProduceDataOptions(stream, "l", "p"))

    def consume_data(self) -> None:
        for person in self._somebody():
            producers = self.relations.data_producers
            others = [each for each in producers if producers.origin(each) is not person.participant]
            if others:
                person.consume_data(self.random.choice(others).id)

    def pause_or_resume(self) -> None:
        room = self.room.room.context
        for producer in self._one_of(list(self.relations.producers)):
            if producer.paused:
                publishing.resume(room, producer)
            else:
                owner = self.relations.producers.origin(producer).id
                publishing.pause(room, producer, cause=self.random.choice([None, owner]), reason="why not")

    def close_something(self) -> None:
        for person in self._somebody():
            mine = person.participant
            things: list[Producer | Consumer | DataProducer | DataConsumer] = [
                *mine.producers.values(),
                *mine.consumers.values(),
                *mine.data_producers.values(),
                *mine.data_consumers.values(),
            ]
            for thing in self._one_of(things):
                person.close(thing)

    def close_transport(self) -> None:
        for person in self._somebody():
            for transport in self._one_of(list(person.participant.transports.values())):
                person.close(transport)

    def fail_transport(self) -> None:
        for person in self._somebody():
            for transport in self._one_of(list(person.participant.transports.values())):
                person.session(transport).fail("the peer went away")

    def speak(self) -> None:
        producers = [each.number for each in self.relations.producers]
        self.fake.worker.speak(self.room.room.context.router, self.random.choice([None, *producers]))

    def check_nothing_leaks(self) -> None:
        """The worker, the sessions and the room agree on what there is."""
        people = self.room.room.participants.values()
        worker = self.fake.worker
        assert worker.transports.keys() == {t.number for p in people for t in p.transports.values()}
        assert worker.producers.keys() == {t.number for p in people for t in p.producers.values()}
        assert worker.consumers.keys() == {t.number for p in people for t in p.consumers.values()}
        sessions = [each for each in self.fake.sessions.opened.values() if not each.closed]
        assert {d for each in sessions for d in each.data_producers} == {
            d for p in people for d in p.data_producers
        }
        assert {d for each in sessions for d in each.data_consumers} == {
            d for p in people for d in p.data_consumers
        }
        absent = [person for person in people if person.connection is None]
        untold = [person for person in absent if not person.connection_lost]
        assert not [person for person in people if person.connection and person.connection_lost]
        unconnected = [each for each in sessions if each.remote is None]
        assert self.fake.clock.pending == len(absent) + len(untold) + len(unconnected)

    def _somebody(self) -> list[Person]:
        return self._one_of(self.people)

    def _one_of(self, things: list[T]) -> list[T]:
        return [self.random.choice(things)] if things else []


class Follower:
    """A room as somebody knows it who has only read its events."""

    def __init__(self, snapshot: RoomSnapshot) -> None:
        self.speaker = snapshot.active_speaker
        self.people = {each.participant_id: each for each in snapshot.participants}
        self.removed = list(snapshot.removed)

    def follow(self, event: RoomEvent) -> None:
        match event.WhichOneof("event"):
            case "participant_joined":
                self.people[event.participant_joined.participant_id] = event.participant_joined
            case "participant_left":
                del self.people[event.participant_left.participant_id]
            case "participant_removed":
                self.removed.append(event.participant_removed.removal)
            case "active_speaker":
                self.speaker = event.active_speaker.participant_id
            case "participant_updated" | "participant_connection":
                self._follow_person(event)
            case _:
                self._follow_producers(event)

    def _follow_person(self, event: RoomEvent) -> None:
        match event.WhichOneof("event"):
            case "participant_updated":
                attributes = self.people[event.participant_updated.participant_id].attributes
                for change in event.participant_updated.attributes:
                    attributes.pop(change.name, None)
                    if change.HasField("value"):
                        attributes[change.name] = change.value
            case "participant_connection":
                connection = event.participant_connection
                info = self.people[connection.participant_id]
                assert info.connection_lost == (connection.state == "back")  # never twice the same
                info.connection_lost = connection.state == "lost"

    def _follow_producers(self, event: RoomEvent) -> None:
        match event.WhichOneof("event"):
            case "producer_added":
                added = event.producer_added
                self.people[added.participant_id].producers.append(added.producer)
            case "producer_paused":
                ref = event.producer_paused
                _producer(self.people[ref.participant_id], ref.producer_id).paused = True
            case "producer_resumed":
                ref = event.producer_resumed
                _producer(self.people[ref.participant_id], ref.producer_id).paused = False
            case "producer_closed":
                info = self.people[event.producer_closed.participant_id]
                info.producers.remove(_producer(info, event.producer_closed.producer_id))
            case "data_producer_added":
                data_added = event.data_producer_added
                self.people[data_added.participant_id].data_producers.append(data_added.data_producer)
            case "data_producer_closed":
                info = self.people[event.data_producer_closed.participant_id]
                wanted = event.data_producer_closed.data_producer_id
                info.data_producers.remove(*[d for d in info.data_producers if d.data_producer_id == wanted])

    def snapshot(self) -> RoomSnapshot:
        return RoomSnapshot(
            participants=self.people.values(), active_speaker=self.speaker, removed=self.removed
        )


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_leaks_and_deltas_lead_where_snapshots_are(seed: int) -> None:
    walk = Walk(seed)
    first = await anext(walk.room.watch)
    follower, number = Follower(first.snapshot), first.number
    for _ in range(STEPS):
        walk.step()
        walk.check_nothing_leaks()
        for event in await walk.room.events():
            number += 1
            assert event.number == number
            follower.follow(RoomEvent.FromString(event.SerializeToString()))
    assert number > STEPS / 4  # things did happen
    now = (await anext(walk.room.room.watch(WatcherId("late")))).snapshot
    if not now.HasField("active_speaker"):
        now.active_speaker = ""
    assert follower.snapshot() == now
    for person in walk.people:
        walk.room.room.leave(person.participant.id)
    walk.check_nothing_leaks()
    assert walk.relations.is_empty


def _producer(info: ParticipantInfo, producer_id: str) -> ProducerInfo:
    (found,) = [each for each in info.producers if each.producer_id == producer_id]
    return found
