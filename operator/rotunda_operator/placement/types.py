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
class Shares:
    """Of what a media node has, by resource: 0 to 1, more when overcommitted."""

    cpu: float = 0.0
    egress: float = 0.0
    people: float = 0.0

    def __add__(self, other: "Shares") -> "Shares":
        return Shares(self.cpu + other.cpu, self.egress + other.egress, self.people + other.people)

    @property
    def most(self) -> float:
        """Of the resource that is the shortest."""
        return max(self.cpu, self.egress, self.people)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A media node as placement sees it.

    `utilization` (0 to 1) is None without a fresh report. `used` is what it reports by resource, `reserved`
    what rooms will add that were placed on it and are not reported yet, `a_consumer` what one uses, as was
    learned of the node. `participants` counts reported and reserved people.
    """

    name: str
    cluster: str
    ready: bool
    cordoned: bool
    utilization: float | None
    used: Shares = Shares()
    reserved: Shares = Shares()
    a_consumer: Shares = Shares()
    participants: int = 0
    participant_capacity: int = 500
    region: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    likely: Shares = Shares()
    """Of what is reserved, what is likely to be used soon."""
    projected: float = field(init=False)
    """Its shortest resource with reservations, at least what it reports; 0 to 1, more when overcommitted."""

    def __post_init__(self) -> None:
        # Not a property: a thousand of them are compared for every room.
        object.__setattr__(self, "projected", self._at_least((self.used + self.reserved).most))

    @property
    def demand(self) -> float:
        """As `projected`, with what is likely alone: what the fleet is scaled by."""
        return self._at_least((self.used + self.likely).most)

    def with_room(self, people: int) -> Shares:
        """What is used once a room of so many people has filled."""
        consumers = consumers_of(people)
        added = Shares(
            consumers * self.a_consumer.cpu,
            consumers * self.a_consumer.egress,
            people / self.participant_capacity,
        )
        return self.used + self.reserved + added

    def _at_least(self, share: float) -> float:
        return max(min(self.utilization or 0.0, 1.0), share)


def consumers_of(people: int) -> int:
    """Streams sent in a room of so many people: each receives sound and picture of every other."""
    return people * max(people - 1, 0) * 2


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
    """The node, and what its shortest resource is used by with the room and all that is reserved."""

    node: str
    projected: float


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
