"""Time as the core sees it, and the fake that tests drive by hand."""

import heapq
import itertools
from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """A call that waits for its time."""

    def cancel(self) -> None:
        """Forgets the call. Harmless when it has run or was cancelled before."""


class Clock(Protocol):
    """Monotonic time in seconds and calls in the future. Every asyncio event loop is one."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[..., Any], /) -> Timer: ...


class VirtualClock:
    """A clock that stands still until `advance` moves it."""

    def __init__(self) -> None:
        self._now = 0.0
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, _VirtualTimer]] = []

    def time(self) -> float:
        return self._now

    def call_later(self, delay: float, callback: Callable[..., Any], /) -> Timer:
        timer = _VirtualTimer(callback)
        heapq.heappush(self._waiting, (self._now + delay, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Lets time pass; what falls due runs in order, at its own time."""
        end = self._now + seconds
        while self._waiting and self._waiting[0][0] <= end:
            self._now, _, timer = heapq.heappop(self._waiting)
            timer.run()
        self._now = end

    @property
    def pending(self) -> int:
        """How many calls still wait."""
        return sum(not timer.cancelled for _, _, timer in self._waiting)


class _VirtualTimer:
    def __init__(self, callback: Callable[..., Any]) -> None:
        self._callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def run(self) -> None:
        if not self.cancelled:
            self._callback()
