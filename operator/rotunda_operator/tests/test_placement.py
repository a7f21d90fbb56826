import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from rotunda_operator.placement import (
    Candidate,
    Placed,
    Rejection,
    Reservations,
    RoomRequest,
    Shares,
    Unplaceable,
    consumers_of,
    place,
)
from rotunda_operator.placement.reservation import Expected

A_CONSUMER = Shares(cpu=0.001, egress=0.0005)
ROOM = RoomRequest(name="standup", cluster="default", people=4)
NODE = Candidate(
    name="a", cluster="default", ready=True, cordoned=False, utilization=0.2, per_consumer=A_CONSUMER
)


def test_takes_the_lowest_projected_load_not_the_lowest_reported() -> None:
    busy_soon = replace(NODE, name="soon", utilization=0.1, reserved=Shares(cpu=0.5), participants=3)
    steady = replace(NODE, name="steady", utilization=0.3, used=Shares(cpu=0.3), participants=3)

    answer = place(ROOM, [busy_soon, steady], rng=random.Random(1))

    assert answer == Placed("steady", 0.3 + consumers_of(4) * 0.001)


def test_each_filter_says_why() -> None:
    wrong = {
        Rejection.OTHER_CLUSTER: replace(NODE, cluster="else"),
        Rejection.OTHER_REGION: replace(NODE, region="west", labels={"gpu": "no"}),
        Rejection.SELECTOR: replace(NODE, region="east"),
        Rejection.NOT_READY: replace(NODE, region="east", labels={"disk": "ssd"}, ready=False),
        Rejection.CORDONED: replace(NODE, region="east", labels={"disk": "ssd"}, cordoned=True),
        Rejection.SILENT: replace(NODE, region="east", labels={"disk": "ssd"}, utilization=None),
        Rejection.FULL: replace(NODE, region="east", labels={"disk": "ssd"}, utilization=1.0, participants=9),
    }
    request = replace(ROOM, region="east", node_selector={"disk": "ssd"})

    answer = place(request, list(wrong.values()), rng=random.Random(1))

    assert isinstance(answer, Unplaceable)
    assert answer.rejections == dict.fromkeys(wrong, 1)
    assert answer.message == (
        "0 of 6 media nodes can take it: 1 is in another region, 1 lacks a label that placement.nodeSelector "
        "asks for, 1 is not ready, 1 is cordoned, 1 has not reported its load lately, 1 has no space for it."
    )


def test_a_pinned_room_takes_its_node_or_none() -> None:
    nodes = [NODE, replace(NODE, name="b", utilization=0.9)]

    pinned = place(replace(ROOM, pin_to="b"), nodes, rng=random.Random(1))
    missing = place(replace(ROOM, pin_to="c"), nodes, rng=random.Random(1))

    assert isinstance(pinned, Placed)
    assert pinned.node == "b"
    assert isinstance(missing, Unplaceable)
    assert not missing.wants_capacity


def test_only_a_shortage_asks_for_more_nodes() -> None:
    full = replace(NODE, utilization=1.0, participants=100)

    assert _unplaceable([]).wants_capacity
    assert _unplaceable([full]).wants_capacity
    assert not _unplaceable([replace(NODE, cluster="default", region="east")], region="west").wants_capacity


def test_a_room_larger_than_a_node_goes_to_an_empty_one() -> None:
    huge = replace(ROOM, people=100)
    empty = replace(NODE, utilization=0.01)
    used = replace(NODE, name="used", utilization=0.01, participants=1)

    answer = place(huge, [used, empty], rng=random.Random(1))

    assert isinstance(answer, Placed)
    assert answer.node == "a"


def test_a_node_with_reservations_is_not_empty() -> None:
    huge = replace(ROOM, people=100)
    reserved = replace(NODE, utilization=0.01, reserved=Shares(cpu=0.5), participants=0)

    assert isinstance(place(huge, [reserved], rng=random.Random(1)), Unplaceable)


def test_reservations_count_where_a_room_is_placed() -> None:
    room = replace(ROOM, people=10)  # 0.18 of the CPU
    full_soon = replace(NODE, used=Shares(cpu=0.5), reserved=Shares(cpu=0.4), participants=5)

    assert isinstance(place(room, [full_soon], rng=random.Random(1)), Unplaceable)
    assert isinstance(
        place(room, [replace(full_soon, reserved=Shares(cpu=0.3))], rng=random.Random(1)), Placed
    )


def test_a_node_takes_rooms_up_to_its_capacity_of_participants() -> None:
    node = replace(NODE, participants=496, participant_capacity=500)

    assert isinstance(place(ROOM, [node], rng=random.Random(1)), Placed)
    assert isinstance(place(ROOM, [replace(node, participants=497)], rng=random.Random(1)), Unplaceable)


def test_each_resource_is_short_by_itself() -> None:
    room = replace(ROOM, people=10)  # 180 consumers: 0.18 of the CPU, 0.09 of the egress
    for used, fits in (
        (Shares(cpu=0.8, egress=0.8, people=0.8), True),
        (Shares(cpu=0.83), False),
        (Shares(egress=0.9), True),
        (Shares(egress=0.92), False),
    ):
        node = replace(NODE, utilization=used.largest, used=used, participants=5)
        assert isinstance(place(room, [node], rng=random.Random(1)), Placed) is fits


def test_a_node_that_reports_to_be_full_takes_no_room_even_if_unexplained() -> None:
    sick = replace(NODE, utilization=1.0, used=Shares())
    well = replace(NODE, name="well", utilization=0.9, used=Shares(cpu=0.9))

    answer = place(ROOM, [sick, well], rng=random.Random(1))

    assert isinstance(answer, Placed)
    assert answer.node == "well"


@given(seed=st.integers(0, 2**32), loads=st.lists(st.floats(0, 0.9), min_size=1, max_size=20))
@settings(deadline=None)
def test_never_a_node_that_is_more_loaded_than_another_that_fits(seed: int, loads: list[float]) -> None:
    nodes = [replace(NODE, name=str(i), utilization=load) for i, load in enumerate(loads)]

    answer = place(ROOM, nodes, rng=random.Random(seed))

    assert isinstance(answer, Placed)
    assert loads[int(answer.node)] == min(loads)


def test_reservations_spread_rooms_before_anybody_reports() -> None:
    rng = random.Random(7)
    reservations = Reservations()
    counts = dict.fromkeys(("a", "b", "c", "d"), 0)
    for i in range(200):
        nodes = []
        for name in counts:
            expected = reservations.on_node(name, None, 0.0)
            nodes.append(
                replace(
                    NODE,
                    name=name,
                    utilization=0.1,
                    used=Shares(cpu=0.1),
                    reserved=Shares(cpu=expected.consumers * 0.00001, people=expected.people / 500),
                    participants=expected.people,
                )
            )
        answer = place(replace(ROOM, name=f"r{i}"), nodes, rng=rng)
        assert isinstance(answer, Placed)
        reservations.hold(f"r{i}", answer.node, ROOM.people, 0.0)
        counts[answer.node] += 1

    assert set(counts.values()) == {50}


def test_a_reservation_shrinks_as_its_people_come_and_ends_with_time() -> None:
    reservations = Reservations(hold_seconds=120)
    reservations.hold("standup", "a", 4, now=0.0)

    assert reservations.on_node("a", {}, 1.0) == _expected(consumers_of(4), 4)
    assert reservations.on_node("a", {"standup": 3}, 2.0) == _expected(consumers_of(4) - consumers_of(3), 1)
    assert reservations.on_node("a", {"standup": 4}, 3.0) == _expected(0, 0)

    reservations.hold("retro", "a", 4, now=10.0)
    assert reservations.on_node("a", {}, 129.0) == _expected(consumers_of(4), 4)
    assert reservations.on_node("a", {}, 130.0) == _expected(0, 0)


def test_people_beyond_the_expected_ones_take_nothing_from_the_reservations_of_other_rooms() -> None:
    """6 people are in a room that expected 4: the node reports all 6, and reserves for the other room
    alone."""
    reservations = Reservations()
    reservations.hold("standup", "a", 4, now=0.0)
    reservations.hold("retro", "a", 2, now=0.0)

    assert reservations.on_node("a", {"standup": 6}, 1.0) == _expected(consumers_of(2), 2)
    assert reservations.node_of("standup") is None


def test_a_room_has_one_reservation_on_the_node_where_it_was_placed_last() -> None:
    reservations = Reservations(hold_seconds=120)
    reservations.hold("standup", "a", 4, now=0.0)
    reservations.hold("standup", "b", 4, now=10.0)

    assert reservations.on_node("a", {}, 11.0) == _expected(0, 0)
    assert reservations.on_node("b", {}, 11.0) == _expected(consumers_of(4), 4)
    assert reservations.holds("standup", 129.0)
    assert not reservations.holds("standup", 130.0)


def test_a_room_that_only_moved_is_spread_and_does_not_grow_the_fleet() -> None:
    reservations = Reservations()
    reservations.hold("asleep", "a", 4, now=0.0, likely=False)

    assert reservations.on_node("a", {}, 1.0) == Expected(consumers_of(4), 4, 0, 0)
    assert not reservations.holds("asleep", 1.0)


def _expected(consumers: int, people: int) -> Expected:
    return Expected(consumers, people, consumers, people)


def _unplaceable(nodes: list[Candidate], region: str = "") -> Unplaceable:
    answer = place(replace(ROOM, region=region), nodes, rng=random.Random(1))
    assert isinstance(answer, Unplaceable)
    return answer
