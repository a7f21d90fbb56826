"""The whole media node of one process: workers, DTLS thread, rooms, gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rotunda_sfu.dtls import SessionThread
from rotunda_sfu.native_worker import open_workers
from rotunda_sfu.node import Node
from rotunda_sfu.quality_monitor import watch_quality
from rotunda_sfu.service.server import RunningNode, grpc_server
from rotunda_sfu.settings import NodeSettings


@asynccontextmanager
async def serve(settings: NodeSettings) -> AsyncIterator[RunningNode]:
    """Runs a media node until the context ends. Raises OSError for an address that cannot be used."""
    workers = open_workers(settings)
    sessions = SessionThread()
    sessions.start()
    try:
        node = Node(settings, workers, sessions, asyncio.get_running_loop())
        async with grpc_server(node) as running, watch_quality(node), _load_reports(node):
            yield running
    finally:
        # Peers are sent their close_notify through the workers, so these go last.
        await sessions.stop()
        for worker in workers:
            worker.close()


@asynccontextmanager
async def _load_reports(node: Node) -> AsyncIterator[None]:
    endpoint = node.settings.otlp_endpoint
    if endpoint is None:
        yield
        return
    # Imported late: OpenTelemetry takes a good part of a second, and a single machine reports to nobody.
    from rotunda_sfu.telemetry import report_load

    async with report_load(node, endpoint):
        yield
