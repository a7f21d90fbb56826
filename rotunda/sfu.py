"""A media node by itself, as its pod runs it."""

import asyncio

import structlog
import uvloop

from rotunda.stopping import stop_event
from rotunda_base.logs import configure_logs
from rotunda_base.settings import LogSettings
from rotunda_base.tasks import cancel_and_wait
from rotunda_sfu.announced import with_announced_address
from rotunda_sfu.serve import serve
from rotunda_sfu.settings import NodeSettings


def run(settings: NodeSettings, logs: LogSettings) -> int:
    """Serves until a signal comes; the answer is the exit status. Raises OSError for an unusable address."""
    configure_logs(logs.log_level, logs.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve_until_told(settings))
    return 0


async def _serve_until_told(settings: NodeSettings) -> None:
    with stop_event() as stop:
        told = asyncio.create_task(stop.wait())
        announced = asyncio.create_task(with_announced_address(settings))
        await asyncio.wait((told, announced), return_when=asyncio.FIRST_COMPLETED)
        if not announced.done():
            await cancel_and_wait(announced)
            return
        async with serve(announced.result()):
            await told
            structlog.get_logger(__name__).info("stopping")
