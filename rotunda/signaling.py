"""Signaling by itself, in front of the media nodes of a cluster: as its pods run it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
import uvloop

from rotunda.stopping import stop_event
from rotunda_kube.api import connect
from rotunda_signaling.app import Signaling
from rotunda_signaling.directory.kubernetes import KubernetesDirectory
from rotunda_signaling.fanout.memory import MemoryFanout
from rotunda_signaling.http.server import HttpServer, listen
from rotunda_signaling.logs import configure_logs
from rotunda_signaling.media_node.grpc import GrpcMediaNodes
from rotunda_signaling.media_node.tls import dial_with
from rotunda_signaling.settings import SignalingSettings

API_SECONDS = 5.0
"""How long the API server may take for one answer: a join of an unknown room waits for it."""


def run(settings: SignalingSettings) -> int:
    """Serves until a signal comes; the answer is the exit status.

    Raises OSError for an address that cannot be used, KubeError where no API server can be found.
    """
    configure_logs(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve_until_told(settings))
    return 0


@asynccontextmanager
async def cluster_signaling(settings: SignalingSettings) -> AsyncIterator[HttpServer]:
    """Signaling, serving, until the context ends."""
    with listen(settings.host, settings.port) as sock:
        api = await connect(settings.kubeconfig, request_seconds=API_SECONDS)
        directory = KubernetesDirectory(
            api, settings.namespace, settings.cluster, max_rooms=settings.max_rooms
        )
        follower = asyncio.create_task(directory.run(), name="directory")
        nodes = GrpcMediaNodes(dial=dial_with(settings.tls_directory, settings.cluster, settings.namespace))
        signaling = Signaling(settings, directory, nodes, MemoryFanout(), directory.check_ready)
        http = HttpServer(signaling.asgi, sock, settings.https_directory)
        await http.start()
        try:
            yield http
        finally:
            await signaling.shutdown()
            await http.stop()
            await nodes.close()
            follower.cancel()
            with suppress(asyncio.CancelledError):
                await follower
            await api.close()


async def _serve_until_told(settings: SignalingSettings) -> None:
    stop, log = stop_event(), structlog.get_logger(__name__)
    async with cluster_signaling(settings) as http:
        url = f"{settings.scheme}://{settings.host}:{http.port}/"
        log.info("serving", url=url, namespace=settings.namespace, cluster=settings.cluster)
        await stop.wait()
        log.info("stopping")
