"""The first node in the strategy's order that passes the filters."""

import random
from collections import Counter
from collections.abc import Sequence

from rotunda_operator.placement.strategy import LeastLoaded, Strategy
from rotunda_operator.placement.types import Candidate, Placed, Rejection, RoomRequest, Shares, Unplaceable

FULL_AT = 1.0
"""Share of any resource above which a node takes no more rooms, unless it is empty."""
BUSY_AT = 0.95
"""Utilization that a node reports above which it takes no rooms, whatever it is busy with."""


def place(
    request: RoomRequest,
    candidates: Sequence[Candidate],
    *,
    rng: random.Random,
    strategy: Strategy | None = None,
) -> Placed | Unplaceable:
    """The node for a room, or why there is none. The same arguments and state of `rng`: the same answer."""
    rejections: Counter[Rejection] = Counter()
    for candidate in (strategy or LeastLoaded()).order(candidates, rng) if candidates else ():
        rejection = reject(request, candidate)
        if rejection is None:
            return Placed(candidate.name, candidate.with_room(request.people).most)
        rejections[rejection] += 1
    return Unplaceable(rejections)


def reject(request: RoomRequest, candidate: Candidate) -> Rejection | None:
    """The first test that the node fails, or None when it suits."""
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
    # A room larger than a whole node must still go somewhere: an empty node takes it.
    empty = candidate.participants == 0 and candidate.reserved == Shares()
    return empty or candidate.with_room(request.people).most <= FULL_AT
