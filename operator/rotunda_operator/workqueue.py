"""Keys that wait to be looked at, and a bounded number of workers that look.

A key waits at most once, is never in two workers' hands, is looked at again when something happened
meanwhile, and is never dropped: what failed is tried again after a growing, jittered pause.
"""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from rotunda_kube import Conflict, KubeError
from rotunda_operator.task_group import together

Item = TypeVar("Item", bound=Hashable)

WORKERS = 8
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 10.0

_log = structlog.get_logger(__name__)


class WorkQueue(Generic[Item]):
    """`handle` looks at one key and answers after how many seconds to look again; None: when it changes."""

    def __init__(
        self,
        handle: Callable[[Item], Awaitable[float | None]],
        *,
        workers: int = WORKERS,
        rng: random.Random | None = None,
    ) -> None:
        self._handle = handle
        self._workers = workers
        self._rng = rng or random.Random()
        self._ready: asyncio.PriorityQueue[tuple[bool, int, Item]] = asyncio.PriorityQueue()
        self._numbers = itertools.count()
        self._waiting: set[Item] = set()
        self._late: set[Item] = set()
        """Those among the waiting for which others are taken first."""
        self._busy: set[Item] = set()
        self._timers: dict[Item, asyncio.TimerHandle] = {}
        self._failures: dict[Item, int] = {}

    def __len__(self) -> int:
        """Keys that wait or are looked at; not those whose time has not come."""
        return len(self._waiting) + len(self._busy)

    def add(self, item: Item, *, late: bool = False) -> None:
        """Look at it as soon as a worker is free; `late`: when nothing else waits that is not."""
        self._cancel_timer(item)
        if item in self._waiting and (late or item not in self._late):
            return
        self._waiting.add(item)
        if late:
            self._late.add(item)
        else:
            self._late.discard(item)
        if item not in self._busy:
            self._offer(item)

    def add_after(self, item: Item, seconds: float) -> None:
        """Look at it then, or earlier when something else asks for it."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(item)
        if timer is not None and timer.when() <= loop.time() + seconds:
            return
        self._cancel_timer(item)
        self._timers[item] = loop.call_later(max(seconds, 0.0), self._due, item)

    async def run(self) -> None:
        """Works until cancelled."""
        await together({f"worker {number}": self._work() for number in range(self._workers)})

    async def _work(self) -> None:
        while True:
            item = (await self._ready.get())[2]
            if item not in self._waiting or item in self._busy:
                continue  # it was late, then asked for again, and has been taken before this entry
            self._waiting.discard(item)
            self._late.discard(item)
            self._busy.add(item)
            try:
                await self._look(item)
            finally:
                self._busy.discard(item)
                if item in self._waiting:
                    self._offer(item)
            # A look may wait for nothing: ten thousand of them must not keep all else from running.
            await asyncio.sleep(0)

    async def _look(self, item: Item) -> None:
        try:
            again = await self._handle(item)
        except Conflict:
            self._retry(item, None)  # the newer object is on its way through the watch
        except KubeError as error:
            _log.warning("will try again", item=str(item), error=str(error))
            self._retry(item, error.retry_after)
        except Exception:
            _log.exception("a defect, will try again", item=str(item))
            self._retry(item, None)
        else:
            self._failures.pop(item, None)
            if again is not None:
                self.add_after(item, again)

    def _retry(self, item: Item, retry_after: float | None) -> None:
        failures = self._failures[item] = self._failures.get(item, 0) + 1
        pause = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE)
        self.add_after(item, max(pause, retry_after or 0.0) * self._rng.uniform(0.75, 1.25))

    def _due(self, item: Item) -> None:
        self._timers.pop(item, None)
        self.add(item)

    def _offer(self, item: Item) -> None:
        self._ready.put_nowait((item in self._late, next(self._numbers), item))

    def _cancel_timer(self, item: Item) -> None:
        timer = self._timers.pop(item, None)
        if timer is not None:
            timer.cancel()
