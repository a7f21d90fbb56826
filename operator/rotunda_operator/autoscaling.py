"""How many media nodes a cluster needs: a pure function of the load of its fleet.

The fleet grows at once and shrinks slowly: a room that waits costs more than an idle node. A node is drained
before it is removed. A node that drains is uncordoned before a new node is created.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

FULL_AT = 1.0
DOWN_MARGIN = 0.8
"""A node is removed only if the others stay below this share of the target. Otherwise the next room would add
the node again."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Settings of the MediaCluster. `target` is a utilization, 0 to 1."""

    minimum: int
    maximum: int
    target: float
    spare_rooms: int
    down_delay_seconds: float


@dataclass(frozen=True, slots=True)
class FleetNode:
    """One media node.

    `projected`: its utilization with reservations, more than 1 where it is overcommitted. `starting`: it does
    not serve yet. `manual`: a person created it, so autoscaling does not remove it.
    """

    name: str
    projected: float
    rooms: int
    starting: bool = False
    draining: bool = False
    manual: bool = False

    @property
    def load(self) -> float:
        """0 to 1. An overcommitted node counts as full and no more: its rooms stay, so another node does not
        relieve it."""
        return min(self.projected, FULL_AT)


@dataclass(frozen=True, slots=True)
class Demand:
    """`waiting_loads`: the load of each Room that waits for a node. `mean_room_load`: of a Room that has one.
    0 to 1."""

    waiting_loads: Sequence[float]
    mean_room_load: float


@dataclass(frozen=True, slots=True)
class ScaleDecision:
    """What to do now. `idle_since`: since when the fleet has one node more than it needs; None: it has
    not."""

    add: int = 0
    undrain: tuple[str, ...] = ()
    drain: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    idle_since: float | None = None


def decide(
    scaling: Scaling, fleet: Sequence[FleetNode], demand: Demand, *, idle_since: float | None, now: float
) -> ScaleDecision:
    """`now` and `idle_since` are seconds of one monotonic clock."""
    active = [node for node in fleet if not node.draining]
    draining = [node for node in fleet if node.draining]
    desired = _desired(scaling, active, demand)
    if desired > len(active):
        return _grow(scaling, desired - len(active), draining, len(fleet))
    emptied = tuple(node.name for node in draining if node.rooms == 0)
    excess = len(active) - scaling.maximum
    if excess > 0:
        surplus_names = tuple(node.name for node in _emptiest_first(active)[:excess])
        return ScaleDecision(drain=surplus_names, remove=emptied)
    surplus = _surplus(scaling, active, demand)
    if surplus is None:
        return ScaleDecision(remove=emptied)
    since = now if idle_since is None else idle_since
    if now - since < scaling.down_delay_seconds:
        return ScaleDecision(remove=emptied, idle_since=since)
    return ScaleDecision(drain=(surplus.name,), remove=emptied)


def _desired(scaling: Scaling, active: Sequence[FleetNode], demand: Demand) -> int:
    load = sum(node.load for node in active) + sum(demand.waiting_loads)
    desired = max(scaling.minimum, math.ceil(load / scaling.target - 1e-9))
    if demand.waiting_loads:
        # The nodes that serve cannot take them: only nodes that start can.
        serving = sum(1 for node in active if not node.starting)
        desired = max(desired, serving + math.ceil(sum(demand.waiting_loads) / FULL_AT - 1e-9), serving + 1)
    elif _in_use(active) and _spare_rooms(active, demand) < scaling.spare_rooms:
        desired = max(desired, len(active) + 1)
    return min(desired, scaling.maximum)


def _grow(scaling: Scaling, missing: int, draining: Sequence[FleetNode], existing: int) -> ScaleDecision:
    fullest_first = sorted(draining, key=lambda node: (-node.rooms, node.name))
    undrained = tuple(node.name for node in fullest_first[:missing])
    allowed = max(scaling.maximum - existing, 0)
    return ScaleDecision(add=min(missing - len(undrained), allowed), undrain=undrained)


def _surplus(scaling: Scaling, active: Sequence[FleetNode], demand: Demand) -> FleetNode | None:
    """The node that the fleet does not need: the emptiest one. None: it needs all."""
    if demand.waiting_loads or len(active) <= scaling.minimum:
        return None
    removable = _emptiest_first(active)
    if not removable:
        return None
    emptiest = removable[0]
    rest = [node for node in active if node is not emptiest]
    if not _in_use(active):
        return emptiest
    if not rest:
        return None
    load = sum(node.load for node in active)
    if load > len(rest) * scaling.target * DOWN_MARGIN:
        return None
    return emptiest if _spare_rooms(rest, demand) > scaling.spare_rooms else None


def _emptiest_first(active: Sequence[FleetNode]) -> list[FleetNode]:
    ours = (node for node in active if not node.manual)
    return sorted(ours, key=lambda node: (node.rooms, node.projected, node.name))


def _in_use(active: Sequence[FleetNode]) -> bool:
    return any(node.rooms for node in active)


def _spare_rooms(nodes: Sequence[FleetNode], demand: Demand) -> int:
    if demand.mean_room_load <= 0:
        return len(nodes) * 1_000_000
    return sum(max(int((FULL_AT - node.projected) / demand.mean_room_load), 0) for node in nodes)
