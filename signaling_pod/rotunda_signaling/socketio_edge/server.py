"""The Socket.IO server: connections in, sockets out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import socketio  # type: ignore[import-untyped]
import structlog
from engineio.payload import Payload  # type: ignore[import-untyped]

from rotunda_base.logs import RateLimitedLog
from rotunda_contract.errors import RotundaError
from rotunda_signaling.auth.tokens import JoinClaims
from rotunda_signaling.limits import (
    BETWEEN_YIELDS,
    CONNECT_SECONDS,
    MAX_FRAME_BYTES,
    MAX_UNREAD_BYTES,
    MAX_UNREAD_MESSAGES,
)
from rotunda_signaling.service.client import Client
from rotunda_signaling.service.connection import Connection
from rotunda_signaling.socketio_edge import packets
from rotunda_signaling.socketio_edge.guard import MAX_PACKETS, Guard
from rotunda_signaling.socketio_edge.socket import Observe, Socket
from rotunda_signaling.socketio_edge.unread import Frames, UnreadPackets

PATH = "socket.io"
PING_INTERVAL = 10
PING_TIMEOUT = 10
"""Seconds; a dead peer is noticed after both, well inside the reconnect grace."""

IDLE_SECONDS = PING_INTERVAL + PING_TIMEOUT + 5.0
"""A client that lives has answered a ping by then."""
ABORT = "rotunda.abort"
"""Among a WebSocket's extensions, where the server has it: ends it without waiting for the peer."""

Payload.max_decode_packets = MAX_PACKETS

_log = structlog.get_logger(__name__)
_strangers = RateLimitedLog(_log)

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
        self._frames = Frames()
        self._taken = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._guard: Guard | None = None
        self.dropped = 0
        """Clients that were disconnected because they did not read."""
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
        engine.create_queue = UnreadPackets
        self._pass_connect = engine.handlers["connect"]
        engine.on("connect", self._on_engine_connect)
        self._pass_message, self._pass_end = engine.handlers["message"], engine.handlers["disconnect"]
        engine.on("message", self._on_message)
        engine.on("disconnect", self._on_engine_end)

    def in_front_of(self, app: Asgi) -> Asgi:
        """Serves `/socket.io` itself and leaves the rest, the lifespan included, to `app`."""
        whole: Asgi = socketio.ASGIApp(self._server, app, socketio_path=PATH)
        self._guard = Guard(whole, PATH, self.drop, idle=IDLE_SECONDS)
        return self._guard

    @property
    def refused(self) -> int:
        """Frames and polling bodies that were none."""
        return self._guard.refused if self._guard is not None else 0

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
        sender = _EnginePacketSender(self._server, engine_id, sid, self._frames, self._on_drop)
        sender.abort = environ["asgi.scope"].get("extensions", {}).get(ABORT)
        socket = Socket(sid, sender, self._observe)
        socket.connection = self._make_connection(socket, sid, claims, _address(environ))
        self._sockets[engine_id] = socket

    def _on_drop(self) -> None:
        self.dropped += 1

    async def _on_engine_connect(self, engine_id: str, environ: dict[str, Any]) -> object:
        asyncio.get_running_loop().call_later(CONNECT_SECONDS, self._expect_connected, engine_id)
        return await self._pass_connect(engine_id, environ)

    def _expect_connected(self, engine_id: str) -> None:
        """Engine.IO alone would let a client answer pings for ever, and never say whom it speaks to."""
        socket = self._server.eio.sockets.get(engine_id)
        if socket is not None and engine_id not in self._sockets:
            _strangers.info("a client did not connect in time")
            self._keep(asyncio.create_task(_drop(socket)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        self._taken += 1
        if self._taken % BETWEEN_YIELDS == 0:
            await asyncio.sleep(0)  # a polling body carries many packets, and nothing of it waits
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
            _strangers.info("malformed packet", error=repr(error)[:256])


def _address(environ: Mapping[str, Any]) -> str:
    """Of the client, or of the nearest proxy that is not trusted."""
    host, _ = environ["asgi.scope"].get("client") or ("", 0)
    return str(host)


def _refusal(code: str, message: str) -> Exception:
    refusal: Exception = socketio.exceptions.ConnectionRefusedError(message, {"code": code})
    return refusal


class _EnginePacketSender:
    """Implements PacketSender with Engine.IO's own queue of the socket, which one writer empties in order."""

    abort: Callable[[], None] | None = None
    """Ends a WebSocket whose peer does not read."""

    def __init__(
        self,
        server: socketio.AsyncServer,
        engine_id: str,
        sid: str,
        frames: Frames,
        on_drop: Callable[[], None],
    ) -> None:
        self._frames = frames
        self._on_drop = on_drop
        self._server = server
        self._engine_id = engine_id
        self._sid = sid
        self._closing: asyncio.Task[None] | None = None

    def put(self, packet: str) -> None:
        socket = self._server.eio.sockets.get(self._engine_id)
        if socket is None or socket.closed or self._closing is not None:
            return
        socket.queue.put_nowait(self._frames.of(packet))
        if socket.queue.bytes > MAX_UNREAD_BYTES or socket.queue.qsize() > MAX_UNREAD_MESSAGES:
            _strangers.info("a client does not read what it is sent", connection=self._sid)
            self._on_drop()
            self._closing = asyncio.create_task(_drop(socket))
            if self.abort is not None:
                self.abort()

    def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._server.disconnect(self._sid))


async def _drop(socket: Any) -> None:
    """Drops the client's queue, lets its writer end, and reports the disconnection to the service."""
    while not socket.queue.empty():
        socket.queue.get_nowait()
    socket.queue.put_nowait(None)
    await socket.close(wait=False, abort=True)
