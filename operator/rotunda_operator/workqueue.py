"""A queue of items to reconcile, and a bounded number of workers that reconcile them.

As in client-go's workqueue an item is queued at most once, is never processed by two workers at the same
time, and is processed again when it was added meanwhile. An item is never dropped: one that failed is tried
again after a delay that grows and is jittered.
"""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from rotunda_kube import Conflict, KubeError
from rotunda_operator.task_group import run_task_group

Item = TypeVar("Item", bound=Hashable)

WORKERS = 8
FIRST_DELAY = 0.05
MAX_DELAY = 10.0

_log = structlog.get_logger(__name__)


class WorkQueue(Generic[Item]):
    """`reconcile` answers after how many seconds to reconcile the item again; None: when it is added."""

    def __init__(
        self,
        reconcile: Callable[[Item], Awaitable[float | None]],
        *,
        workers: int = WORKERS,
        rng: random.Random | None = None,
    ) -> None:
        self._reconcile = reconcile
        self._workers = workers
        self._rng = rng or random.Random()
        self._ready: asyncio.PriorityQueue[tuple[bool, int, Item]] = asyncio.PriorityQueue()
        self._numbers = itertools.count()
        self._queued: set[Item] = set()
        self._low_priority: set[Item] = set()
        """Those of `_queued` that are processed after all others."""
        self._processing: set[Item] = set()
        self._timers: dict[Item, asyncio.TimerHandle] = {}
        self._failures: dict[Item, int] = {}

    def __len__(self) -> int:
        """Items that are queued or being processed, without those whose delay is not over."""
        return len(self._queued) + len(self._processing)

    def add(self, item: Item, *, low_priority: bool = False) -> None:
        """Processed as soon as a worker is free; with `low_priority` after all items without it."""
        self._cancel_timer(item)
        if item in self._queued and (low_priority or item not in self._low_priority):
            return
        self._queued.add(item)
        if low_priority:
            self._low_priority.add(item)
        else:
            self._low_priority.discard(item)
        if item not in self._processing:
            self._push(item)

    def add_after(self, item: Item, seconds: float) -> None:
        """Added then, unless it is added before."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(item)
        if timer is not None and timer.when() <= loop.time() + seconds:
            return
        self._cancel_timer(item)
        self._timers[item] = loop.call_later(max(seconds, 0.0), self._on_timer, item)

    async def run(self) -> None:
        """Processes items until cancelled."""
        await run_task_group({f"worker {number}": self._work() for number in range(self._workers)})

    async def _work(self) -> None:
        while True:
            item = (await self._ready.get())[2]
            if item not in self._queued or item in self._processing:
                # An item of low priority that was added again has two entries. The other one came first.
                continue
            self._queued.discard(item)
            self._low_priority.discard(item)
            self._processing.add(item)
            try:
                await self._process(item)
            finally:
                self._processing.discard(item)
                if item in self._queued:
                    self._push(item)
            # Reconciling may never suspend: without this ten thousand items in a row would block the loop.
            await asyncio.sleep(0)

    async def _process(self, item: Item) -> None:
        try:
            requeue_after = await self._reconcile(item)
        except Conflict:
            self._retry(item, None)  # the watch is about to bring the newer object
        except KubeError as error:
            _log.warning("reconcile failed, will retry", item=str(item), error=str(error))
            self._retry(item, error.retry_after)
        except Exception:
            _log.exception("reconcile failed by a defect, will retry", item=str(item))
            self._retry(item, None)
        else:
            self._failures.pop(item, None)
            if requeue_after is not None:
                self.add_after(item, requeue_after)

    def _retry(self, item: Item, retry_after: float | None) -> None:
        failures = self._failures[item] = self._failures.get(item, 0) + 1
        delay = min(FIRST_DELAY * 2.0 ** min(failures - 1, 10), MAX_DELAY)
        self.add_after(item, max(delay, retry_after or 0.0) * self._rng.uniform(0.75, 1.25))

    def _on_timer(self, item: Item) -> None:
        self._timers.pop(item, None)
        self.add(item)

    def _push(self, item: Item) -> None:
        self._ready.put_nowait((item in self._low_priority, next(self._numbers), item))

    def _cancel_timer(self, item: Item) -> None:
        timer = self._timers.pop(item, None)
        if timer is not None:
            timer.cancel()
