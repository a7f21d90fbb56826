"""What a consumer costs a media node: learned for each node and each resource from its reports.

Rules (docs/decisions has why)
  - CPU and egress grow with consumers, people with people. What one resource costs says nothing of another.
  - A node's own cost is the median of its last reports, so that one that is off moves nothing. The fewer
    consumers it has, the more it is drawn to what is typical.
  - What a consumer cannot cost is not learned: a node that reports that much does something else, or is sick.
  - What is typical is the median over the nodes, for those that have nothing to learn from.

Pure state; nothing here knows the time.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from rotunda_contract.resources import CapacitySpec
from rotunda_operator.load.reports import NodeReport
from rotunda_operator.placement.types import Shares

LEAST_CPU = 0.000_02
MOST_CPU = 0.005
"""Share of a core. A packet was measured to cost 1.3 to 3.9 µs (bench/README.md): at the least sound of 20
packets a second, at the most 2.5 Mbit/s of video on a machine that is five times as slow."""
LEAST_BITRATE = 10_000.0
MOST_BITRATE = 10_000_000.0
"""Of a consumer, bit/s."""
USUAL_CPU = 0.000_2
USUAL_BITRATE = 400_000.0
"""As long as nothing is known: half of the consumers are sound, the others small pictures."""
FEWEST_CONSUMERS = 10
FEWEST_REPORTS = 3
REPORTS = 15
"""That are remembered: half a minute."""
DOUBT_CONSUMERS = 100.0
"""With so many consumers a node's own cost weighs as much as the typical one."""
FULL = 0.8
REST = 0.3
"""What a node may do beside its consumers before its load is called unexplained."""


@dataclass(frozen=True, slots=True)
class ConsumerCost:
    """Of one consumer: `cpu` is a share of one core, `bitrate` in bit/s."""

    cpu: float
    bitrate: float

    def shares(self, consumers: int, people: int, capacity: CapacitySpec, workers: int = 1) -> Shares:
        """What so many consumers and people use of a node with so many media workers."""
        return Shares(
            consumers * self.cpu / workers,
            consumers * self.bitrate / (capacity.egress_mbps * 1e6),
            people / capacity.participants,
        )


USUAL = ConsumerCost(USUAL_CPU, USUAL_BITRATE)


def used_shares(report: NodeReport, capacity: CapacitySpec) -> Shares:
    """What a node uses of each of its resources, at most all of it.

    A node that tells nothing of its workers is taken to use as much CPU as no other resource explains.
    """
    egress = min(report.egress_bitrate / (capacity.egress_mbps * 1e6), 1.0)
    people = min(report.participants / capacity.participants, 1.0)
    if report.cpu is not None:
        return Shares(min(report.cpu, 1.0), egress, people)
    cpu = report.utilization if report.utilization > max(egress, people) else 0.0
    return Shares(min(cpu, 1.0), egress, people)


def is_explained(report: NodeReport, capacity: CapacitySpec) -> bool:
    """Whether a load can come from what the node says that it serves."""
    most_bitrate = report.consumers * MOST_BITRATE
    bitrate = report.egress_bitrate if report.egress_bitrate <= most_bitrate else 0.0
    explained = max(
        report.consumers * MOST_CPU,
        bitrate / (capacity.egress_mbps * 1e6),
        report.participants / capacity.participants,
    )
    return report.utilization < FULL or report.utilization <= explained + REST


@dataclass(frozen=True, slots=True)
class Observation:
    """Of one report: `cpu` in cores, `bitrate` in bit/s."""

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
    """A node's, drawn to what is typical; always between what is plausible at the least and at the most."""
    learned = [each for each in seen if each.consumers >= FEWEST_CONSUMERS and each.explained]
    cpu = [(each.cpu / each.consumers, each.consumers) for each in learned]
    bitrate = [(each.bitrate / each.consumers, each.consumers) for each in learned]
    return ConsumerCost(
        _drawn(cpu, LEAST_CPU, MOST_CPU, typical.cpu),
        _drawn(bitrate, LEAST_BITRATE, MOST_BITRATE, typical.bitrate),
    )


def _drawn(seen: list[tuple[float, int]], least: float, most: float, typical: float) -> float:
    """From costs, each with the consumers that it was seen with."""
    plausible = [(cost, consumers) for cost, consumers in seen if cost <= most]
    if len(plausible) < FEWEST_REPORTS:
        return min(max(typical, least), most)
    own = _median([cost for cost, _ in plausible])
    weight = _median([float(consumers) for _, consumers in plausible])
    cost = (typical * DOUBT_CONSUMERS + own * weight) / (DOUBT_CONSUMERS + weight)
    return min(max(cost, least), most)


def is_unexplained(seen: Iterable[Observation]) -> bool:
    """By most of the reports of a while, not by one."""
    found = [each.explained for each in seen]
    return len(found) >= FEWEST_REPORTS and sum(found) * 2 < len(found)


def typical_cost(costs: Iterable[ConsumerCost]) -> ConsumerCost:
    """The median over nodes, of each resource by itself."""
    known = list(costs)
    if not known:
        return USUAL
    return ConsumerCost(_median([cost.cpu for cost in known]), _median([cost.bitrate for cost in known]))


class CostBook:
    """What all media nodes taught. Keys are `(namespace, name)` of the MediaNode."""

    def __init__(self) -> None:
        self.typical = USUAL
        self._seen: dict[tuple[str, str], deque[Observation]] = {}
        self._taught: dict[tuple[str, str], ConsumerCost] = {}
        self._until_typical = 0

    def record(self, node: tuple[str, str], report: NodeReport, capacity: CapacitySpec) -> None:
        seen = self._seen.setdefault(node, deque(maxlen=REPORTS))
        seen.append(observation(report, capacity))
        if sum(each.consumers >= FEWEST_CONSUMERS and each.explained for each in seen) >= FEWEST_REPORTS:
            self._taught[node] = own_cost(seen, USUAL)
        self._until_typical -= 1
        if self._until_typical <= 0:  # once in a round: a thousand nodes need not be asked for each report
            self._until_typical = len(self._seen)
            self.typical = typical_cost(self._taught.values())

    def forget(self, node: tuple[str, str]) -> None:
        """The MediaNode is gone, or has another pod."""
        self._seen.pop(node, None)
        self._taught.pop(node, None)

    def of(self, node: tuple[str, str]) -> ConsumerCost:
        """A node's own, or what is typical where it has nothing to learn from."""
        return own_cost(self._seen.get(node, ()), self.typical)

    def unexplained(self, node: tuple[str, str]) -> bool:
        """Whether its load cannot come from what it serves."""
        return is_unexplained(self._seen.get(node, ()))


def _median(values: list[float]) -> float:
    """The lower of two in the middle."""
    return sorted(values)[(len(values) - 1) // 2]
