"""Tasks that live and end together."""

import asyncio
from contextlib import suppress

import pytest

from rotunda_base import tasks
from rotunda_operator.task_group import run_task_group


async def stubborn(ended: list[str]) -> None:
    """Takes the first cancellation for something else."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("stubborn")


async def failing() -> None:
    await asyncio.sleep(0)
    raise ValueError("it broke")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_SECONDS", 0.001)


async def test_a_failure_ends_the_others_even_those_that_swallow_a_cancellation() -> None:
    ended: list[str] = []
    with pytest.raises(BaseExceptionGroup) as caught:
        await run_task_group({"stubborn": stubborn(ended), "failing": failing()})
    assert [str(error) for error in caught.value.exceptions] == ["it broke"]
    assert ended == ["stubborn"]


async def test_so_does_a_cancellation_from_outside() -> None:
    ended: list[str] = []
    task = asyncio.create_task(run_task_group({"stubborn": stubborn(ended)}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["stubborn"]


async def test_it_is_over_when_all_are() -> None:
    await run_task_group({"one": asyncio.sleep(0), "two": asyncio.sleep(0)})
