"""Keeps from Engine.IO what it would raise at, do all at once, or wait for without an end."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rotunda_base.logs import RateLimitedLog

MAX_PACKETS = 2_000
"""Of one polling body; Engine.IO takes what a client has to send in one go."""
_SEPARATOR = "\x1e"
_BINARY = "b"
_PACKET = re.compile(r"4[0-6]|[12356].{0,63}\Z", re.ASCII | re.DOTALL)
"""A Socket.IO packet, or one of Engine.IO's own that is short: it parses JSON of any depth in those."""
_BAD_REQUEST = 3
"""Engine.IO's own code for it."""

_strangers = RateLimitedLog(structlog.get_logger(__name__))

Drop = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Ends the polling connection that a request belongs to."""


class Guard:
    """ASGI middleware in front of Socket.IO at `path`, behind the one that has whole bodies.

    A frame that is no packet is left out; a polling body that is none ends its connection. A WebSocket on
    which nothing comes for `idle` seconds ends: while it is being opened nobody else looks.
    """

    def __init__(self, app: ASGIApp, path: str, drop: Drop, *, idle: float) -> None:
        self._app = app
        self._path = f"/{path}"
        self._drop = drop
        self._idle = idle
        self.refused = 0
        """Frames and bodies."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not str(scope.get("path", "")).startswith(self._path):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, self._frames(receive), send)
        elif scope["type"] == "http" and scope["method"] == "POST":
            await self._check_body(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _frames(self, receive: Receive) -> Receive:
        async def next_frame() -> Message:
            while True:
                try:
                    async with asyncio.timeout(self._idle):
                        message = await receive()
                except TimeoutError:
                    return {"type": "websocket.disconnect", "code": 1006}
                text = message.get("text")
                if message["type"] != "websocket.receive" or text is None or _PACKET.match(text):
                    return message
                self._refuse("a frame is no packet", text)

        return next_frame

    async def _check_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        complaint = _complaint(message.get("body", b""))
        if complaint is None:
            await self._app(scope, _again(message, receive), send)
            return
        self._refuse("a polling body was refused", complaint)
        await self._drop(scope)
        headers = {"Access-Control-Allow-Origin": "*", "Connection": "close"}
        body = {"code": _BAD_REQUEST, "message": complaint}
        await JSONResponse(body, HTTPStatus.BAD_REQUEST, headers)(scope, receive, send)

    def _refuse(self, event: str, what: str) -> None:
        self.refused += 1
        _strangers.info(event, what=what[:64])


def _complaint(body: bytes) -> str | None:
    if body.count(_SEPARATOR.encode()) >= MAX_PACKETS:
        return f"a body may carry {MAX_PACKETS} packets"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "the body is not UTF-8"
    if text.startswith("d="):
        return "JSONP is not spoken here"
    if all(_is_packet(packet) for packet in text.split(_SEPARATOR)):
        return None
    return "the body carries something that is no packet"


def _is_packet(text: str) -> bool:
    if not text.startswith(_BINARY):
        return _PACKET.match(text) is not None
    try:
        base64.b64decode(text[1:])
    except ValueError:
        return False
    return True


def _again(message: Message, receive: Receive) -> Receive:
    waiting = [message]

    async def once_more() -> Message:
        return waiting.pop() if waiting else await receive()

    return once_more
