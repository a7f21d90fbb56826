"""The work queue: each item once, never processed twice at the same time, never dropped."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from rotunda_kube import Conflict, Throttled
from rotunda_operator.workqueue import WorkQueue


async def test_an_item_that_is_added_many_times_is_processed_once() -> None:
    seen: list[str] = []

    async def reconcile(item: str) -> None:
        seen.append(item)

    queue = WorkQueue(_without_requeue(reconcile))
    for _ in range(5):
        queue.add("a")
    queue.add("b")
    async with _running(queue):
        await _until(lambda: len(seen) == 2 and not len(queue))

    assert sorted(seen) == ["a", "b"]


async def test_an_item_is_never_processed_twice_at_once_and_again_when_it_was_added_meanwhile() -> None:
    going: Counter[str] = Counter()
    most: Counter[str] = Counter()
    release = asyncio.Event()
    processed: list[str] = []

    async def reconcile(item: str) -> None:
        going[item] += 1
        most[item] = max(most[item], going[item])
        await release.wait()
        going[item] -= 1
        processed.append(item)

    queue = WorkQueue(_without_requeue(reconcile), workers=4)
    async with _running(queue):
        queue.add("a")
        await _until(lambda: going["a"] == 1)
        queue.add("a")
        queue.add("a")
        release.set()
        await _until(lambda: not len(queue))

    assert processed == ["a", "a"]
    assert most["a"] == 1


async def test_an_entry_left_behind_does_not_bring_a_processed_item_to_a_second_worker() -> None:
    """An item that was added with low priority and then with normal priority has two entries in the queue."""
    running = 0
    most = 0
    processed: list[str] = []

    async def reconcile(item: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if not processed and running == 1:
            queue.add(item)  # it is queued again, and its other entry is still in the queue
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        processed.append(item)
        running -= 1

    queue = WorkQueue(_without_requeue(reconcile), workers=2)
    queue.add("a", low_priority=True)
    queue.add("a")
    async with _running(queue):
        await _until(lambda: not len(queue))

    assert processed == ["a", "a"]
    assert most == 1


@pytest.mark.parametrize("error", [Conflict("newer"), Throttled("later", retry_after=0.0), ValueError("x")])
async def test_what_failed_is_tried_again(error: Exception) -> None:
    tries: list[str] = []

    async def reconcile(item: str) -> None:
        tries.append(item)
        if len(tries) < 3:
            raise error

    queue = WorkQueue(_without_requeue(reconcile))
    async with _running(queue):
        queue.add("a")
        await _until(lambda: len(tries) == 3)


async def test_an_item_of_low_priority_that_is_added_again_loses_its_low_priority() -> None:
    seen: list[str] = []

    async def reconcile(item: str) -> None:
        seen.append(item)

    queue = WorkQueue(_without_requeue(reconcile), workers=1)
    for item in ("a", "b", "c"):
        queue.add(item, low_priority=True)
    queue.add("now")
    queue.add("c")
    queue.add("c", low_priority=True)
    async with _running(queue):
        await _until(lambda: len(seen) == 4 and not len(queue))

    assert seen == ["now", "c", "a", "b"]


async def test_reconciles_that_never_suspend_let_other_tasks_run() -> None:
    """Otherwise an item that is added meanwhile would be processed only after all of them."""
    seen: list[str] = []

    async def reconcile(item: str) -> None:
        seen.append(item)
        if item == "0":
            asyncio.get_running_loop().call_soon(queue.add, "meanwhile")

    queue = WorkQueue(_without_requeue(reconcile), workers=1)
    for number in range(100):
        queue.add(str(number), low_priority=True)
    async with _running(queue):
        await _until(lambda: len(seen) == 101)

    assert seen.index("meanwhile") < 10


async def test_an_item_is_requeued_after_the_time_that_its_reconcile_returns() -> None:
    seen: list[str] = []

    async def reconcile(item: str) -> float | None:
        seen.append(item)
        return 0.01 if len(seen) < 3 else None

    queue = WorkQueue(reconcile)
    async with _running(queue):
        queue.add("a")
        await _until(lambda: len(seen) == 3)


async def test_low_priority_comes_after_normal_priority() -> None:
    seen: list[str] = []

    async def reconcile(item: str) -> None:
        seen.append(item)

    queue = WorkQueue(_without_requeue(reconcile), workers=1)
    queue.add("old", low_priority=True)
    queue.add("new")
    async with _running(queue):
        await _until(lambda: len(seen) == 2)

    assert seen == ["new", "old"]


def _without_requeue(reconcile: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[float | None]]:
    async def adapted(item: str) -> float | None:
        await reconcile(item)
        return None

    return adapted


@asynccontextmanager
async def _running(queue: WorkQueue[str]) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - counters of the test itself are processed at
            await asyncio.sleep(0.005)
