"""Reports that arrive in parts, out of order, twice, or from a machine with a wrong clock."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotunda_operator.load.clock_offset import ClockOffset
from rotunda_operator.load.merge import MAX_WORKERS, Merged, Merger
from rotunda_operator.load.otlp import FORWARDED, PARTICIPANTS, ROOMS, UTILIZATION, Part
from rotunda_operator.load.reports import NodeReport

START = 1_700_000_000.0


def part(made: float | None, rooms: dict[str, int] | None = None, **values: float) -> Part:
    """`made` in seconds after START, by the node's clock."""
    names = {"utilization": UTILIZATION, "count": ROOMS, "people": PARTICIPANTS, "forwarded": FORWARDED}
    named = {names[name]: value for name, value in values.items()}
    return Part("calls", "a", "uid", START + made if made is not None else None, named, {}, dict(rooms or {}))


def whole(made: float | None, rooms: dict[str, int], utilization: float = 0.2) -> Part:
    return part(made, rooms, utilization=utilization, count=len(rooms), people=sum(rooms.values()))


def after(merger: Merger, *parts: tuple[float, Part]) -> NodeReport:
    """The report after parts that arrived, in seconds after START."""
    merged: Merged | None = None
    for arrived, each in parts:
        merged = merger.add(each, START + arrived)
    assert merged is not None
    return merged.report


def test_half_a_report_does_not_empty_the_rooms_that_it_does_not_name() -> None:
    merger = Merger("uid")
    first = part(0, {"standup": 3}, utilization=0.2)
    second = part(0, {"retro": 2}, count=2, people=5)

    half = after(merger, (0.1, first))
    assert (half.room_participants, half.names_all_rooms) == ({"standup": 3}, False)
    both = after(merger, (0.9, second))
    assert (both.room_participants, both.names_all_rooms) == ({"standup": 3, "retro": 2}, True)
    assert (both.utilization, both.participants) == (0.2, 5)


def test_the_next_report_takes_rooms_away_only_when_it_is_whole() -> None:
    merger = Merger("uid")
    after(merger, (0, whole(0, {"standup": 3, "retro": 2})))

    half = after(merger, (2, part(2, {"standup": 4}, utilization=0.3)))
    assert (half.room_participants, half.names_all_rooms) == ({"standup": 4, "retro": 2}, False)
    rest = after(merger, (2.1, part(2, {}, count=1, people=4)))
    assert (rest.room_participants, rest.names_all_rooms) == ({"standup": 4}, True)


def test_a_half_that_is_lost_for_good_empties_no_room() -> None:
    merger = Merger("uid")
    parts = [
        (2.0 * i, part(2.0 * i, {"standup": 3}, utilization=0.2, count=2, people=5)) for i in range(1, 20)
    ]

    report = after(merger, (0, whole(0, {"standup": 3, "retro": 2})), *parts)

    assert (report.room_participants, report.names_all_rooms) == ({"standup": 3}, False)


def test_a_report_that_was_overtaken_changes_nothing() -> None:
    merger = Merger("uid")
    after(merger, (0, whole(0, {"old": 9})), (4, whole(4, {"standup": 3}, 0.5)))

    overtaken = after(merger, (4.5, whole(2, {"standup": 1, "old": 9}, 0.1)))

    assert (overtaken.utilization, overtaken.room_participants) == (0.5, {"standup": 3})
    assert overtaken.names_all_rooms


def test_an_overtaken_report_brings_no_room_back_while_the_next_one_is_incomplete() -> None:
    merger = Merger("uid")
    after(merger, (0, whole(0, {"old": 9})), (4, whole(4, {"standup": 3})))
    after(merger, (6, part(6, {"standup": 4}, utilization=0.3)))

    overtaken = after(merger, (6.5, whole(2, {"standup": 1, "old": 9})))

    assert overtaken.room_participants == {"standup": 4}


def test_reports_without_a_time_are_made_when_they_come() -> None:
    merger = Merger("uid")

    report = after(merger, (0, whole(None, {"standup": 3})), (2, whole(None, {"retro": 1})))

    assert (report.room_participants, report.names_all_rooms) == ({"retro": 1}, True)


def test_packets_a_second_by_the_time_between_and_none_after_a_restart() -> None:
    merger = Merger("uid")
    counts = [1000.0, 3000.0, 100.0]

    rates = [
        after(merger, (2.0 * i, part(2.0 * i, utilization=0.1, forwarded=count))).packets_per_second
        for i, count in enumerate(counts)
    ]

    assert rates == [0.0, 1000.0, 0.0]


def test_a_report_that_was_held_back_is_old() -> None:
    merger = Merger("uid")
    merger.add(whole(0, {}), START)

    merged = merger.add(whole(2, {}), START + 32)

    assert merged is not None
    assert merged.age == pytest.approx(30)


def test_a_node_whose_clock_is_off_is_believed_once_that_is_known() -> None:
    for off in (-3600.0, 3600.0):
        merger = Merger("uid")
        ages = []
        for i in range(10):
            merged = merger.add(whole(off + 2 * i, {"standup": 1}), START + 2 * i + 0.1)
            assert merged is not None
            ages.append(merged.age)
        assert ages[3:] == pytest.approx([0.0] * 7, abs=0.01)


def test_workers_without_end_are_not_kept() -> None:
    merger = Merger("uid")
    for message in range(3):
        many = part(0, utilization=0.2)
        many.workers = dict.fromkeys(range(message * 1000, (message + 1) * 1000), 0.5)
        merger.add(many, START)
    assert len(merger._workers) == MAX_WORKERS


def test_a_clock_that_jumps_back_is_followed() -> None:
    merger = Merger("uid")
    after(merger, *((2.0 * i, whole(2.0 * i, {"old": 1})) for i in range(5)))

    report = after(merger, *((2.0 * i, whole(2.0 * i - 600, {"new": 2}, 0.7)) for i in range(5, 10)))

    assert (report.utilization, report.room_participants) == (0.7, {"new": 2})


def test_a_report_that_is_delayed_is_old_also_where_the_clock_is_ahead() -> None:
    offset = ClockOffset()
    assert offset.age(START + 3600, START) == 0
    assert offset.age(START + 3602, START + 2 + 5) == 5


def test_what_comes_all_at_once_after_an_outage_is_as_old_as_it_is() -> None:
    distance = ClockOffset()
    ages = [distance.age(START + 2 * i, START + 60) for i in range(31)]

    assert ages[0] == 60
    assert ages == sorted(ages, reverse=True)
    assert ages[-1] == 0


@given(
    rooms=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 20)),
    seed=st.integers(0, 1000),
    cuts=st.integers(1, 6),
)
def test_however_a_report_is_cut_and_shuffled_it_is_the_same_in_the_end(
    rooms: dict[str, int], seed: int, cuts: int
) -> None:
    rng = random.Random(seed)
    merger = Merger("uid")
    after(merger, (0, whole(0, {"a": 7, "z": 7}, 0.9)))
    report_part = whole(2, rooms)
    parts = [part(2) for _ in range(cuts)]
    for name, value in report_part.values.items():
        rng.choice(parts).values[name] = value
    for name, people in report_part.rooms.items():
        rng.choice(parts).rooms[name] = people
    rng.shuffle(parts)

    for index, each in enumerate(parts):
        report = after(merger, (2 + index / 10, each))
        if report.names_all_rooms:
            assert report.room_participants == rooms

    assert report.names_all_rooms
    assert (report.utilization, report.room_participants) == (0.2, rooms)
