"""One operator process: the controller, its health endpoints, and the signals that end it."""

import asyncio
import logging
import signal
import sys

import structlog

from rotunda_base.exit_status import FAILED, LOST_LEASE
from rotunda_base.logs import configure_logs
from rotunda_base.tasks import cancel_and_wait
from rotunda_kube import KubeApi, KubeError
from rotunda_kube.api import connect
from rotunda_operator.controller import Controller
from rotunda_operator.health import Health
from rotunda_operator.lease import NotHolder
from rotunda_operator.owned.compare import MANAGER
from rotunda_operator.settings import OperatorSettings

_LIBRARIES = {
    "kopf": logging.WARNING,
    # Why kopf ended: cluster_informer.py logs it in one line.
    "kopf._core.reactor.running": logging.CRITICAL,
    "kopf._core.reactor.orchestration": logging.CRITICAL,
}

_log = structlog.get_logger(__name__)


def main(settings: OperatorSettings) -> int:
    """Runs until a signal comes; the answer is the exit status."""
    configure_logs(settings.log_level, settings.log_format, libraries=_LIBRARIES)
    try:
        return asyncio.run(_run(settings))
    except (KubeError, OSError) as error:
        print(f"rotunda: {error}", file=sys.stderr)
        return FAILED


async def _run(settings: OperatorSettings) -> int:
    api = await connect(settings.kubeconfig, manager=MANAGER)
    try:
        return await _operate(api, settings)
    finally:
        await api.close()


async def _operate(api: KubeApi, settings: OperatorSettings) -> int:
    """Runs until a signal comes or the controller ends. Raises OSError where health cannot be served."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    controller = Controller(api, settings)
    async with Health(settings.health_port, controller.lacks):
        running = asyncio.create_task(controller.run(), name="controller")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        await cancel_and_wait(running, stopping)
    return _status(running)


def _status(ended: "asyncio.Task[None]") -> int:
    if ended.cancelled():
        return 0
    error = ended.exception()
    if isinstance(error, NotHolder):
        _log.error("stopped: the lease was lost", error=str(error))
        return LOST_LEASE
    if isinstance(error, OSError):
        _log.error("stopped", error=str(error))
        return FAILED
    if error is not None:
        _log.error("stopped by a defect", exc_info=error)
        return FAILED
    return 0
