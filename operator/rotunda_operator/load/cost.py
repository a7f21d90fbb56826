"""What one consumer costs a media node in CPU and egress: learned for each node from its reports.

Rules (docs/decisions says why)
  - CPU and egress are proportional to consumers, each with a cost of its own.
  - The cost of a node is the median of its last reports, so that a single wrong report changes nothing. The
    fewer consumers the node has, the more the typical cost weighs.
  - A cost that is not plausible is not learned: the node does something else, or a part of it has failed.
  - The typical cost is the median over the nodes. It is used for nodes that have nothing to learn from.

Pure state, without a clock.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from rotunda_contract.resources import CapacitySpec
from rotunda_operator.load.reports import NodeReport
from rotunda_operator.placement.types import Shares

MIN_CPU = 0.000_02
MAX_CPU = 0.005
"""Plausible CPU cost of a consumer, as a share of one core. A packet was measured to cost 1.3 to 3.9 µs
(bench/README.md). The minimum is audio of 20 packets per second, the maximum 2.5 Mbit/s of video on a machine
that is five times as slow."""
MIN_BITRATE = 10_000.0
MAX_BITRATE = 10_000_000.0
"""Plausible bitrate of a consumer, bit/s."""
DEFAULT_CPU = 0.000_2
DEFAULT_BITRATE = 400_000.0
"""Used while nothing is known. They assume that half of the consumers are audio, the others small video."""
MIN_CONSUMERS = 10
MIN_REPORTS = 3
MAX_REPORTS = 15
"""Reports of a node that are kept: half a minute."""
TYPICAL_WEIGHT = 100.0
"""With so many consumers a node's own cost and the typical cost have the same weight."""
CHECKED_FROM = 0.8
"""The load of a node is checked only from this utilization on."""
TOLERANCE = 0.3
"""Utilization beyond what its consumers can cost, up to which the load of a node still counts as
explained."""


@dataclass(frozen=True, slots=True)
class ConsumerCost:
    """Of one consumer. `cpu`: share of one core. `bitrate`: bit/s."""

    cpu: float
    bitrate: float

    def shares(self, consumers: int, people: int, capacity: CapacitySpec, workers: int = 1) -> Shares:
        """What so many consumers and people use of a node. `workers`: its media workers."""
        return Shares(
            consumers * self.cpu / workers,
            consumers * self.bitrate / (capacity.egress_mbps * 1e6),
            people / capacity.participants,
        )


DEFAULT_COST = ConsumerCost(DEFAULT_CPU, DEFAULT_BITRATE)


def used_shares(report: NodeReport, capacity: CapacitySpec) -> Shares:
    """What a node uses of each resource, at most 1.

    If a report has no CPU load of workers, the utilization is taken for CPU load where egress and people do
    not explain it.
    """
    egress = min(report.egress_bitrate / (capacity.egress_mbps * 1e6), 1.0)
    people = min(report.participants / capacity.participants, 1.0)
    if report.cpu is not None:
        return Shares(min(report.cpu, 1.0), egress, people)
    cpu = report.utilization if report.utilization > max(egress, people) else 0.0
    return Shares(min(cpu, 1.0), egress, people)


def is_explained(report: NodeReport, capacity: CapacitySpec) -> bool:
    """Whether the consumers and people in a report can cause the load in it."""
    max_bitrate = report.consumers * MAX_BITRATE
    bitrate = report.egress_bitrate if report.egress_bitrate <= max_bitrate else 0.0
    explained = max(
        report.consumers * MAX_CPU,
        bitrate / (capacity.egress_mbps * 1e6),
        report.participants / capacity.participants,
    )
    return report.utilization < CHECKED_FROM or report.utilization <= explained + TOLERANCE


@dataclass(frozen=True, slots=True)
class Observation:
    """What one report teaches. `cpu`: cores. `bitrate`: bit/s."""

    consumers: int
    cpu: float
    bitrate: float
    explained: bool


def observation(report: NodeReport, capacity: CapacitySpec) -> Observation:
    return Observation(
        consumers=report.consumers,
        cpu=used_shares(report, capacity).cpu * report.workers,
        bitrate=report.egress_bitrate,
        explained=is_explained(report, capacity),
    )


def own_cost(seen: Iterable[Observation], typical: ConsumerCost) -> ConsumerCost:
    """The cost of a node, a weighted mean of its own and the typical cost. Always plausible."""
    learned = [each for each in seen if each.consumers >= MIN_CONSUMERS and each.explained]
    cpu = [(each.cpu / each.consumers, each.consumers) for each in learned]
    bitrate = [(each.bitrate / each.consumers, each.consumers) for each in learned]
    return ConsumerCost(
        _weighted(cpu, MIN_CPU, MAX_CPU, typical.cpu),
        _weighted(bitrate, MIN_BITRATE, MAX_BITRATE, typical.bitrate),
    )


def _weighted(seen: list[tuple[float, int]], minimum: float, maximum: float, typical: float) -> float:
    """`seen`: costs by single reports, each with the number of consumers in that report."""
    plausible = [(cost, consumers) for cost, consumers in seen if cost <= maximum]
    if len(plausible) < MIN_REPORTS:
        return min(max(typical, minimum), maximum)
    own = _median([cost for cost, _ in plausible])
    weight = _median([float(consumers) for _, consumers in plausible])
    cost = (typical * TYPICAL_WEIGHT + own * weight) / (TYPICAL_WEIGHT + weight)
    return min(max(cost, minimum), maximum)


def _are_unexplained(seen: Iterable[Observation]) -> bool:
    """Whether most of the reports have a load that their consumers and people cannot cause."""
    found = [each.explained for each in seen]
    return len(found) >= MIN_REPORTS and sum(found) * 2 < len(found)


def typical_cost(costs: Iterable[ConsumerCost]) -> ConsumerCost:
    """The median over nodes, for each resource separately."""
    known = list(costs)
    if not known:
        return DEFAULT_COST
    return ConsumerCost(_median([cost.cpu for cost in known]), _median([cost.bitrate for cost in known]))


class CostModel:
    """Learned costs of all media nodes. Keys are `(namespace, name)` of the MediaNode."""

    def __init__(self) -> None:
        self.typical = DEFAULT_COST
        self._seen: dict[tuple[str, str], deque[Observation]] = {}
        self._learned: dict[tuple[str, str], ConsumerCost] = {}
        self._until_typical = 0

    def record(self, node: tuple[str, str], report: NodeReport, capacity: CapacitySpec) -> None:
        seen = self._seen.setdefault(node, deque(maxlen=MAX_REPORTS))
        seen.append(observation(report, capacity))
        if sum(each.consumers >= MIN_CONSUMERS and each.explained for each in seen) >= MIN_REPORTS:
            self._learned[node] = own_cost(seen, DEFAULT_COST)
        self._until_typical -= 1
        if self._until_typical <= 0:  # once per round of reports of all nodes, not with each report
            self._until_typical = len(self._seen)
            self.typical = typical_cost(self._learned.values())

    def forget(self, node: tuple[str, str]) -> None:
        """The MediaNode was deleted, or has another pod."""
        self._seen.pop(node, None)
        self._learned.pop(node, None)

    def of(self, node: tuple[str, str]) -> ConsumerCost:
        """The cost of a node; the typical cost where it has nothing to learn from."""
        return own_cost(self._seen.get(node, ()), self.typical)

    def is_unexplained(self, node: tuple[str, str]) -> bool:
        """Whether the node reports a load that its consumers and people cannot cause."""
        return _are_unexplained(self._seen.get(node, ()))


def _median(values: list[float]) -> float:
    """The lower of two in the middle."""
    return sorted(values)[(len(values) - 1) // 2]
