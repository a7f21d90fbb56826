"""Writes that can wait: what people look at now and then, and nobody acts on.

All of them together get a fixed rate of the API server's time, and one object at most one write in some
seconds. What decides about rooms never comes here.
"""

from collections.abc import Hashable

RATE = 13.0
"""Such status writes a second, over everything."""
EVENT_RATE = 5.0
INTERVAL_SECONDS = 5.0


class Sparing:
    """Grants slots. `now` in seconds of any monotonic clock."""

    def __init__(self, *, rate: float = RATE, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._pause = 1.0 / rate
        self._interval_seconds = interval_seconds
        self._next = float("-inf")
        self._last: dict[Hashable, float] = {}
        self._granted: dict[Hashable, float] = {}

    def delay(self, item: Hashable, now: float) -> float:
        """0: write now. Else ask again after so many seconds; the slot is kept."""
        granted = self._granted.get(item)
        if granted is None:
            slot = max(now, self._next)
            self._next = slot + self._pause
            granted = max(slot, self._last.get(item, float("-inf")) + self._interval_seconds)
        if granted > now:
            self._granted[item] = granted
            return granted - now
        self._granted.pop(item, None)
        self._last[item] = now
        return 0.0

    def forget(self, item: Hashable) -> None:
        """The object is gone."""
        self._last.pop(item, None)
        self._granted.pop(item, None)
