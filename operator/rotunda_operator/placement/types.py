"""What placement is told and what it answers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True)
class RoomRequest:
    """A room that wants a node. `people` is how many to reserve for."""

    name: str
    cluster: str
    people: int
    region: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    pin_to: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A media node as placement sees it.

    `utilization` (0 to 1) is None without a fresh report; `reserved` is what rooms placed on it but not yet
    reported will add; `participants` counts reported and reserved people.
    """

    name: str
    cluster: str
    ready: bool
    cordoned: bool
    utilization: float | None
    reserved: float = 0.0
    participants: int = 0
    participant_capacity: int = 500
    region: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    projected: float = field(init=False)
    """Reported utilization and reservations; 0 to 1, more when overcommitted."""

    def __post_init__(self) -> None:
        # Not a property: a thousand of them are compared for every room.
        object.__setattr__(self, "projected", (self.utilization or 0.0) + self.reserved)


class Rejection(Enum):
    """Why a node does not suit a room, in the order in which it is tried."""

    OTHER_CLUSTER = "belong to another cluster"
    NOT_PINNED = "are not the one that placement.pinTo names"
    OTHER_REGION = "are in another region"
    SELECTOR = "lack a label that placement.nodeSelector asks for"
    NOT_READY = "are not ready"
    CORDONED = "are cordoned"
    SILENT = "have not reported their load lately"
    FULL = "have no space for it"

    @property
    def one(self) -> str:
        """Of a single node."""
        verb, _, rest = self.value.partition(" ")
        return f"{_SINGULAR[verb]} {rest}".replace(" their ", " its ")


_SINGULAR = {"are": "is", "belong": "belongs", "have": "has", "lack": "lacks"}


@dataclass(frozen=True, slots=True)
class Placed:
    """The node, and the utilization (0 to 1) that the room will add to it."""

    node: str
    reserved: float


@dataclass(frozen=True, slots=True)
class Unplaceable:
    """No node suits the room now; how many nodes failed by which test."""

    rejections: Counter[Rejection]

    @property
    def message(self) -> str:
        """For a condition, in a person's words."""
        counted = {r: n for r, n in self.rejections.items() if r is not Rejection.OTHER_CLUSTER}
        if not counted:
            return "The cluster has no media nodes."
        total = sum(counted.values())
        parts = [f"{counted[r]} {r.one if counted[r] == 1 else r.value}" for r in Rejection if r in counted]
        return f"0 of {total} media nodes can take it: {', '.join(parts)}."

    @property
    def wants_capacity(self) -> bool:
        """Whether one more node of the cluster could help: not so when the room asks for what none has."""
        helpless = {Rejection.OTHER_CLUSTER, Rejection.NOT_PINNED, Rejection.OTHER_REGION, Rejection.SELECTOR}
        counted = {r for r in self.rejections if r is not Rejection.OTHER_CLUSTER}
        return not counted or bool(counted - helpless)
