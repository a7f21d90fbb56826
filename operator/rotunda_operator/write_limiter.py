"""A rate limit for status writes of low priority: figures that people read and nobody acts on.

All such writes together have a fixed rate, and one object is written at most once in some seconds. A status
that decides about rooms is written without this limit.
"""

from collections.abc import Hashable

WRITES_PER_SECOND = 13.0
"""Of all objects together."""
INTERVAL_SECONDS = 5.0
"""Between two writes of one object."""


class WriteLimiter:
    """Grants slots in time. `now` is in seconds of any monotonic clock."""

    def __init__(
        self, *, rate: float = WRITES_PER_SECOND, interval_seconds: float = INTERVAL_SECONDS
    ) -> None:
        self._slot_seconds = 1.0 / rate
        self._interval_seconds = interval_seconds
        self._next_slot = float("-inf")
        self._last_write: dict[Hashable, float] = {}
        self._granted: dict[Hashable, float] = {}

    def delay(self, item: Hashable, now: float) -> float:
        """0: write now. Otherwise ask again after so many seconds; the slot is kept for the item."""
        granted = self._granted.get(item)
        if granted is None:
            slot = max(now, self._next_slot)
            self._next_slot = slot + self._slot_seconds
            granted = max(slot, self._last_write.get(item, float("-inf")) + self._interval_seconds)
        if granted > now:
            self._granted[item] = granted
            return granted - now
        self._granted.pop(item, None)
        self._last_write[item] = now
        return 0.0

    def forget(self, item: Hashable) -> None:
        """The object was deleted."""
        self._last_write.pop(item, None)
        self._granted.pop(item, None)
