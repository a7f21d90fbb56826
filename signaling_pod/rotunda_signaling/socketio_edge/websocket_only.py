"""Refuses Engine.IO's polling where several processes serve one address."""

from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rotunda_signaling.socketio_edge.server import PATH

MESSAGE = (
    "this server takes WebSocket connections only, because a polling client's requests would reach different "
    'processes: connect with transports: ["websocket"]'
)
_UNKNOWN_TRANSPORT = 0
"""Engine.IO's own code for it."""


class WebSocketOnly:
    """ASGI middleware in front of Socket.IO. WebSocket handshakes are no HTTP requests to it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].strip("/").startswith(PATH):
            await self._app(scope, receive, send)
            return
        transport = parse_qs(scope["query_string"].decode("latin-1")).get("transport", ["polling"])[0]
        message = MESSAGE if transport == "polling" else f"this is no WebSocket handshake: {MESSAGE}"
        headers = {"Access-Control-Allow-Origin": "*"}  # or a page of another origin could not read why
        body = {"code": _UNKNOWN_TRANSPORT, "message": message}
        await JSONResponse(body, HTTPStatus.BAD_REQUEST, headers)(scope, receive, send)
