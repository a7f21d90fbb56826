"""Learning what a consumer costs, and what placement and autoscaling make of it."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotunda_contract.resources import CapacitySpec, MediaCluster, MediaNode, Room
from rotunda_kube import Key
from rotunda_operator.cache import Cache
from rotunda_operator.clock import Instant, system_clock
from rotunda_operator.clusters.fleet import fleet_load
from rotunda_operator.clusters.scaling import scaling_step
from rotunda_operator.load import NodeReport
from rotunda_operator.load.cost import (
    DEFAULT_COST,
    MAX_BITRATE,
    MAX_CPU,
    MAX_REPORTS,
    MIN_BITRATE,
    MIN_CPU,
    ConsumerCost,
    CostModel,
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


UNEXPLAINED = NodeReport(
    utilization=1.0, cpu=1.0, rooms=1, participants=3, consumers=12, room_participants={"room-0": 3}
)


def fleet(reports: dict[str, NodeReport], capacity: CapacitySpec, rounds: int = 20) -> tuple[Cache, Instant]:
    """A cluster whose nodes have reported this for a while."""
    cache, now = Cache(), system_clock()
    spec = {
        "mediaNodes": {
            "min": 1,
            "max": 50,
            "capacity": {"egressMbps": capacity.egress_mbps, "participants": capacity.participants},
        }
    }
    metadata = {"name": "default", "namespace": "calls", "uid": "c", "generation": 1}
    cache.set_cluster(MediaCluster.model_validate({"metadata": metadata, "spec": spec}))
    for name, report in reports.items():
        about = {"name": name, "namespace": "calls", "uid": name}
        cache.set_node(
            MediaNode.model_validate({"metadata": about, "spec": {}, "status": {"phase": "Ready"}})
        )
        for index in range(report.rooms):
            cache.set_room(_room(f"{name}-{index}", node=name), now)
    for _ in range(rounds):
        for name, report in reports.items():
            cache.record_report(Key("calls", name), report, now)
    return cache, now


def room_of_ten(cache: Cache, now: Instant) -> Placed | Unplaceable:
    request = RoomRequest("big", "default", 10)
    return place(request, cache.candidates(Key("calls", "default"), now), rng=random.Random(1))


def added_nodes(cache: Cache, now: Instant) -> int:
    key = Key("calls", "default")
    load = fleet_load(cache, key, now)
    step = scaling_step(cache.clusters[key], cache.nodes_of(key), load, idle_since=None, now=0.0)
    return len(step.create)


def test_an_honest_fleet_of_small_calls_takes_a_room_of_ten_and_stays_as_large_as_it_is() -> None:
    cache, now = fleet({name: calls(2, 3, capacity=SMALL) for name in "abcd"}, SMALL)

    answer = room_of_ten(cache, now)

    assert isinstance(answer, Placed)
    assert answer.projected == pytest.approx(0.12 + 10 / 50)
    assert added_nodes(cache, now) == 0


def test_one_unexplained_load_neither_blocks_placement_nor_grows_the_fleet() -> None:
    cache, now = fleet({"odd": UNEXPLAINED, "b": calls(2, 3), "c": calls(2, 3)}, CAPACITY)
    cache.set_room(_room("waits"), now)

    answer = room_of_ten(cache, now)

    assert isinstance(answer, Placed)
    assert answer.node in "bc"
    assert answer.projected < 0.3
    assert added_nodes(cache, now) == 0
    assert cache.costs.is_unexplained(Key("calls", "odd"))
    assert not cache.costs.is_unexplained(Key("calls", "b"))


def test_unexplained_loads_of_all_nodes_do_not_grow_the_fleet_without_bound() -> None:
    cache, now = fleet({"odd": UNEXPLAINED, "odd-too": UNEXPLAINED}, CAPACITY)
    cache.set_room(_room("waits"), now)

    assert isinstance(room_of_ten(cache, now), Unplaceable)
    assert added_nodes(cache, now) == 2  # 2 full nodes at a target of 60 % want 4


def test_a_room_larger_than_any_node_asks_for_one() -> None:
    cache, now = fleet({"a": calls(100, 4)}, CAPACITY)
    cache.set_room(_room("stadium", expectedParticipants=500, maxParticipants=500), now)

    assert added_nodes(cache, now) <= 3


def test_the_cost_is_learned_a_node_and_a_resource() -> None:
    model = CostModel()
    for _ in range(MAX_REPORTS):
        model.record(("calls", "quick"), calls(50, 4, cost=0.0001), CAPACITY)
        model.record(("calls", "slow"), calls(50, 4, cost=0.0004), CAPACITY)

    quick, slow = model.of(("calls", "quick")), model.of(("calls", "slow"))

    assert quick.cpu == pytest.approx(0.0001, rel=0.1)
    assert slow.cpu == pytest.approx(0.0004, rel=0.1)
    assert quick.bitrate == slow.bitrate == pytest.approx(5e5, rel=0.1)
    unknown = model.of(("calls", "new"))
    assert quick.cpu <= unknown.cpu <= slow.cpu


def test_the_fewer_consumers_a_node_has_the_more_the_typical_cost_weighs() -> None:
    def cost(rooms: int) -> float:
        expensive = calls(rooms, 4, cost=0.001)
        return own_cost([observation(expensive, CAPACITY)] * MAX_REPORTS, DEFAULT_COST).cpu

    assert cost(4) == pytest.approx((0.001 * 96 + DEFAULT_COST.cpu * 100) / 196)
    assert cost(1) < cost(4) < cost(40) < 0.001


def test_workers_share_the_cpu() -> None:
    report = replace(calls(50, 4), cpu=0.1, workers=4)
    seen = [observation(report, CAPACITY)] * MAX_REPORTS

    assert own_cost(seen, DEFAULT_COST).cpu == pytest.approx(0.4 / 1200, rel=0.1)
    assert own_cost(seen, DEFAULT_COST).shares(1200, 0, CAPACITY, workers=4).cpu == pytest.approx(
        0.1, rel=0.1
    )


def test_what_a_room_uses_of_a_node_is_shared_by_its_workers_too() -> None:
    def load(workers: int) -> float:
        cache = Cache()
        template, capacity = {"workers": workers}, {"egressMbps": 1_000_000, "participants": 100_000}
        metadata = {"name": "default", "namespace": "calls"}
        spec = {"mediaNodes": {"template": template, "capacity": capacity}}
        cache.set_cluster(MediaCluster.model_validate({"metadata": metadata, "spec": spec}))
        return cache.room_load(Key("calls", "default"), 50)

    assert load(1) == pytest.approx(consumers_of(50) * DEFAULT_COST.cpu)
    assert load(4) == pytest.approx(load(1) / 4)


def test_a_full_load_is_explained_by_many_consumers_by_people_or_by_bits_and_by_nothing_else() -> None:
    assert not is_explained(UNEXPLAINED, CAPACITY)
    assert is_explained(replace(UNEXPLAINED, consumers=1000), CAPACITY)
    assert is_explained(replace(UNEXPLAINED, participants=500), CAPACITY)
    assert is_explained(replace(UNEXPLAINED, consumers=300, egress_bitrate=8e8), CAPACITY)
    assert not is_explained(replace(UNEXPLAINED, egress_bitrate=8e8), CAPACITY)
    assert is_explained(replace(UNEXPLAINED, utilization=0.5), CAPACITY)


def test_a_load_is_unexplained_by_most_of_the_last_reports_not_by_one() -> None:
    model = CostModel()

    def after(report: NodeReport, times: int) -> bool:
        for _ in range(times):
            model.record(NODE, report, CAPACITY)
        return model.is_unexplained(NODE)

    assert not after(calls(2, 3), MAX_REPORTS)
    assert not after(UNEXPLAINED, MAX_REPORTS // 2)
    assert after(UNEXPLAINED, MAX_REPORTS // 2)
    assert not after(calls(2, 3), MAX_REPORTS)
    model.forget(NODE)
    assert not model.is_unexplained(NODE)


REPORT = st.builds(
    NodeReport,
    utilization=st.floats(0, 10),
    cpu=st.none() | st.floats(0, 10),
    workers=st.integers(1, 64),
    egress_bitrate=st.floats(0, 1e15),
    participants=st.integers(0, 10**6),
    consumers=st.integers(0, 10**6),
)
COST = st.builds(ConsumerCost, cpu=st.floats(MIN_CPU, MAX_CPU), bitrate=st.floats(MIN_BITRATE, MAX_BITRATE))


@given(reports=st.lists(REPORT, max_size=MAX_REPORTS), typical=COST)
def test_whatever_is_reported_the_cost_stays_plausible(
    reports: list[NodeReport], typical: ConsumerCost
) -> None:
    cost = own_cost([observation(report, CAPACITY) for report in reports], typical)

    assert MIN_CPU <= cost.cpu <= MAX_CPU
    assert MIN_BITRATE <= cost.bitrate <= MAX_BITRATE


@given(report=REPORT)
def test_what_is_used_is_at_most_everything(report: NodeReport) -> None:
    assert 0 <= used_shares(report, CAPACITY).largest <= 1


@given(
    wild=st.lists(REPORT, max_size=MAX_REPORTS // 2),
    rooms=st.integers(1, 40),
    people=st.integers(3, 6),
    seed=st.integers(0, 99),
)
def test_fewer_than_half_of_the_reports_move_the_cost_no_further_than_honest_ones_lie(
    wild: list[NodeReport], rooms: int, people: int, seed: int
) -> None:
    honest = [calls(rooms, people, cost=cost) for cost in (0.0002, 0.0004)] * MAX_REPORTS
    reports = [*wild, *honest[: MAX_REPORTS - len(wild)]]
    random.Random(seed).shuffle(reports)

    cost = own_cost([observation(report, CAPACITY) for report in reports], DEFAULT_COST)

    assert DEFAULT_COST.cpu - 1e-9 <= cost.cpu <= 0.0004 + 1e-9


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
