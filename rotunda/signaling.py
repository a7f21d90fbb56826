"""Signaling by itself, in front of the media nodes of a cluster: as its pods run it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
import uvloop

from rotunda.stopping import stop_event
from rotunda.vital import until_told
from rotunda_base.logs import configure_logs
from rotunda_base.tasks import cancel_and_wait
from rotunda_kube.api import connect
from rotunda_signaling.app import LIBRARIES, Signaling
from rotunda_signaling.backing import for_many_processes
from rotunda_signaling.directory.kubernetes import KubernetesDirectory
from rotunda_signaling.http.server import HttpServer, listen
from rotunda_signaling.media_node.grpc import GrpcMediaNodes
from rotunda_signaling.media_node.tls import dial_with
from rotunda_signaling.settings import SignalingSettings

API_SECONDS = 5.0
"""How long the API server may take for one answer: a join of an unknown room waits for it."""


def run(settings: SignalingSettings) -> int:
    """Serves until a signal comes or something vital ends; the answer is the exit status.

    Raises OSError for an address that cannot be used, KubeError where no API server can be found.
    """
    configure_logs(settings.log_level, settings.log_format, libraries=LIBRARIES)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve_until_told(settings))


@dataclass(frozen=True, slots=True)
class Serving:
    """What runs. `vital` tasks end only where something is wrong with us."""

    http: HttpServer
    vital: "Sequence[asyncio.Task[None] | None]"


@asynccontextmanager
async def cluster_signaling(settings: SignalingSettings) -> AsyncIterator[Serving]:
    """Signaling, serving, until the context ends."""
    async with AsyncExitStack() as stack:
        sock = stack.enter_context(listen(settings.host, settings.port))
        api = await connect(settings.kubeconfig, manager="rotunda-signaling", request_seconds=API_SECONDS)
        stack.push_async_callback(api.close)
        directory = KubernetesDirectory(
            api, settings.namespace, settings.cluster, max_rooms=settings.max_rooms
        )
        follower = asyncio.create_task(directory.run(), name="directory")
        stack.push_async_callback(cancel_and_wait, follower)
        nodes = GrpcMediaNodes(dial=dial_with(settings.tls_directory, settings.cluster, settings.namespace))
        stack.push_async_callback(nodes.close)
        backing = for_many_processes(settings)
        stack.push_async_callback(backing.stop)
        signaling = Signaling(settings, directory, nodes, backing, directory.check_ready)
        backing.start()
        http = HttpServer(signaling.asgi, sock, settings.https_directory, connections=signaling.connections)
        await http.start()
        try:
            yield Serving(http, (follower, backing.task))
        finally:
            # People connect again, to another pod, and have their seats and media; the rooms go on.
            http.close()
            await signaling.shutdown()
            await http.stop()


async def _serve_until_told(settings: SignalingSettings) -> int:
    log = structlog.get_logger(__name__)
    with stop_event() as stop:
        async with cluster_signaling(settings) as serving:
            url = f"{settings.scheme}://{settings.host}:{serving.http.port}/"
            log.info("serving", url=url, namespace=settings.namespace, cluster=settings.cluster)
            return await until_told(stop, *serving.vital)
