"""In which order the nodes are tried for a room."""

import random
from collections.abc import Sequence
from operator import attrgetter
from typing import Protocol

from rotunda_operator.placement.types import Candidate


class Strategy(Protocol):
    """The first in its order that suits the room is taken; most rooms suit the first."""

    def order(self, candidates: Sequence[Candidate], rng: random.Random) -> Sequence[Candidate]:
        """All of them; never called with none."""
        ...


class LeastLoaded:
    """The lowest projected load first; among equals, any, so that a fleet of empty nodes fills evenly."""

    def order(self, candidates: Sequence[Candidate], rng: random.Random) -> Sequence[Candidate]:
        first = rng.randrange(len(candidates))
        # Sorting is stable: equals stay in the order of a list that begins anywhere.
        return sorted([*candidates[first:], *candidates[:first]], key=attrgetter("projected"))
