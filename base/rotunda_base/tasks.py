"""Ending tasks."""

import asyncio
from typing import Any

CANCEL_AGAIN_SECONDS = 5.0


async def cancel_and_wait(*tasks: "asyncio.Task[Any]") -> None:
    """Returns once all of them have ended. What one failed with stays in it; asyncio logs it if nobody asks.

    A request whose own time is over in the very moment in which it is cancelled takes the cancellation for
    its timeout and goes on. Whoever goes on is cancelled again after some seconds.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=CANCEL_AGAIN_SECONDS)
