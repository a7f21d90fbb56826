"""Arguments and results of placement."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True)
class RoomRequest:
    """A room that needs a node. `people`: how many to reserve for."""

    name: str
    cluster: str
    people: int
    region: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    pin_to: str = ""


@dataclass(frozen=True, slots=True)
class Shares:
    """The used share of each resource of a media node: 0 to 1, more where it is overcommitted."""

    cpu: float = 0.0
    egress: float = 0.0
    people: float = 0.0

    def __add__(self, other: "Shares") -> "Shares":
        return Shares(self.cpu + other.cpu, self.egress + other.egress, self.people + other.people)

    @property
    def largest(self) -> float:
        """The share of the scarcest resource."""
        return max(self.cpu, self.egress, self.people)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A media node, as placement needs it.

    `utilization`: 0 to 1, None without a fresh report. `used`: by its report. `reserved`: for rooms that were
    placed on it and whose people are not in its report yet. `per_consumer`: what one consumer uses, learned
    from the node's reports. `participants`: reported and reserved people.
    """

    name: str
    cluster: str
    ready: bool
    cordoned: bool
    utilization: float | None
    used: Shares = Shares()
    reserved: Shares = Shares()
    per_consumer: Shares = Shares()
    participants: int = 0
    participant_capacity: int = 500
    region: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    likely: Shares = Shares()
    """The part of `reserved` that is likely to be used soon."""
    projected: float = field(init=False)
    """The share of its scarcest resource with reservations, and at least its reported utilization."""

    def __post_init__(self) -> None:
        # Not a property: for every room a thousand candidates are compared.
        object.__setattr__(self, "projected", self._at_least((self.used + self.reserved).largest))

    @property
    def demand(self) -> float:
        """As `projected`, but only with likely reservations. Autoscaling uses it."""
        return self._at_least((self.used + self.likely).largest)

    def with_room(self, people: int) -> Shares:
        """The shares once a room of so many people is full."""
        consumers = consumers_of(people)
        added = Shares(
            consumers * self.per_consumer.cpu,
            consumers * self.per_consumer.egress,
            people / self.participant_capacity,
        )
        return self.used + self.reserved + added

    def _at_least(self, share: float) -> float:
        return max(min(self.utilization or 0.0, 1.0), share)


def consumers_of(people: int) -> int:
    """The consumers in a room of so many people: each person has one for the audio and one for the video of
    every other person."""
    return people * max(people - 1, 0) * 2


class Rejection(Enum):
    """Why a node cannot take a room, in the order in which the filters run."""

    OTHER_CLUSTER = "belong to another cluster"
    NOT_PINNED = "are not the one that placement.pinTo names"
    OTHER_REGION = "are in another region"
    SELECTOR = "lack a label that placement.nodeSelector asks for"
    NOT_READY = "are not ready"
    CORDONED = "are cordoned"
    SILENT = "have not reported their load lately"
    FULL = "have no space for it"

    @property
    def singular(self) -> str:
        """The same about one node."""
        verb, _, rest = self.value.partition(" ")
        return f"{_SINGULAR[verb]} {rest}".replace(" their ", " its ")


_SINGULAR = {"are": "is", "belong": "belongs", "have": "has", "lack": "lacks"}


@dataclass(frozen=True, slots=True)
class Placed:
    """The node, and the share of its scarcest resource with the room and all reservations."""

    node: str
    projected: float


@dataclass(frozen=True, slots=True)
class Unplaceable:
    """No node can take the room now. `rejections`: how many nodes were rejected, by reason."""

    rejections: Counter[Rejection]

    @property
    def message(self) -> str:
        """A sentence for a condition."""
        counted = {r: n for r, n in self.rejections.items() if r is not Rejection.OTHER_CLUSTER}
        if not counted:
            return "The cluster has no media nodes."
        total = sum(counted.values())
        parts = [
            f"{counted[r]} {r.singular if counted[r] == 1 else r.value}" for r in Rejection if r in counted
        ]
        return f"0 of {total} media nodes can take it: {', '.join(parts)}."

    @property
    def wants_capacity(self) -> bool:
        """Whether one more node of the cluster could take the room. False where the room asks for what none
        has."""
        not_by_capacity = {
            Rejection.OTHER_CLUSTER,
            Rejection.NOT_PINNED,
            Rejection.OTHER_REGION,
            Rejection.SELECTOR,
        }
        counted = {r for r in self.rejections if r is not Rejection.OTHER_CLUSTER}
        return not counted or bool(counted - not_by_capacity)
