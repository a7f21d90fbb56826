"""Requests at once of one client, which may come over connections of a proxy."""

from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from rotunda_contract.signaling.answers import ErrorBody
from rotunda_signaling.http.connections import Connections
from rotunda_signaling.http.errors import error_response
from rotunda_signaling.http.refusals import too_many


class BoundedRequests:
    """ASGI middleware behind the one that reads X-Forwarded-For. A WebSocket counts while it lives."""

    def __init__(self, app: ASGIApp, connections: Connections) -> None:
        self._app = app
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client, _ = scope.get("client") or ("", 0)
        place = self._connections.ask(client)
        if place is None:
            error = ErrorBody(code="limit_exceeded", message=too_many(self._connections.per_address))
            answer = error_response(HTTPStatus.TOO_MANY_REQUESTS, error)
            await answer(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            place.give_back()
