"""Merges the parts of a node's reports: collectors may split a report into several messages. Pure state.

Rules
  - The value that was measured last counts. A part that arrives after a part of a later measurement changes
    nothing that the later one has.
  - A value that a part does not have keeps what an earlier part said, as long as that is fresh.
  - A room that is missing in a report is empty only if all rooms of one measurement are known, by their
    number.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from rotunda_operator.load import otlp
from rotunda_operator.load.clock_offset import ClockOffset
from rotunda_operator.load.otlp import Part
from rotunda_operator.load.reports import FRESH_SECONDS, NodeReport

MAX_ROOMS = 100_000
"""Of one media node."""
MAX_WORKERS = 256
"""As many as a block of ports can have (`Ports.media_count`)."""
_MAX_MEASUREMENTS = 8
"""Measurements whose parts may still arrive."""

_Name = TypeVar("_Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged report. `age`: how many seconds ago its utilization was measured."""

    report: NodeReport
    age: float


@dataclass(frozen=True, slots=True)
class _Reading:
    """`at`: when it was measured, in seconds of our clock. `made`: the same by the reporter's clock, equal
    for all readings of one measurement."""

    value: float
    at: float
    made: float


@dataclass(slots=True)
class Merger:
    """The reports of one process of a media node. `arrived` is in seconds since 1970, by our clock."""

    process: str
    _values: dict[str, _Reading] = field(default_factory=dict)
    _workers: dict[int, _Reading] = field(default_factory=dict)
    _rooms: dict[str, _Reading] = field(default_factory=dict)
    _all_rooms: _Reading | None = None
    """The number of rooms, by the last measurement of which every room is known."""
    _newest: float = -math.inf
    _packets: _Reading | None = None
    _rate: float = 0.0
    _offset: ClockOffset = field(default_factory=ClockOffset)
    _times: OrderedDict[float, float] = field(default_factory=OrderedDict)
    """From the reporter's clock to ours: all parts of one measurement get the same time."""

    def add(self, part: Part, arrived: float) -> Merged | None:
        """The merged report with this part; None while there is no fresh utilization."""
        made = part.made if part.made is not None else arrived
        at = self._time_of(part, arrived)
        self._newest = max(self._newest, at)
        _put(self._values, part.values, at, made)
        _put(self._workers, part.workers, at, made, maximum=MAX_WORKERS)
        if self._all_rooms is None or at > self._all_rooms.at:
            _put(self._rooms, part.rooms, at, made, maximum=MAX_ROOMS)
        self._update_packet_rate()
        self._complete_rooms()
        self._drop_stale()
        return self._merged(arrived)

    def _time_of(self, part: Part, arrived: float) -> float:
        if part.made is None:
            return arrived
        at = arrived - self._offset.age(part.made, arrived)
        if part.made not in self._times:
            self._times[part.made] = at
            if len(self._times) > _MAX_MEASUREMENTS:
                self._times.popitem(last=False)
        return self._times[part.made]

    def _update_packet_rate(self) -> None:
        now, before = self._values.get(otlp.FORWARDED), self._packets
        if now is None or (before is not None and now.at <= before.at):
            return
        self._packets = now
        increased = before is not None and now.value >= before.value
        self._rate = (now.value - before.value) / (now.at - before.at) if before and increased else 0.0

    def _complete_rooms(self) -> None:
        count = self._values.get(otlp.ROOMS)
        if count is None:
            return
        of_this_measurement = sum(reading.made == count.made for reading in self._rooms.values())
        if of_this_measurement != int(count.value):
            return
        self._all_rooms = count
        self._rooms = {name: room for name, room in self._rooms.items() if room.at >= count.at}

    def _drop_stale(self) -> None:
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
    values: Mapping[_Name, float],
    at: float,
    made: float,
    *,
    maximum: float = math.inf,
) -> None:
    for name, value in values.items():
        before = known.get(name)
        if (before is None and len(known) < maximum) or (before is not None and before.at <= at):
            known[name] = _Reading(value, at, made)
