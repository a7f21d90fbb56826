"""A token bucket with the clock as an argument."""

from __future__ import annotations


class TokenBucket:
    """`rate` bytes a second with bursts of `burst` bytes. Times in seconds of any monotonic clock.

    What was taken is charged afterwards, so the level may go below zero: sizes need not be known
    before something is taken.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._updated = now

    def wait(self, now: float) -> float:
        """Seconds until something may be taken; 0 when it may be now."""
        self._refill(now)
        return 0.0 if self._level > 0 else (1 - self._level) / self._rate

    def charge(self, size: int, now: float) -> None:
        """Accounts for what was taken."""
        self._refill(now)
        self._level -= size

    def _refill(self, now: float) -> None:
        self._level = min(self._burst, self._level + (now - self._updated) * self._rate)
        self._updated = now
