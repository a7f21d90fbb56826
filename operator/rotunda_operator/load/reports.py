"""The last report of every media node, with its age.

Pure state: the caller brings the time (seconds of any monotonic clock). High-rate load lives here and
nowhere else; only what changed enough is written to a MediaNode's status.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

FRESH_SECONDS = 6.0
"""A report older than this says nothing about now: three missed reports of one every 2 s."""


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One report. Ratios are 0 to 1, rates per second.

    `cpu` is the mean over its media workers, None where it tells of none.
    `names_all_rooms`: a room that `room_participants` does not name is not there. Else it says nothing of it.
    """

    utilization: float
    cpu: float | None = None
    workers: int = 1
    egress_bitrate: float = 0.0
    packets_per_second: float = 0.0
    packet_loss: float = 0.0
    jitter_seconds: float = 0.0
    rooms: int = 0
    participants: int = 0
    consumers: int = 0
    room_participants: Mapping[str, int] = field(default_factory=dict)
    names_all_rooms: bool = True


@dataclass(frozen=True, slots=True)
class _Entry:
    report: NodeReport
    made_at: float


class LoadLedger:
    """Reports by MediaNode.

    Keys are `(namespace, name)` of the MediaNode.
    """

    def __init__(self, *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._fresh_seconds = fresh_seconds
        self._entries: dict[tuple[str, str], _Entry] = {}

    def record(self, node: tuple[str, str], report: NodeReport, now: float, age: float = 0.0) -> None:
        """Takes a report in the order of arrival, made `age` seconds ago."""
        self._entries[node] = _Entry(report, now - age)

    def forget(self, node: tuple[str, str]) -> None:
        """The MediaNode is gone."""
        self._entries.pop(node, None)

    def fresh(self, node: tuple[str, str], now: float) -> NodeReport | None:
        """The last report when it is at most `fresh_seconds` old."""
        entry = self._entries.get(node)
        if entry is None or now - entry.made_at > self._fresh_seconds:
            return None
        return entry.report

    def fresh_until(self, node: tuple[str, str], now: float) -> float:
        """When what `fresh` answers may change by time alone; infinity without a fresh report."""
        entry = self._entries.get(node)
        if entry is None or now - entry.made_at > self._fresh_seconds:
            return math.inf
        return entry.made_at + self._fresh_seconds

    def last(self, node: tuple[str, str]) -> tuple[NodeReport, float] | None:
        """The last report, however old, and when it was made."""
        entry = self._entries.get(node)
        return None if entry is None else (entry.report, entry.made_at)
