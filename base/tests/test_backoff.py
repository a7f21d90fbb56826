"""Pauses grow with every failure in a row, up to a longest, and are never the same for two processes."""

import random

import pytest

from rotunda_base.backoff import Backoff, pause


class Highest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return b


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(first=0.5, longest=3.0, rng=Highest())
    assert [backoff.failed() for _ in range(4)] == [0.5, 1.0, 2.0, 3.0]
    backoff.succeeded()
    assert (backoff.failures, backoff.failed(), backoff.failures) == (0, 0.5, 1)


@pytest.mark.parametrize("failures", [1, 3, 10_000])
def test_they_are_spread_over_half_of_their_length(failures: int) -> None:
    whole = pause(failures, 0.5, 3.0, Highest())
    pauses = [pause(failures, 0.5, 3.0, random.Random(seed)) for seed in range(100)]
    assert whole / 2 <= min(pauses) < 0.6 * whole
    assert 0.9 * whole < max(pauses) <= whole
