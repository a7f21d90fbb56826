"""The last load report of every media node.

Pure state: the caller passes the time, in seconds of any monotonic clock. Reports come every 2 s and are kept
only here. A MediaNode's status gets a new load only when it has changed enough, see `nodes.load_status`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

FRESH_SECONDS = 6.0
"""A report that is older is stale: three reports in a row are missing."""


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One report. Ratios are 0 to 1, rates are per second, bitrates in bit/s.

    `cpu`: the mean over the media workers; None where the report names none. `names_all_rooms`: whether
    `room_participants` has every room of the node. If not, a room that is missing in it may still have
    people.
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


class LoadReports:
    """By MediaNode. Keys are its `(namespace, name)`."""

    def __init__(self, *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._fresh_seconds = fresh_seconds
        self._entries: dict[tuple[str, str], _Entry] = {}

    def record(self, node: tuple[str, str], report: NodeReport, now: float, age: float = 0.0) -> None:
        """Keeps a report that was made `age` seconds ago. Call in the order of arrival."""
        self._entries[node] = _Entry(report, now - age)

    def forget(self, node: tuple[str, str]) -> None:
        """The MediaNode was deleted, or has another pod."""
        self._entries.pop(node, None)

    def fresh(self, node: tuple[str, str], now: float) -> NodeReport | None:
        """The last report, if it is at most `fresh_seconds` old."""
        entry = self._entries.get(node)
        if entry is None or now - entry.made_at > self._fresh_seconds:
            return None
        return entry.report

    def fresh_until(self, node: tuple[str, str], now: float) -> float:
        """When the fresh report becomes stale; infinity without a fresh report."""
        entry = self._entries.get(node)
        if entry is None or now - entry.made_at > self._fresh_seconds:
            return math.inf
        return entry.made_at + self._fresh_seconds

    def last(self, node: tuple[str, str]) -> tuple[NodeReport, float] | None:
        """The last report, even a stale one, and when it was made."""
        entry = self._entries.get(node)
        return None if entry is None else (entry.report, entry.made_at)
