"""The parts of a node's reports put together: collectors cut a report into several messages. Pure state.

Rules
  - What was measured later stands; a part that was overtaken by a later one says nothing.
  - What a part does not tell stays as it was told, for as long as a report is fresh.
  - A room that is not named is not there only if all rooms of one measuring are known, by their number.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from rotunda_operator.load import otlp
from rotunda_operator.load.clock_offset import ClockDistance
from rotunda_operator.load.otlp import Part
from rotunda_operator.load.reports import FRESH_SECONDS, NodeReport

MOST_ROOMS = 100_000
"""A media node tells of so many at most."""
MOST_WORKERS = 256
"""As many as a block of ports has (`Ports.media_count`)."""
_REMEMBERED = 8
"""Measurings whose parts may still come."""

_Name = TypeVar("_Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Merged:
    """The report as it stands, and how many seconds ago its utilization was measured."""

    report: NodeReport
    age: float


@dataclass(frozen=True, slots=True)
class _Reading:
    """`at` in seconds of our clock; `made` in those of the reporter, the same for all of one measuring."""

    value: float
    at: float
    made: float


@dataclass(slots=True)
class Merger:
    """Of one process of one media node. `arrived` is seconds since 1970, by our clock."""

    process: str
    _values: dict[str, _Reading] = field(default_factory=dict)
    _workers: dict[int, _Reading] = field(default_factory=dict)
    _rooms: dict[str, _Reading] = field(default_factory=dict)
    _all_rooms: _Reading | None = None
    """The number of rooms at the last measuring of which every room is known."""
    _newest: float = -math.inf
    _packets: _Reading | None = None
    _rate: float = 0.0
    _distance: ClockDistance = field(default_factory=ClockDistance)
    _times: OrderedDict[float, float] = field(default_factory=OrderedDict)
    """By the reporter's clock, ours for it: one for all parts of a measuring."""

    def take(self, part: Part, arrived: float) -> Merged | None:
        """What is known with it; None where that has no fresh utilization."""
        made = part.made if part.made is not None else arrived
        at = self._time_of(part, arrived)
        self._newest = max(self._newest, at)
        _put(self._values, part.values, at, made)
        _put(self._workers, part.workers, at, made, most=MOST_WORKERS)
        if self._all_rooms is None or at > self._all_rooms.at:
            _put(self._rooms, part.rooms, at, made, most=MOST_ROOMS)
        self._count_packets()
        self._complete_rooms()
        self._forget_old()
        return self._merged(arrived)

    def _time_of(self, part: Part, arrived: float) -> float:
        if part.made is None:
            return arrived
        at = arrived - self._distance.age(part.made, arrived)
        if part.made not in self._times:
            self._times[part.made] = at
            if len(self._times) > _REMEMBERED:
                self._times.popitem(last=False)
        return self._times[part.made]

    def _count_packets(self) -> None:
        now, before = self._values.get(otlp.FORWARDED), self._packets
        if now is None or (before is not None and now.at <= before.at):
            return
        self._packets = now
        rose = before is not None and now.value >= before.value
        self._rate = (now.value - before.value) / (now.at - before.at) if before and rose else 0.0

    def _complete_rooms(self) -> None:
        count = self._values.get(otlp.ROOMS)
        if count is None:
            return
        of_it = sum(reading.made == count.made for reading in self._rooms.values())
        if of_it != int(count.value):
            return
        self._all_rooms = count
        self._rooms = {name: room for name, room in self._rooms.items() if room.at >= count.at}

    def _forget_old(self) -> None:
        oldest = self._newest - FRESH_SECONDS
        self._values = {name: reading for name, reading in self._values.items() if reading.at >= oldest}
        self._workers = {name: reading for name, reading in self._workers.items() if reading.at >= oldest}
        self._rooms = {name: reading for name, reading in self._rooms.items() if reading.at >= oldest}

    def _merged(self, arrived: float) -> Merged | None:
        utilization = self._values.get(otlp.UTILIZATION)
        if utilization is None:
            return None
        rooms = {name: int(reading.value) for name, reading in self._rooms.items()}
        workers = [reading.value for reading in self._workers.values()]
        report = NodeReport(
            utilization=min(utilization.value, 10.0),
            cpu=min(sum(workers) / len(workers), 10.0) if workers else None,
            workers=max(len(workers), 1),
            egress_bitrate=self._value(otlp.EGRESS),
            packets_per_second=self._rate,
            packet_loss=min(self._value(otlp.PACKET_LOSS), 1.0),
            jitter_seconds=self._value(otlp.JITTER),
            rooms=int(self._value(otlp.ROOMS, len(rooms))),
            participants=int(self._value(otlp.PARTICIPANTS, sum(rooms.values()))),
            consumers=int(self._value(otlp.CONSUMERS)),
            room_participants=rooms,
            names_all_rooms=self._all_rooms is not None and self._all_rooms.at >= self._newest,
        )
        return Merged(report, max(arrived - utilization.at, 0.0))

    def _value(self, name: str, otherwise: float = 0.0) -> float:
        reading = self._values.get(name)
        return reading.value if reading is not None else otherwise


def _put(
    known: dict[_Name, _Reading],
    told: Mapping[_Name, float],
    at: float,
    made: float,
    *,
    most: float = math.inf,
) -> None:
    for name, value in told.items():
        before = known.get(name)
        if (before is None and len(known) < most) or (before is not None and before.at <= at):
            known[name] = _Reading(value, at, made)
