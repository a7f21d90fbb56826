"""A task group that cancels again a task that has swallowed its cancellation."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from rotunda_base.tasks import cancel_and_wait


async def run_task_group(work: Mapping[str, Coroutine[Any, Any, None]]) -> None:
    """Runs all coroutines as tasks of these names. Raises BaseExceptionGroup.

    The first task that fails, or a cancellation of the caller, cancels the others.

    asyncio.TaskGroup cancels each task once. A request that reaches its own timeout in the same instant in
    which it is cancelled takes the cancellation for its timeout and continues, and the TaskGroup would wait
    for it without end. Here a task that continues is cancelled again.
    """
    tasks = [asyncio.create_task(coroutine, name=name) for name, coroutine in work.items()]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await cancel_and_wait(*tasks)
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception())]
    if errors:
        raise BaseExceptionGroup("tasks of a group failed", errors)
