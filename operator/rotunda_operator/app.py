"""One operator process: kopf is its frame, the engine its work."""

import asyncio
import sys

import kopf
import structlog

from rotunda_kube import KubeApi, KubeError
from rotunda_kube.api import connect
from rotunda_operator.engine import Engine
from rotunda_operator.handlers import cancel, registry_of
from rotunda_operator.lease import NotHolder
from rotunda_operator.logs import configure_logs
from rotunda_operator.owned.compare import MANAGER
from rotunda_operator.settings import OperatorSettings

FAILED = 1
LOST = 3
"""Exit status after losing the lease: whoever starts us starts us again, as a standby."""

_log = structlog.get_logger(__name__)


def main(settings: OperatorSettings) -> int:
    """Runs until a signal comes; the answer is the exit status."""
    configure_logs(settings.log_level, settings.log_format)
    try:
        return asyncio.run(_run(settings))
    except KubeError as error:
        print(f"rotunda: {error}", file=sys.stderr)
        return FAILED


class Operator:
    """Engine and kopf, ended together: when either ends, so does the other."""

    def __init__(self, api: KubeApi, settings: OperatorSettings) -> None:
        self.engine = Engine(api, settings)
        self.stop = asyncio.Event()
        self._settings = settings
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> int:
        registry = registry_of(self._settings, lambda: self.engine.feed, self._start, self._stop)
        port = self._settings.health_port
        await kopf.operator(
            registry=registry,
            standalone=True,
            namespaces=[self._settings.namespace],
            liveness_endpoint=f"http://0.0.0.0:{port}/healthz" if port else None,
            stop_flag=self.stop,
        )
        return self._status()

    async def _start(self) -> None:
        self._running = asyncio.create_task(self.engine.run(), name="engine")
        self._running.add_done_callback(lambda _: self.stop.set())
        await asyncio.wait([self._running, self.engine.listening], return_when=asyncio.FIRST_COMPLETED)
        if self._running.done():
            self._running.result()

    async def _stop(self) -> None:
        await cancel(self._running)

    def _status(self) -> int:
        if self._running is None or self._running.cancelled():
            return 0
        error = self._running.exception()
        if isinstance(error, NotHolder):
            _log.error("stops: the lease was lost", error=str(error))
            return LOST
        if error is not None:
            _log.error("stops: a defect", exc_info=error)
            return FAILED
        return 0


async def _run(settings: OperatorSettings) -> int:
    api = await connect(settings.kubeconfig, manager=MANAGER)
    try:
        return await Operator(api, settings).run()
    finally:
        await api.close()
