"""The queue: each key once, never in two hands, never dropped."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from rotunda_kube import Conflict, Throttled
from rotunda_operator.workqueue import WorkQueue


async def test_what_is_asked_for_many_times_is_looked_at_once() -> None:
    seen: list[str] = []

    async def look(item: str) -> None:
        seen.append(item)

    queue = WorkQueue(_nothing(look))
    for _ in range(5):
        queue.add("a")
    queue.add("b")
    async with _running(queue):
        await _until(lambda: len(seen) == 2 and not len(queue))

    assert sorted(seen) == ["a", "b"]


async def test_a_key_is_never_in_two_hands_and_is_looked_at_again_when_it_changed_meanwhile() -> None:
    going: Counter[str] = Counter()
    most: Counter[str] = Counter()
    release = asyncio.Event()
    looked: list[str] = []

    async def look(item: str) -> None:
        going[item] += 1
        most[item] = max(most[item], going[item])
        await release.wait()
        going[item] -= 1
        looked.append(item)

    queue = WorkQueue(_nothing(look), workers=4)
    async with _running(queue):
        queue.add("a")
        await _until(lambda: going["a"] == 1)
        queue.add("a")
        queue.add("a")
        release.set()
        await _until(lambda: not len(queue))

    assert looked == ["a", "a"]
    assert most["a"] == 1


async def test_an_entry_left_behind_does_not_bring_a_key_that_is_looked_at_to_a_second_worker() -> None:
    """Asked for late and then at once it has two entries, of which one worker takes the first."""
    going = 0
    most = 0
    looked: list[str] = []

    async def look(item: str) -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        if not looked and going == 1:
            queue.add(item)  # it waits again, and the other entry still stands in the queue
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        looked.append(item)
        going -= 1

    queue = WorkQueue(_nothing(look), workers=2)
    queue.add("a", late=True)
    queue.add("a")
    async with _running(queue):
        await _until(lambda: not len(queue))

    assert looked == ["a", "a"]
    assert most == 1


@pytest.mark.parametrize("error", [Conflict("newer"), Throttled("later", retry_after=0.0), ValueError("x")])
async def test_what_failed_is_tried_again(error: Exception) -> None:
    tries: list[str] = []

    async def look(item: str) -> None:
        tries.append(item)
        if len(tries) < 3:
            raise error

    queue = WorkQueue(_nothing(look))
    async with _running(queue):
        queue.add("a")
        await _until(lambda: len(tries) == 3)


async def test_what_is_late_comes_last_until_it_is_asked_for_again() -> None:
    seen: list[str] = []

    async def look(item: str) -> None:
        seen.append(item)

    queue = WorkQueue(_nothing(look), workers=1)
    for item in ("a", "b", "c"):
        queue.add(item, late=True)
    queue.add("now")
    queue.add("c")
    queue.add("c", late=True)
    async with _running(queue):
        await _until(lambda: len(seen) == 4 and not len(queue))

    assert seen == ["now", "c", "a", "b"]


async def test_many_looks_that_wait_for_nothing_let_others_run() -> None:
    """Or whatever happens meanwhile would be heard of, and looked at, only when all are done."""
    seen: list[str] = []

    async def look(item: str) -> None:
        seen.append(item)
        if item == "0":
            asyncio.get_running_loop().call_soon(queue.add, "meanwhile")

    queue = WorkQueue(_nothing(look), workers=1)
    for number in range(100):
        queue.add(str(number), late=True)
    async with _running(queue):
        await _until(lambda: len(seen) == 101)

    assert seen.index("meanwhile") < 10


async def test_a_look_may_ask_for_the_next_one() -> None:
    seen: list[str] = []

    async def look(item: str) -> float | None:
        seen.append(item)
        return 0.01 if len(seen) < 3 else None

    queue = WorkQueue(look)
    async with _running(queue):
        queue.add("a")
        await _until(lambda: len(seen) == 3)


async def test_what_is_late_comes_after_what_is_not() -> None:
    seen: list[str] = []

    async def look(item: str) -> None:
        seen.append(item)

    queue = WorkQueue(_nothing(look), workers=1)
    queue.add("standing", late=True)
    queue.add("new")
    async with _running(queue):
        await _until(lambda: len(seen) == 2)

    assert seen == ["new", "standing"]


def _nothing(look: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[float | None]]:
    async def handle(item: str) -> float | None:
        await look(item)
        return None

    return handle


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
        while not holds():  # noqa: ASYNC110 - counters of the test itself are looked at
            await asyncio.sleep(0.005)
