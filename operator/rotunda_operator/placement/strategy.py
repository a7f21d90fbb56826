"""Which of the nodes that suit a room is taken."""

import random
from collections.abc import Sequence
from typing import Protocol

from rotunda_operator.placement.types import Candidate


class Strategy(Protocol):
    """Chooses among nodes that all passed the filters; never called with none."""

    def choose(self, suitable: Sequence[Candidate], rng: random.Random) -> Candidate: ...


class LeastLoaded:
    """The lowest projected load; among equals, any, so that a fleet of empty nodes fills evenly."""

    def choose(self, suitable: Sequence[Candidate], rng: random.Random) -> Candidate:
        lowest = min(candidate.projected for candidate in suitable)
        equals = [candidate for candidate in suitable if candidate.projected <= lowest]
        return equals[0] if len(equals) == 1 else rng.choice(equals)
