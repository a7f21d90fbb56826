"""Node choice: the first node in the order of the strategy that passes all filters."""

import random
from collections import Counter
from collections.abc import Sequence

from rotunda_operator.placement.strategy import LeastLoaded, Strategy
from rotunda_operator.placement.types import Candidate, Placed, Rejection, RoomRequest, Shares, Unplaceable

FULL_AT = 1.0
"""A node takes no room that would raise the share of any resource above this, unless the node is empty."""
BUSY_AT = 0.95
"""A node that reports this utilization or more takes no rooms, whatever uses it."""


def place(
    request: RoomRequest,
    candidates: Sequence[Candidate],
    *,
    rng: random.Random,
    strategy: Strategy | None = None,
) -> Placed | Unplaceable:
    """The node for a room, or why there is none. The same arguments and `rng` state give the same answer."""
    rejections: Counter[Rejection] = Counter()
    for candidate in (strategy or LeastLoaded()).order(candidates, rng) if candidates else ():
        rejection = reject(request, candidate)
        if rejection is None:
            return Placed(candidate.name, candidate.with_room(request.people).largest)
        rejections[rejection] += 1
    return Unplaceable(rejections)


def reject(request: RoomRequest, candidate: Candidate) -> Rejection | None:
    """The first filter that rejects the node, or None."""
    if candidate.cluster != request.cluster:
        return Rejection.OTHER_CLUSTER
    if request.pin_to and candidate.name != request.pin_to:
        return Rejection.NOT_PINNED
    if request.region and candidate.region != request.region:
        return Rejection.OTHER_REGION
    if any(candidate.labels.get(key) != value for key, value in request.node_selector.items()):
        return Rejection.SELECTOR
    if not candidate.ready:
        return Rejection.NOT_READY
    if candidate.cordoned:
        return Rejection.CORDONED
    if candidate.utilization is None:
        return Rejection.SILENT
    if not _fits(request, candidate, candidate.utilization):
        return Rejection.FULL
    return None


def _fits(request: RoomRequest, candidate: Candidate, utilization: float) -> bool:
    if utilization >= BUSY_AT:
        return False
    if candidate.participants + request.people > candidate.participant_capacity:
        return False
    # A room that is larger than a whole node has to go somewhere: to an empty node.
    empty = candidate.participants == 0 and candidate.reserved == Shares()
    return empty or candidate.with_room(request.people).largest <= FULL_AT
