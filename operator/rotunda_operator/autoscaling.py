"""How many media nodes shall stand: a pure function over the fleet's load.

Up at once, down slowly: a room that waits costs more than a node that idles. A node is taken away by draining
it first; one that drains is taken back before a new one is made.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

FULL_AT = 1.0
DOWN_MARGIN = 0.8
"""Share of the target that the rest must stay under, or the next room would add the node again."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """From the MediaCluster; `target` is a utilization of 0 to 1."""

    minimum: int
    maximum: int
    target: float
    spare_rooms: int
    down_delay_seconds: float


@dataclass(frozen=True, slots=True)
class FleetNode:
    """One media node. `projected` is utilization and reservations; `coming` one that does not serve yet;
    `kept` one that somebody made by hand, which is not ours to take away.

    However much is asked of one node, it is one: what it lacks no other node can give it, as rooms stay.
    """

    name: str
    projected: float
    rooms: int
    coming: bool = False
    draining: bool = False
    kept: bool = False

    @property
    def load(self) -> float:
        """0 to 1."""
        return min(self.projected, FULL_AT)


@dataclass(frozen=True, slots=True)
class Demand:
    """Rooms without a node, the load each will bring, and what a usual room brings (0 to 1)."""

    waiting_loads: Sequence[float]
    usual_room_load: float


@dataclass(frozen=True, slots=True)
class ScaleDecision:
    """What to do now, and since when the fleet could do with a node less (None: it cannot)."""

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
    wanted = _wanted(scaling, active, demand)
    if wanted > len(active):
        return _grow(scaling, wanted - len(active), draining, len(fleet))
    emptied = tuple(node.name for node in draining if node.rooms == 0)
    excess = len(active) - scaling.maximum
    if excess > 0:
        unwanted = tuple(node.name for node in _emptiest_first(active)[:excess])
        return ScaleDecision(drain=unwanted, remove=emptied)
    surplus = _surplus(scaling, active, demand)
    if surplus is None:
        return ScaleDecision(remove=emptied)
    since = now if idle_since is None else idle_since
    if now - since < scaling.down_delay_seconds:
        return ScaleDecision(remove=emptied, idle_since=since)
    return ScaleDecision(drain=(surplus.name,), remove=emptied)


def _wanted(scaling: Scaling, active: Sequence[FleetNode], demand: Demand) -> int:
    load = sum(node.load for node in active) + sum(demand.waiting_loads)
    wanted = max(scaling.minimum, math.ceil(load / scaling.target - 1e-9))
    if demand.waiting_loads:
        # They found no place on the nodes that serve: only what is coming can take them.
        serving = sum(1 for node in active if not node.coming)
        wanted = max(wanted, serving + math.ceil(sum(demand.waiting_loads) / FULL_AT - 1e-9), serving + 1)
    elif _in_use(active) and _spare_rooms(active, demand) < scaling.spare_rooms:
        wanted = max(wanted, len(active) + 1)
    return min(wanted, scaling.maximum)


def _grow(scaling: Scaling, missing: int, draining: Sequence[FleetNode], standing: int) -> ScaleDecision:
    fullest_first = sorted(draining, key=lambda node: (-node.rooms, node.name))
    taken_back = tuple(node.name for node in fullest_first[:missing])
    room_for = max(scaling.maximum - standing, 0)
    return ScaleDecision(add=min(missing - len(taken_back), room_for), undrain=taken_back)


def _surplus(scaling: Scaling, active: Sequence[FleetNode], demand: Demand) -> FleetNode | None:
    """The node that the fleet could do without: the emptiest one."""
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
    ours = (node for node in active if not node.kept)
    return sorted(ours, key=lambda node: (node.rooms, node.projected, node.name))


def _in_use(active: Sequence[FleetNode]) -> bool:
    return any(node.rooms for node in active)


def _spare_rooms(nodes: Sequence[FleetNode], demand: Demand) -> int:
    if demand.usual_room_load <= 0:
        return len(nodes) * 1_000_000
    return sum(max(int((FULL_AT - node.projected) / demand.usual_room_load), 0) for node in nodes)
