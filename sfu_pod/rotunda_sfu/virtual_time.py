"""An event loop whose time jumps: where everything waits for a timer, that timer is due at once.

For tests of what takes seconds. Only for code that waits for nothing outside of the loop.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`time` starts at zero and moves only when there is nothing else to do."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_NoWaiting(self))

    def time(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


class _NoWaiting(selectors.DefaultSelector):
    """Advances the loop's time instead of waiting."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing is left to wait for: the test would hang")
        if not ready and timeout:
            self._loop.advance(timeout)
        return ready


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Lets virtual time go on until the condition holds; TimeoutError after so many virtual seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - costs nothing in virtual time, and needs no hook
            await asyncio.sleep(0.01)
