"""Tasks that live and end together."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

CANCEL_AGAIN_SECONDS = 1.0


async def together(work: Mapping[str, Coroutine[Any, Any, None]]) -> None:
    """Runs all, by name; the first failure, or a cancellation, ends the others. Raises BaseExceptionGroup.

    A TaskGroup cancels each task once. A request whose own time is over in the very moment in which it is
    cancelled takes the cancellation for its timeout and goes on, and the group waits for ever. Here whoever
    goes on is cancelled again.
    """
    tasks = [asyncio.create_task(coroutine, name=name) for name, coroutine in work.items()]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await _end(tasks)
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception())]
    if errors:
        raise BaseExceptionGroup("tasks that live together failed", errors)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    while going_on := [task for task in tasks if not task.done()]:
        for task in going_on:
            task.cancel()
        await asyncio.wait(going_on, timeout=CANCEL_AGAIN_SECONDS)
