"""One machine, one process: a media node, signaling in front of it over loopback gRPC, and HTTP."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from rotunda.stopping import stop_event
from rotunda.vital import until_told
from rotunda_base.logs import configure_logs
from rotunda_contract.ids import ProcessId
from rotunda_sfu.node import Node
from rotunda_sfu.serve import serve as serve_media
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.app import LIBRARIES, STOPPING, Signaling
from rotunda_signaling.backing import for_one_process
from rotunda_signaling.directory.local import LocalDirectory, LocalNode
from rotunda_signaling.http.server import HttpServer, listen
from rotunda_signaling.media_node.grpc import GrpcMediaNodes
from rotunda_signaling.settings import SignalingSettings


def run(settings: SignalingSettings, node_settings: NodeSettings) -> int:
    """Serves until a signal comes; the answer is the exit status.

    Raises OSError, with a message for people, for an address that cannot be used.
    """
    configure_logs(settings.log_level, settings.log_format, libraries=LIBRARIES)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve_until_told(settings, node_settings))


@dataclass(frozen=True, slots=True)
class Machine:
    """What serves."""

    http: HttpServer
    node: Node

    @property
    def port(self) -> int:
        """Of HTTP."""
        return self.http.port

    @property
    def media_port(self) -> int:
        """Of the first media worker."""
        return self.node.workers[0].addresses[0].port


@asynccontextmanager
async def single_machine(settings: SignalingSettings, node_settings: NodeSettings) -> AsyncIterator[Machine]:
    """Everything, serving, until the context ends."""
    sock = listen(settings.host, settings.port)  # first, because it is the likeliest to fail
    with sock, tempfile.TemporaryDirectory(prefix="rotunda-") as private:
        node_settings = _with_private_grpc(node_settings, Path(private))
        async with serve_media(node_settings) as media, AsyncExitStack() as stack:
            nodes = GrpcMediaNodes()
            stack.push_async_callback(nodes.close)
            node = LocalNode(node_settings.node_name, media.grpc_address, ProcessId(node_settings.process_id))
            backing = for_one_process(settings)
            stack.push_async_callback(backing.stop)
            directory = LocalDirectory(
                node, defaults=settings.room_defaults(), max_rooms=settings.max_rooms, kept=backing.rooms
            )
            if backing.rooms is not None:
                directory.restore(await backing.rooms.load())
            signaling = Signaling(
                settings, directory, nodes, backing, nodes.at_address(node.address).describe
            )
            backing.start()
            http = HttpServer(
                signaling.asgi, sock, settings.https_directory, connections=signaling.connections
            )
            await http.start()
            try:
                yield Machine(http, media.node)
            finally:
                http.close()
                signaling.end_rooms()
                media.node.close(STOPPING)
                await signaling.shutdown()
                await http.stop()


async def _serve_until_told(settings: SignalingSettings, node_settings: NodeSettings) -> int:
    with stop_event() as stop:
        async with single_machine(settings, node_settings) as machine:
            _greet(settings, node_settings, machine)
            return await until_told(stop)


def _with_private_grpc(settings: NodeSettings, directory: Path) -> NodeSettings:
    """Nobody but this process needs the media node's gRPC, unless an address was asked for."""
    if "grpc_address" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"grpc_address": f"unix:{directory / 'media.sock'}"})


def _greet(settings: SignalingSettings, node_settings: NodeSettings, machine: Machine) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    lines = [f"Rotunda serves on {settings.scheme}://{host}:{machine.port}/"]
    wanted, media_port = node_settings.media_port, machine.media_port
    if wanted and media_port != wanted:
        lines.append(f"Media ports begin at {media_port}, because {wanted} is in use.")
    if settings.web_root is None:
        lines.append("The web app is not built: only the API is served (see ROTUNDA_WEB_ROOT).")
    else:
        lines.append("Open it in two browsers, or share the address of a room. Ctrl-C stops.")
    print("\n".join(lines), flush=True)
