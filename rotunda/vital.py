"""Tasks without which a process is no use: it ends with a failure, and whoever runs it starts it anew."""

import asyncio

import structlog

from rotunda_base.exit_status import FAILED


async def until_told(stop: asyncio.Event, *vital: "asyncio.Task[None] | None") -> int:
    """Returns the exit status: 0 once `stop` is set, FAILED once one of the tasks ends by itself."""
    log = structlog.get_logger(__name__)
    told = asyncio.create_task(stop.wait(), name="told to stop")
    tasks = {task for task in vital if task is not None}
    await asyncio.wait((told, *tasks), return_when=asyncio.FIRST_COMPLETED)
    if told.done():
        log.info("stopping")
        return 0
    told.cancel()
    for task in tasks:
        if task.done():
            error = task.exception() if not task.cancelled() else None
            log.critical("ended, and the process with it", task=task.get_name(), exc_info=error)
    return FAILED
