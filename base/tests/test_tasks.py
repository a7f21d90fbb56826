"""Tasks are ended, not only told to."""

import asyncio
from contextlib import suppress

import pytest

from rotunda_base import tasks
from rotunda_base.tasks import cancel_and_wait


async def clean_up(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        ended.append("clean")


async def stubborn(ended: list[str]) -> None:
    """Takes the first cancellation for something else."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await clean_up(ended)


async def started(*tasks: "asyncio.Task[None]") -> None:
    for _ in tasks:
        await asyncio.sleep(0)


async def test_it_returns_once_all_have_cleaned_up() -> None:
    ended: list[str] = []
    both = [asyncio.create_task(clean_up(ended)) for _ in range(2)]
    await started(*both)
    await cancel_and_wait(*both)
    assert ended == ["clean", "clean"]
    assert all(task.cancelled() for task in both)


async def test_who_goes_on_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_SECONDS", 0.001)
    ended: list[str] = []
    task = asyncio.create_task(stubborn(ended))
    await started(task)
    await cancel_and_wait(task)
    assert ended == ["clean"]


async def test_a_failure_stays_in_its_task() -> None:
    async def fail() -> None:
        raise ValueError("it broke")

    task = asyncio.create_task(fail())
    await started(task)
    await cancel_and_wait(task)
    assert str(task.exception()) == "it broke"
    await cancel_and_wait()
