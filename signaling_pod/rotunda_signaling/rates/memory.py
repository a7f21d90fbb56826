"""The rate limits of a single signaling process."""

import time
from collections import OrderedDict
from collections.abc import Callable

from rotunda_base.rates import Rate, TokenBucket

MAX_KEYS = 50_000
"""Beyond it the bucket that was asked least recently is forgotten, as if it were full."""


class MemoryRateLimits:
    """Implements RateLimits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    async def take(self, key: str, rate: Rate) -> float:
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(rate, now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket.take(now)
