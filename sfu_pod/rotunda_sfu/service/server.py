"""A media node with its gRPC server: what a process that serves rooms runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health

from rotunda_base.mounted_tls import server_credentials
from rotunda_sfu.node import Node
from rotunda_sfu.service.calls import SERVICE_NAME, media_node_handlers

_OPTIONS = (
    # Two nodes on one port would each get half of the calls.
    ("grpc.so_reuseport", 0),
    # Clients ping every 10 s; by default a server takes that as an attack.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A watcher whose connection is gone without being closed is noticed by pings of ours.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.server_handshake_timeout_ms", 10_000),
)
_PROBE_OPTIONS = (
    *_OPTIONS,
    # Whoever reaches the pod may ask, without a certificate.
    ("grpc.max_concurrent_streams", 16),
    ("grpc.max_receive_message_length", 1024),
)


@dataclass(frozen=True, slots=True)
class RunningNode:
    """`grpc_address` and `health_address` are where it listens, with the real ports."""

    node: Node
    grpc_address: str
    health_address: str | None = None


@asynccontextmanager
async def grpc_server(node: Node) -> AsyncIterator[RunningNode]:
    """Serves the node by its settings' address until the context ends.

    At the end watchers are told that the rooms are closed, and calls that run may finish within the
    settings' grace. Raises OSError when the address cannot be used.
    """
    server = grpc.aio.server(options=_OPTIONS)
    checks = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    server.add_generic_rpc_handlers((media_node_handlers(node),))
    address = _listen(server, node.settings.grpc_address, node.settings.tls_directory)
    probes = grpc.aio.server(options=_PROBE_OPTIONS)
    health_pb2_grpc.add_HealthServicer_to_server(checks, probes)
    probed = node.settings.health_address
    health_address = _listen(probes, probed) if probed is not None else None
    await server.start()
    await probes.start()
    for name in ("", SERVICE_NAME):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    structlog.stdlib.get_logger().info("serving", grpc_address=address, process_id=node.process_id)
    try:
        yield RunningNode(node, address, health_address)
    finally:
        await checks.enter_graceful_shutdown()
        node.close("the media node stops")
        await asyncio.shield(server.stop(node.settings.shutdown_grace))
        await asyncio.shield(probes.stop(None))


def _listen(server: grpc.aio.Server, address: str, tls: Path | None = None) -> str:
    try:
        if tls is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, server_credentials(tls))
    except RuntimeError as error:
        raise OSError(f"cannot listen for gRPC on {address}: {error}") from error
    if address.startswith("unix:"):
        return address
    return f"{address.rpartition(':')[0]}:{port}"
