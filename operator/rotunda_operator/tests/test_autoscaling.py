from rotunda_operator.autoscaling import Demand, FleetNode, ScaleDecision, Scaling, decide

SCALING = Scaling(minimum=1, maximum=5, target=0.6, spare_rooms=1, down_delay_seconds=600)
QUIET = Demand(waiting_loads=(), mean_room_load=0.1)


def test_the_fleet_grows_to_the_minimum() -> None:
    assert decide(SCALING, [], QUIET, idle_since=None, now=0) == ScaleDecision(add=1)


def test_a_minimum_of_zero_needs_no_nodes_until_a_room_waits() -> None:
    none = Scaling(minimum=0, maximum=5, target=0.6, spare_rooms=1, down_delay_seconds=600)

    assert decide(none, [], QUIET, idle_since=None, now=0) == ScaleDecision()
    assert decide(none, [], Demand((0.1,), 0.1), idle_since=None, now=0).add == 1


def test_a_waiting_room_adds_one_node_and_not_another_while_that_comes() -> None:
    full = FleetNode("a", projected=0.59, rooms=5)
    waiting = Demand((0.3,), 0.1)

    assert decide(SCALING, [full], waiting, idle_since=None, now=0).add == 1
    coming = FleetNode("b", projected=0.0, rooms=0, starting=True)
    assert decide(SCALING, [full, coming], waiting, idle_since=None, now=1).add == 0


def test_load_over_the_target_adds_what_brings_it_under() -> None:
    fleet = [FleetNode(name, projected=0.95, rooms=3) for name in "ab"]

    assert decide(SCALING, fleet, Demand((), 0.01), idle_since=None, now=0).add == 2


def test_the_maximum_holds() -> None:
    fleet = [FleetNode(name, projected=1.0, rooms=3) for name in "abcde"]

    assert decide(SCALING, fleet, Demand((0.5,), 0.1), idle_since=None, now=0) == ScaleDecision()


def test_a_draining_node_comes_back_before_a_new_one_is_made() -> None:
    fleet = [FleetNode("a", 0.9, rooms=4), FleetNode("b", 0.1, rooms=1, draining=True)]

    decision = decide(SCALING, fleet, QUIET, idle_since=None, now=0)

    assert decision == ScaleDecision(undrain=("b",))


def test_down_only_after_the_delay_and_the_emptiest_first() -> None:
    fleet = [FleetNode("a", 0.2, rooms=2), FleetNode("b", 0.05, rooms=1), FleetNode("c", 0.1, rooms=1)]

    first = decide(SCALING, fleet, QUIET, idle_since=None, now=100)
    assert first == ScaleDecision(idle_since=100)
    assert decide(SCALING, fleet, QUIET, idle_since=100, now=699) == ScaleDecision(idle_since=100)
    assert decide(SCALING, fleet, QUIET, idle_since=100, now=700) == ScaleDecision(drain=("b",))


def test_the_wait_begins_anew_when_the_fleet_was_needed_meanwhile() -> None:
    busy = [FleetNode("a", 0.5, rooms=2), FleetNode("b", 0.5, rooms=1)]

    assert decide(SCALING, busy, QUIET, idle_since=100, now=5000).idle_since is None


def test_a_drained_node_is_removed_when_it_is_empty() -> None:
    fleet = [FleetNode("a", 0.2, rooms=2), FleetNode("b", 0.0, rooms=0, draining=True)]

    assert decide(SCALING, fleet, QUIET, idle_since=None, now=0).remove == ("b",)


def test_no_oscillation_between_up_and_down() -> None:
    """What was just taken away must not be missed at once, over many loads."""
    scaling = Scaling(minimum=1, maximum=10, target=0.6, spare_rooms=2, down_delay_seconds=0)
    for tenths in range(1, 60):
        fleet = [FleetNode(str(i), tenths / 10 / 4, rooms=1) for i in range(4)]
        decision = decide(scaling, fleet, QUIET, idle_since=None, now=0)
        if not decision.drain:
            continue
        moved = sum(n.projected for n in fleet if n.name in decision.drain) / (len(fleet) - 1)
        rest = [
            FleetNode(n.name, n.projected + moved, rooms=1) for n in fleet if n.name not in decision.drain
        ]
        after = decide(scaling, rest, QUIET, idle_since=None, now=0)
        assert (after.add, after.undrain) == (0, ())


def test_the_fleet_grows_below_its_spare_rooms_and_shrinks_only_above_them() -> None:
    """Hysteresis: with exactly `spare_rooms` left nothing happens, in either direction."""
    scaling = Scaling(minimum=1, maximum=5, target=0.9, spare_rooms=2, down_delay_seconds=0)
    quarters = Demand((), mean_room_load=0.25)

    def decision(*fleet: FleetNode) -> ScaleDecision:
        return decide(scaling, fleet, quarters, idle_since=None, now=0)

    assert decision(FleetNode("a", 0.75, rooms=3)).add == 1, "space for 1 room"
    assert decision(FleetNode("a", 0.5, rooms=2)) == ScaleDecision(), "space for 2 rooms"
    idle = FleetNode("b", 0.0, rooms=0)
    assert decision(FleetNode("a", 0.5, rooms=2), idle) == ScaleDecision(), "2 would remain"
    assert decision(FleetNode("a", 0.25, rooms=1), idle).drain == ("b",), "3 remain"


def test_a_node_is_removed_only_if_the_others_stay_well_below_the_target() -> None:
    small_rooms = Demand((), mean_room_load=0.01)

    def drained(load: float) -> tuple[str, ...]:
        scaling = Scaling(minimum=1, maximum=5, target=0.6, spare_rooms=1, down_delay_seconds=0)
        fleet = [FleetNode("a", load - 0.2, rooms=2), FleetNode("b", 0.2, rooms=1)]
        return decide(scaling, fleet, small_rooms, idle_since=None, now=0).drain

    assert drained(0.45) == ("b",)
    assert drained(0.5) == (), "under the target of 0.6, but not under 80 % of it"


def test_a_room_without_load_needs_a_node_too() -> None:
    assert (
        decide(SCALING, [FleetNode("a", 0.1, rooms=1)], Demand((0.0,), 0.0), idle_since=None, now=0).add == 1
    )


def test_an_overcommitted_node_counts_as_one_full_node() -> None:
    overcommitted = [FleetNode("a", projected=5.0, rooms=1)]

    assert decide(SCALING, overcommitted, Demand((), 0.0), idle_since=None, now=0).add == 1


def test_of_draining_nodes_the_one_with_the_most_rooms_is_uncordoned() -> None:
    fleet = [
        FleetNode("a", 0.7, rooms=4),
        FleetNode("b", 0.1, rooms=1, draining=True),
        FleetNode("c", 0.1, rooms=3, draining=True),
    ]

    assert decide(SCALING, fleet, Demand((), 0.0), idle_since=None, now=0).undrain == ("c",)


def test_the_fleet_does_not_shrink_while_a_room_waits_for_a_node_that_starts() -> None:
    fleet = [FleetNode("a", 0.2, rooms=1), FleetNode("b", 0.0, rooms=0, starting=True)]

    assert decide(SCALING, fleet, Demand((0.1,), 0.1), idle_since=0, now=10_000) == ScaleDecision()


def test_drained_nodes_are_removed_whatever_else_is_decided() -> None:
    drained = FleetNode("d", 0.0, rooms=0, draining=True)
    idle = [FleetNode("a", 0.1, rooms=1), FleetNode("b", 0.0, rooms=0), drained]
    assert decide(SCALING, idle, QUIET, idle_since=None, now=100) == ScaleDecision(
        remove=("d",), idle_since=100
    )

    above_maximum = [FleetNode(name, 0.1, rooms=1) for name in "abcdef"]
    too_many = decide(
        SCALING,
        [*above_maximum, drained],
        QUIET,
        idle_since=None,
        now=0,
    )
    assert too_many == ScaleDecision(drain=("a",), remove=("d",))


def test_the_emptiest_node_is_the_one_with_the_fewest_rooms_not_with_the_least_load() -> None:
    fleet = [FleetNode("a", 0.2, rooms=2), FleetNode("b", 0.05, rooms=1), FleetNode("c", 0.1, rooms=0)]

    assert decide(SCALING, fleet, QUIET, idle_since=0, now=10_000).drain == ("c",)


def test_without_rooms_the_fleet_shrinks_to_its_minimum() -> None:
    none = Scaling(minimum=0, maximum=5, target=0.6, spare_rooms=1, down_delay_seconds=600)

    assert decide(none, [FleetNode("a", 0.0, rooms=0)], QUIET, idle_since=0, now=600).drain == ("a",)
