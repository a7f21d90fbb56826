"""How much may come, and how fast. Pure: `now` is an argument, in seconds of any monotonic clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a second in the long run: of requests, of bytes, of anything."""

    burst: int
    per_second: float


class TokenBucket:
    """Lets through what a rate allows. It is full at first.

    Where the size is known before, `take` it. Where it is known only afterwards, ask `wait` and then `charge`
    what it was: the bucket may then hold less than nothing for a while.
    """

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._updated = now

    def take(self, now: float) -> float:
        """Takes one: 0 when allowed, else nothing is taken and it says in how many seconds it would be."""
        self._refill(now)
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return self._until_one()

    def wait(self, now: float) -> float:
        """Seconds until something may be charged; 0 when it may be now."""
        self._refill(now)
        return 0.0 if self._tokens > 0 else self._until_one()

    def charge(self, size: float, now: float) -> None:
        """Accounts for what came."""
        self._refill(now)
        self._tokens -= size

    def _until_one(self) -> float:
        return (1.0 - self._tokens) / self._rate.per_second

    def _refill(self, now: float) -> None:
        grown = (now - self._updated) * self._rate.per_second
        self._tokens = min(float(self._rate.burst), self._tokens + grown)
        self._updated = now
