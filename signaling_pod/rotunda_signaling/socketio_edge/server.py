"""The Socket.IO server: connections in, sockets out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import socketio  # type: ignore[import-untyped]
import structlog
from engineio import packet as engine  # type: ignore[import-untyped]
from engineio.payload import Payload  # type: ignore[import-untyped]

from rotunda_contract.errors import RotundaError
from rotunda_signaling.auth.tokens import JoinClaims
from rotunda_signaling.limits import MAX_FRAME_BYTES, MAX_WAITING_MESSAGES
from rotunda_signaling.service.client import Client
from rotunda_signaling.service.connection import Connection
from rotunda_signaling.socketio_edge import packets
from rotunda_signaling.socketio_edge.socket import Observe, Socket

PATH = "socket.io"
PING_INTERVAL = 10
PING_TIMEOUT = 10
"""Seconds; a dead peer is noticed after both, well inside the reconnect grace."""

# A polling client may put all that it pipelines into one body, which is bounded in bytes.
Payload.max_decode_packets = 65_536

_log = structlog.get_logger(__name__)

Asgi = Callable[..., Awaitable[None]]
MakeConnection = Callable[[Client, str, JoinClaims | None, str], Connection]
"""Makes the service's side of a connection from the client, its id, what its token says, and its address."""
ReadToken = Callable[[object], JoinClaims]
"""Raises Unauthorized."""


class SocketIoEdge:
    """Serves the path `/socket.io` in front of another ASGI application."""

    def __init__(self, make_connection: MakeConnection, read_token: ReadToken, observe: Observe) -> None:
        self._make_connection = make_connection
        self._read_token = read_token
        self._observe = observe
        self._sockets: dict[str, Socket] = {}
        self._stopped = False
        self._server = socketio.AsyncServer(
            async_mode="asgi",
            cors_allowed_origins="*",
            cors_credentials=False,
            max_http_buffer_size=MAX_FRAME_BYTES,
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
        )
        self._server.on("connect", self._on_connect)
        self._server.on("disconnect", self._on_disconnect)
        engine = self._server.eio
        self._pass_message, self._pass_end = engine.handlers["message"], engine.handlers["disconnect"]
        engine.on("message", self._on_message)
        engine.on("disconnect", self._on_engine_end)

    def in_front_of(self, app: Asgi) -> Asgi:
        """Serves `/socket.io` itself and leaves the rest, the lifespan included, to `app`."""
        whole: Asgi = socketio.ASGIApp(self._server, app, socketio_path=PATH)
        return whole

    @property
    def sockets(self) -> int:
        """How many clients are connected."""
        return len(self._sockets)

    async def drop(self, scope: Mapping[str, Any]) -> None:
        """Ends the polling connection, if any, that an HTTP request belongs to."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        sockets = self._server.eio.sockets
        socket = sockets.get(query.get("sid", [""])[0])
        if socket is not None and scope["path"].startswith(f"/{PATH}"):
            await socket.close(wait=False)
            sockets.pop(socket.sid, None)

    async def shutdown(self) -> None:
        """Disconnects everybody; their seats stay for the reconnect grace. Twice is allowed."""
        if self._stopped:
            return
        self._stopped = True
        engines = list(self._server.eio.sockets.values())
        await asyncio.gather(*(engine.close(wait=False) for engine in engines), return_exceptions=True)
        await self._server.shutdown()

    async def _on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        claims = self._claims(auth)
        engine_id = self._server.manager.eio_sid_from_sid(sid, "/")
        outlet = _EngineOutlet(self._server, engine_id, sid)
        socket = Socket(sid, outlet, self._observe)
        socket.connection = self._make_connection(socket, sid, claims, _address(environ))
        self._sockets[engine_id] = socket

    def _claims(self, auth: object) -> JoinClaims | None:
        """What the token says; None without one: the room decides. Raises ConnectionRefusedError."""
        if auth is None:
            return None
        if not isinstance(auth, dict):
            raise _refusal("bad_request", "auth must be an object such as {token: '…'}, or absent")
        if auth.get("token") is None:
            return None
        try:
            return self._read_token(auth["token"])
        except RotundaError as error:
            raise _refusal(error.code, error.message) from None

    async def _on_disconnect(self, sid: str, reason: str) -> None:
        engine_id = self._server.manager.eio_sid_from_sid(sid, "/")
        socket = self._sockets.pop(engine_id, None)
        if socket is not None:
            await socket.close()

    async def _on_engine_end(self, engine_id: str, reason: str) -> None:
        await self._pass_end(engine_id, reason)
        socket = self._server.eio.sockets.get(engine_id)
        if socket is not None and not socket.upgraded:
            # Engine.IO would let the poll of a client that said good-bye wait until it times out.
            socket.queue.put_nowait(None)

    async def _on_message(self, engine_id: str, data: object) -> None:
        """Events are ours; connecting and disconnecting is python-socketio's."""
        if not isinstance(data, str):
            return  # an attachment of a binary event, which has been refused, or garbage
        if packets.is_event(data):
            socket = self._sockets.get(engine_id)
            if socket is not None:
                socket.take(data)
            return
        try:
            await self._pass_message(engine_id, data)
        except Exception as error:
            _log.info("malformed packet", error=repr(error)[:256])


def _address(environ: Mapping[str, Any]) -> str:
    """Of the client, or of the nearest proxy that is not trusted."""
    host, _ = environ["asgi.scope"].get("client") or ("", 0)
    return str(host)


def _refusal(code: str, message: str) -> Exception:
    refusal: Exception = socketio.exceptions.ConnectionRefusedError(message, {"code": code})
    return refusal


class _EngineOutlet:
    """Implements Outlet by Engine.IO's own queue, which one writer for each socket empties in order."""

    def __init__(self, server: socketio.AsyncServer, engine_id: str, sid: str) -> None:
        self._server = server
        self._engine_id = engine_id
        self._sid = sid
        self._closing: asyncio.Task[None] | None = None

    def put(self, packet: str) -> None:
        socket = self._server.eio.sockets.get(self._engine_id)
        if socket is None or socket.closed or self._closing is not None:
            return
        socket.queue.put_nowait(engine.Packet(engine.MESSAGE, data=packet))
        if socket.queue.qsize() > MAX_WAITING_MESSAGES:
            _log.warning("a client does not read what it is sent", connection=self._sid)
            self._closing = asyncio.create_task(_drop(socket))

    def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._server.disconnect(self._sid))


async def _drop(socket: Any) -> None:
    """Forgets what waits for the client, lets its writer end, and tells the service that it is gone."""
    while not socket.queue.empty():
        socket.queue.get_nowait()
    socket.queue.put_nowait(None)
    await socket.close(wait=False, abort=True)
