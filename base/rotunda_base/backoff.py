"""How long to wait before trying again what another service did not do."""

import random

FIRST = 0.1
LONGEST = 3.0
"""Seconds. People in a call wait for what comes back, so it is asked often."""


class Backoff:
    """Counts failures in a row, and says how long to wait after each. Times in seconds."""

    def __init__(
        self, first: float = FIRST, longest: float = LONGEST, rng: random.Random | None = None
    ) -> None:
        self.failures = 0
        self._first = first
        self._longest = longest
        self._rng = rng or random.Random()

    def succeeded(self) -> None:
        self.failures = 0

    def failed(self) -> float:
        """Seconds until the next attempt."""
        self.failures += 1
        return pause(self.failures, self._first, self._longest, self._rng)


def pause(failures: int, first: float, longest: float, rng: random.Random) -> float:
    """Seconds to wait after so many failures, one or more, one after the other.

    It doubles with each of them; jittered, so that many processes do not come at once.
    """
    return min(first * 2.0 ** min(failures - 1, 10), longest) * rng.uniform(0.5, 1.0)
