"""What a consumer is learned to cost, and what becomes of Rooms with it."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotunda_contract.resources import CapacitySpec, MediaCluster, MediaNode, Room
from rotunda_kube import Key
from rotunda_operator.cache import World
from rotunda_operator.clock import Moment, now
from rotunda_operator.clusters.fleet import fleet_load
from rotunda_operator.clusters.scaling import scaling_step
from rotunda_operator.load import NodeReport
from rotunda_operator.load.cost import (
    LEAST_BITRATE,
    LEAST_CPU,
    MOST_BITRATE,
    MOST_CPU,
    REPORTS,
    USUAL,
    ConsumerCost,
    CostBook,
    is_explained,
    observation,
    own_cost,
    typical_cost,
    used_shares,
)
from rotunda_operator.placement import Placed, RoomRequest, Unplaceable, consumers_of, place

CAPACITY = CapacitySpec(egress_mbps=800, participants=500)
SMALL = CapacitySpec(egress_mbps=800, participants=50)
NODE = ("calls", "a")


def calls(rooms: int, people: int, *, cost: float = 0.0003, capacity: CapacitySpec = CAPACITY) -> NodeReport:
    """Of an honest node: so many rooms of so many people, half a Mbit/s for each consumer."""
    consumers = rooms * consumers_of(people)
    cpu, egress = min(consumers * cost, 1.0), consumers * 5e5
    present = {f"room-{index}": people for index in range(rooms)}
    most = max(cpu, egress / (capacity.egress_mbps * 1e6), rooms * people / capacity.participants)
    return NodeReport(
        utilization=most,
        cpu=cpu,
        egress_bitrate=egress,
        rooms=rooms,
        participants=rooms * people,
        consumers=consumers,
        room_participants=present,
    )


SICK = NodeReport(
    utilization=1.0, cpu=1.0, rooms=1, participants=3, consumers=12, room_participants={"room-0": 3}
)


def fleet(reports: dict[str, NodeReport], capacity: CapacitySpec, rounds: int = 20) -> tuple[World, Moment]:
    """A cluster whose nodes have reported this for a while."""
    world, moment = World(), now()
    spec = {
        "mediaNodes": {
            "min": 1,
            "max": 50,
            "capacity": {"egressMbps": capacity.egress_mbps, "participants": capacity.participants},
        }
    }
    metadata = {"name": "default", "namespace": "calls", "uid": "c", "generation": 1}
    world.set_cluster(MediaCluster.model_validate({"metadata": metadata, "spec": spec}))
    for name, report in reports.items():
        about = {"name": name, "namespace": "calls", "uid": name}
        world.set_node(
            MediaNode.model_validate({"metadata": about, "spec": {}, "status": {"phase": "Ready"}})
        )
        for index in range(report.rooms):
            world.set_room(_room(f"{name}-{index}", node=name), moment)
    for _ in range(rounds):
        for name, report in reports.items():
            world.report(Key("calls", name), report, moment)
    return world, moment


def room_of_ten(world: World, moment: Moment) -> Placed | Unplaceable:
    request = RoomRequest("big", "default", 10)
    return place(request, world.candidates(Key("calls", "default"), moment), rng=random.Random(1))


def added_nodes(world: World, moment: Moment) -> int:
    key = Key("calls", "default")
    load = fleet_load(world, key, moment)
    step = scaling_step(world.clusters[key], world.nodes_of(key), load, idle_since=None, now=0.0)
    return len(step.create)


def test_an_honest_fleet_of_small_calls_takes_a_room_of_ten_and_stays_as_large_as_it_is() -> None:
    world, moment = fleet({name: calls(2, 3, capacity=SMALL) for name in "abcd"}, SMALL)

    answer = room_of_ten(world, moment)

    assert isinstance(answer, Placed)
    assert answer.projected == pytest.approx(0.12 + 10 / 50)
    assert added_nodes(world, moment) == 0


def test_one_sick_node_makes_no_room_unplaceable_and_no_fleet_large() -> None:
    world, moment = fleet({"sick": SICK, "b": calls(2, 3), "c": calls(2, 3)}, CAPACITY)
    world.set_room(_room("waits"), moment)

    answer = room_of_ten(world, moment)

    assert isinstance(answer, Placed)
    assert answer.node in "bc"
    assert answer.projected < 0.3
    assert added_nodes(world, moment) == 0
    assert world.costs.unexplained(Key("calls", "sick"))
    assert not world.costs.unexplained(Key("calls", "b"))


def test_where_all_are_sick_one_node_is_added_for_a_room_and_not_fifty() -> None:
    world, moment = fleet({"sick": SICK, "ill": SICK}, CAPACITY)
    world.set_room(_room("waits"), moment)

    assert isinstance(room_of_ten(world, moment), Unplaceable)
    assert added_nodes(world, moment) == 2  # 2 full nodes at a target of 60 % want 4


def test_a_room_larger_than_any_node_asks_for_one() -> None:
    world, moment = fleet({"a": calls(100, 4)}, CAPACITY)
    world.set_room(_room("stadium", expectedParticipants=500, maxParticipants=500), moment)

    assert added_nodes(world, moment) <= 3


def test_the_cost_is_learned_a_node_and_a_resource() -> None:
    book = CostBook()
    for _ in range(REPORTS):
        book.record(("calls", "quick"), calls(50, 4, cost=0.0001), CAPACITY)
        book.record(("calls", "slow"), calls(50, 4, cost=0.0004), CAPACITY)

    quick, slow = book.of(("calls", "quick")), book.of(("calls", "slow"))

    assert quick.cpu == pytest.approx(0.0001, rel=0.1)
    assert slow.cpu == pytest.approx(0.0004, rel=0.1)
    assert quick.bitrate == slow.bitrate == pytest.approx(5e5, rel=0.1)
    unheard = book.of(("calls", "new"))
    assert quick.cpu <= unheard.cpu <= slow.cpu


def test_workers_share_the_cpu() -> None:
    report = replace(calls(50, 4), cpu=0.1, workers=4)
    seen = [observation(report, CAPACITY)] * REPORTS

    assert own_cost(seen, USUAL).cpu == pytest.approx(0.4 / 1200, rel=0.1)
    assert own_cost(seen, USUAL).shares(1200, 0, CAPACITY, workers=4).cpu == pytest.approx(0.1, rel=0.1)


def test_what_a_room_uses_of_a_node_is_shared_by_its_workers_too() -> None:
    def load(workers: int) -> float:
        world = World()
        template, capacity = {"workers": workers}, {"egressMbps": 1_000_000, "participants": 100_000}
        metadata = {"name": "default", "namespace": "calls"}
        spec = {"mediaNodes": {"template": template, "capacity": capacity}}
        world.set_cluster(MediaCluster.model_validate({"metadata": metadata, "spec": spec}))
        return world.room_load(Key("calls", "default"), 50)

    assert load(1) == pytest.approx(consumers_of(50) * USUAL.cpu)
    assert load(4) == pytest.approx(load(1) / 4)


def test_a_full_load_is_explained_by_many_consumers_by_people_or_by_bits_and_by_nothing_else() -> None:
    assert not is_explained(SICK, CAPACITY)
    assert is_explained(replace(SICK, consumers=1000), CAPACITY)
    assert is_explained(replace(SICK, participants=500), CAPACITY)
    assert is_explained(replace(SICK, consumers=300, egress_bitrate=8e8), CAPACITY)
    assert not is_explained(replace(SICK, egress_bitrate=8e8), CAPACITY)
    assert is_explained(replace(SICK, utilization=0.5), CAPACITY)


def test_a_node_is_sick_by_most_of_its_reports_and_well_again_likewise() -> None:
    book = CostBook()

    def after(report: NodeReport, times: int) -> bool:
        for _ in range(times):
            book.record(NODE, report, CAPACITY)
        return book.unexplained(NODE)

    assert not after(calls(2, 3), REPORTS)
    assert not after(SICK, REPORTS // 2)
    assert after(SICK, REPORTS // 2)
    assert not after(calls(2, 3), REPORTS)
    book.forget(NODE)
    assert not book.unexplained(NODE)


REPORT = st.builds(
    NodeReport,
    utilization=st.floats(0, 10),
    cpu=st.none() | st.floats(0, 10),
    workers=st.integers(1, 64),
    egress_bitrate=st.floats(0, 1e15),
    participants=st.integers(0, 10**6),
    consumers=st.integers(0, 10**6),
)
COST = st.builds(
    ConsumerCost, cpu=st.floats(LEAST_CPU, MOST_CPU), bitrate=st.floats(LEAST_BITRATE, MOST_BITRATE)
)


@given(reports=st.lists(REPORT, max_size=REPORTS), typical=COST)
def test_whatever_is_reported_the_cost_stays_plausible(
    reports: list[NodeReport], typical: ConsumerCost
) -> None:
    cost = own_cost([observation(report, CAPACITY) for report in reports], typical)

    assert LEAST_CPU <= cost.cpu <= MOST_CPU
    assert LEAST_BITRATE <= cost.bitrate <= MOST_BITRATE


@given(report=REPORT)
def test_what_is_used_is_at_most_everything(report: NodeReport) -> None:
    assert 0 <= used_shares(report, CAPACITY).most <= 1


@given(
    wild=st.lists(REPORT, max_size=REPORTS // 2),
    rooms=st.integers(1, 40),
    people=st.integers(3, 6),
    seed=st.integers(0, 99),
)
def test_fewer_than_half_of_the_reports_move_the_cost_no_further_than_honest_ones_lie(
    wild: list[NodeReport], rooms: int, people: int, seed: int
) -> None:
    honest = [calls(rooms, people, cost=cost) for cost in (0.0002, 0.0004)] * REPORTS
    reports = [*wild, *honest[: REPORTS - len(wild)]]
    random.Random(seed).shuffle(reports)

    cost = own_cost([observation(report, CAPACITY) for report in reports], USUAL)

    assert USUAL.cpu - 1e-9 <= cost.cpu <= 0.0004 + 1e-9


@given(wild=st.lists(COST, max_size=4), honest=st.floats(0.0001, 0.001))
def test_fewer_than_half_of_the_nodes_do_not_move_what_is_typical(
    wild: list[ConsumerCost], honest: float
) -> None:
    costs = [*wild, *[ConsumerCost(honest, 5e5)] * (len(wild) + 1)]

    assert typical_cost(costs) == ConsumerCost(honest, 5e5)


def _room(name: str, node: str = "", **spec: int) -> Room:
    status = (
        {"phase": "Active", "assignment": {"mediaNode": node, "epoch": 1}} if node else {"phase": "Pending"}
    )
    metadata = {"name": name, "namespace": "calls", "uid": name}
    return Room.model_validate({"metadata": metadata, "spec": spec, "status": status})
