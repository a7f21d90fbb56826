"""What arrives with a request: bounded in bytes and in time, and HEAD asked as GET."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rotunda_contract.signaling.answers import ErrorBody
from rotunda_signaling.http.errors import error_response
from rotunda_signaling.limits import MAX_BODY_SECONDS, MAX_REQUEST_BYTES

_CLOSE = {"Connection": "close"}
"""Without it the server would read what is left of a body that nobody wants."""


class BoundedBodies:
    """ASGI middleware: the application is asked once the body is there. Large or slow ones are refused."""

    def __init__(
        self,
        app: ASGIApp,
        size: int = MAX_REQUEST_BYTES,
        seconds: float = MAX_BODY_SECONDS,
        on_too_large: Callable[[Scope], Awaitable[None]] | None = None,
    ) -> None:
        self._app = app
        self._size = size
        self._seconds = seconds
        self._on_too_large = on_too_large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await _read(receive, self._size)
        except _Gone:
            return
        except TimeoutError:
            error = ErrorBody(code="bad_request", message="the body did not arrive in time")
            await error_response(HTTPStatus.REQUEST_TIMEOUT, error, _CLOSE)(scope, receive, send)
            return
        if body is None:
            if self._on_too_large is not None:
                await self._on_too_large(scope)
            error = ErrorBody(code="too_large", message=f"a body may take {self._size} bytes")
            await error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error, _CLOSE)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


class HeadAsGet:
    """ASGI middleware: HEAD is answered as GET; the server in front leaves the body out (RFC 9110 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


class _Gone(Exception):
    """The client ended before its body did."""


async def _read(receive: Receive, size: int) -> bytes | None:
    """The body; None when it is too large. Raises _Gone where it will never be whole."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        if len(body) > size:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return first.pop() if first else await receive()

    return replay
