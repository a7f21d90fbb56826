"""How long to wait before trying again what another service did not do."""

import random

FIRST = 0.1
LONGEST = 3.0
"""Seconds. People in a call wait for what comes back, so it is asked often."""


class Backoff:
    """Grows with every failure in a row; jittered, so that many processes do not come at once."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.Random()
        self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> float:
        """Seconds until the next attempt."""
        pause = min(FIRST * 2.0 ** min(self._failures, 10), LONGEST)
        self._failures += 1
        return pause * self._rng.uniform(0.5, 1.0)
