"""Listens for HTTP and WebSockets: uvicorn, bound before anything else starts and stopped by us."""

import asyncio
import contextlib
import errno
import resource
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import uvicorn

from rotunda_signaling.http.acceptor import Acceptor
from rotunda_signaling.http.certificate import ServedCertificate
from rotunda_signaling.http.connections import Connections
from rotunda_signaling.http.protocols import BoundedHttp
from rotunda_signaling.http.requests import BoundedRequests
from rotunda_signaling.http.websocket import BoundedWebSocket
from rotunda_signaling.limits import MAX_FRAME_BYTES

GRACE = 3
"""Seconds that requests may still take when the server stops."""


_EVERY = "::"


class ListenError(OSError):
    """The address cannot be listened on; the message says why and which setting changes it."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket that listens; port 0 lets the kernel choose. Raises ListenError.

    `::` is every address of both families; where the kernel has no IPv6, every one of IPv4.
    """
    if host == _EVERY and not socket.has_dualstack_ipv6():
        host = "0.0.0.0"
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ListenError(f"{host!r} is no address of this machine ({error.strerror})") from error
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if host == _EVERY:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # some machines say 1
        sock.bind(address)
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise ListenError(_why(host, port, error)) from error
    sock.setblocking(False)
    return sock


class HttpServer:
    """Serves an ASGI application on a socket that listens; by HTTPS alone where `https` is a directory.

    Raises CertificateError where that holds no certificate.
    """

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        sock: socket.socket,
        https: Path | None = None,
        *,
        connections: Connections | None = None,
    ) -> None:
        connections = connections or Connections()
        certificate = ServedCertificate(https) if https is not None else None
        config = uvicorn.Config(
            BoundedRequests(app, connections),
            http=BoundedHttp,
            ws=BoundedWebSocket,
            lifespan="off",
            log_config=None,
            access_log=False,
            ws_max_size=MAX_FRAME_BYTES,
            ws_ping_interval=None,  # Engine.IO has its own
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GRACE,
            server_header=False,
            forwarded_allow_ips=connections.proxies,
            ssl_context_factory=(lambda *_: certificate.context) if certificate is not None else None,
        )
        self._server = _Uvicorn(config, connections)
        self._socket = sock
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    async def start(self) -> None:
        """Returns once requests are answered."""
        # Each connection is one; the usual bound is for programs that use select(2).
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self._task = asyncio.create_task(self._server.serve([self._socket]), name="http")
        await self._server.serving.wait()

    def close(self) -> None:
        """Takes no new connections: whoever comes now shall find another process, or none."""
        for server in self._server.servers:
            server.close()

    async def stop(self) -> None:
        """Ends connections and returns when all are closed."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()  # of who neither reads nor closes


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers, with connections from our acceptor, and with an event for when it
    serves."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()
        self._connections = connections

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        make = partial(BoundedHttp, self.config, self.server_state, {})
        self.servers = [
            cast(
                asyncio.Server,
                Acceptor(sock, lambda place: make(place=place), self._connections, self.config.ssl),
            )
            for sock in sockets or ()
        ]
        self.started = True
        self.serving.set()


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use by another program: choose another with --port or PORT "
            "(0 lets the system choose)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} needs privileges that this user does not have: choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: choose another with --host"
    return f"cannot listen on {host} port {port}: {error.strerror}"
