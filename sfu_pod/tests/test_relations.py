"""Relations against a plain model: whatever is added and ended in whatever order, all indexes agree."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotunda_contract.rtp import SctpStreamParameters
from rotunda_sfu.fake_node import FakeNode, FakeRoom, Person, microphone_parameters
from rotunda_sfu.publishing import ProduceDataOptions, ProduceOptions
from rotunda_sfu.relations import Relations
from rotunda_sfu.settings import Limits
from rotunda_sfu.table import Table

PEOPLE = 3
LIMITS = Limits(transports=100, producers=100, consumers=100, data_producers=100, data_consumers=100)
KINDS = ("transports", "producers", "consumers", "data_producers", "data_consumers")


@dataclass(eq=False)
class Node:
    """A thing and what it ends with, origin included."""

    kind: str
    thing: Any
    needs: tuple[Any, ...]


@dataclass
class Model:
    """The plainest that there is: one list, searched from the front."""

    nodes: list[Node] = field(default_factory=list)

    def end(self, thing: Any) -> None:
        self.nodes = [node for node in self.nodes if node.thing is not thing]
        for node in [each for each in self.nodes if any(need is thing for need in each.needs)]:
            self.end(node.thing)

    def of(self, kind: str, need: Any | None = None) -> list[Any]:
        return [
            node.thing
            for node in self.nodes
            if node.kind == kind and (need is None or any(each is need for each in node.needs))
        ]


class Walk:
    """Adds and ends things through the room's own verbs, and the same in the model."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.fake = FakeNode(limits=LIMITS)
        self.room: FakeRoom = self.fake.open()
        self.people = [self.room.join(f"person {number}") for number in range(PEOPLE)]
        self.relations: Relations = self.room.room.context.relations
        self.model = Model()
        self.made = 0

    def step(self) -> None:
        person = self.random.choice(self.people)
        self.random.choice([self.transport, self.produce, self.consume, self.data, self.end])(person)

    def transport(self, person: Person) -> None:
        make = self.random.choice([person.send_transport, person.recv_transport])
        self._add("transports", make(), person.participant)

    def produce(self, person: Person) -> None:
        for transport in self._one_transport(person, "send"):
            self.made += 1
            parameters = microphone_parameters(str(self.made), ssrc=self.made)
            producer = person.produce(ProduceOptions("audio", parameters), transport)
            self._add("producers", producer, person.participant, transport)

    def consume(self, person: Person) -> None:
        for transport in self._one_transport(person, "recv"):
            for producer in self._one(self._of_others("producers", person)):
                consumer = person.consume(producer, transport)
                self._add("consumers", consumer, person.participant, transport, producer)

    def data(self, person: Person) -> None:
        for transport in self._one_transport(person, "send"):
            options = ProduceDataOptions(SctpStreamParameters(stream_id=1), "label", "protocol")
            self._add(
                "data_producers", person.produce_data(options, transport), person.participant, transport
            )
        for transport in self._one_transport(person, "recv"):
            for producer in self._one(self._of_others("data_producers", person)):
                consumer = person.consume_data(producer.id, transport)
                self._add("data_consumers", consumer, person.participant, transport, producer)

    def end(self, person: Person) -> None:
        for node in self._one(self.model.nodes):
            person.close(node.thing)
            person.close(node.thing)  # Twice is allowed.
            self.model.end(node.thing)

    def check(self) -> None:
        for kind in KINDS:
            table: Table[Any, Any] = getattr(self.relations, kind)
            assert list(table) == self.model.of(kind)
            assert all(table.get(thing.id) is thing for thing in self.model.of(kind))
            for need in [*(each.participant for each in self.people), *(n.thing for n in self.model.nodes)]:
                assert list(table.of(need).values()) == self.model.of(kind, need)
        for node in self.model.nodes:
            assert getattr(self.relations, node.kind).origin(node.thing) is node.needs[0]
        worker = self.fake.worker
        for kind, alive in _worker_side(worker).items():
            assert sorted(alive) == sorted(thing.number for thing in self.model.of(kind))
        assert self.relations.is_empty is not bool(self.model.nodes)

    def _add(self, kind: str, thing: Any, *needs: Any) -> None:
        self.model.nodes.append(Node(kind, thing, needs))

    def _of_others(self, kind: str, person: Person) -> list[Any]:
        return [n.thing for n in self.model.nodes if n.kind == kind and n.needs[0] is not person.participant]

    def _one_transport(self, person: Person, direction: str) -> list[Any]:
        mine = self.model.of("transports", person.participant)
        return self._one([each for each in mine if each.direction == direction])

    def _one(self, things: Iterable[Any]) -> list[Any]:
        known = list(things)
        return [self.random.choice(known)] if known else []


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 60))
def test_all_indexes_agree_and_nothing_stays_behind(seed: int, steps: int) -> None:
    walk = Walk(seed)
    for _ in range(steps):
        walk.step()
        walk.check()
    for person in walk.people:
        walk.room.room.leave(person.participant.id)
        walk.model.end(person.participant)
        walk.check()
    assert walk.relations.is_empty


async def test_ending_a_transport_reports_in_the_order_in_which_things_end() -> None:
    room = FakeNode().open()
    ada, bob = room.join("Ada"), room.join("Bob")
    sending = ada.send_transport()
    sound, picture = ada.microphone(sending), ada.camera(sending)
    data = ada.produce_data(ProduceDataOptions(SctpStreamParameters(stream_id=1), "l", "p"), sending)
    for producer in (picture, sound):
        bob.consume(producer)
    bob.consume_data(data.id)
    await room.events()
    ada.session(sending).fail("gone")
    assert await room.event_names() == [
        "transport_closed",
        "producer_closed",
        "consumer_closed",
        "producer_closed",
        "consumer_closed",
        "data_producer_closed",
        "data_consumer_closed",
    ]


def test_what_is_gone_has_no_origin() -> None:
    table: Table[str, _Named] = Table()
    thing = _Named("a")
    with pytest.raises(KeyError):
        table.origin(thing)
    assert table.remove(thing) is None


@dataclass(frozen=True)
class _Named:
    id: str


def _worker_side(worker: Any) -> Mapping[str, Mapping[int, Any]]:
    return {
        "transports": worker.transports,
        "producers": worker.producers,
        "consumers": worker.consumers,
    }
