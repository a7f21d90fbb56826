"""The first node in the strategy's order that passes the filters."""

import random
from collections import Counter
from collections.abc import Sequence

from rotunda_operator.placement.reservation import consumers_of
from rotunda_operator.placement.strategy import LeastLoaded, Strategy
from rotunda_operator.placement.types import Candidate, Placed, Rejection, RoomRequest, Unplaceable

FULL_AT = 1.0
"""Projected utilization above which a node takes no more rooms, unless it is empty."""


def place(
    request: RoomRequest,
    candidates: Sequence[Candidate],
    *,
    consumer_cost: float,
    rng: random.Random,
    strategy: Strategy | None = None,
) -> Placed | Unplaceable:
    """The node for a room, or why there is none.

    `consumer_cost` is the utilization (0 to 1) that one consumer adds. The same arguments and state of `rng`
    give the same answer.
    """
    added = consumers_of(request.people) * consumer_cost
    rejections: Counter[Rejection] = Counter()
    for candidate in (strategy or LeastLoaded()).order(candidates, rng) if candidates else ():
        rejection = reject(request, candidate, added)
        if rejection is None:
            return Placed(candidate.name, added)
        rejections[rejection] += 1
    return Unplaceable(rejections)


def reject(request: RoomRequest, candidate: Candidate, added: float) -> Rejection | None:
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
    if not _fits(request, candidate, added):
        return Rejection.FULL
    return None


def _fits(request: RoomRequest, candidate: Candidate, added: float) -> bool:
    if candidate.participants + request.people > candidate.participant_capacity:
        return False
    # A room larger than a whole node must still go somewhere: an empty node takes it.
    empty = candidate.participants == 0 and candidate.reserved == 0
    return empty or candidate.projected + added <= FULL_AT
