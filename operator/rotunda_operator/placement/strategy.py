"""The order in which nodes are tried for a room."""

import random
from collections.abc import Sequence
from operator import attrgetter
from typing import Protocol

from rotunda_operator.placement.types import Candidate


class Strategy(Protocol):
    """The first candidate in its order that passes the filters gets the room. Mostly it is the first of
    all."""

    def order(self, candidates: Sequence[Candidate], rng: random.Random) -> Sequence[Candidate]:
        """All candidates in order. Never called without any."""
        ...


class LeastLoaded:
    """The lowest projected load first. Among equals the start is random, so that empty nodes fill evenly."""

    def order(self, candidates: Sequence[Candidate], rng: random.Random) -> Sequence[Candidate]:
        first = rng.randrange(len(candidates))
        # Sorting is stable: equals stay in the order of the list, which begins at a random place.
        return sorted([*candidates[first:], *candidates[:first]], key=attrgetter("projected"))
