"""The HTTP application."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from rotunda_contract.errors import RotundaError
from rotunda_contract.signaling.answers import ErrorBody
from rotunda_signaling.http.access import HttpAccess
from rotunda_signaling.http.bodies import BoundedBodies, HeadAsGet
from rotunda_signaling.http.errors import error_response, install_error_answers
from rotunda_signaling.http.messages import messages_router
from rotunda_signaling.http.rooms import rooms_router
from rotunda_signaling.http.security import SecurityHeaders
from rotunda_signaling.http.tokens import tokens_router
from rotunda_signaling.http.web_app import mount_web_app
from rotunda_signaling.metrics import CONTENT_TYPE, Metrics
from rotunda_signaling.service.rooms import Rooms

_READY_WITHIN = 2.0
"""Seconds that the dependencies have to answer."""

CheckReady = Callable[[], Awaitable[object]]
"""Raises RotundaError while something that joins need does not answer."""
Degraded = Callable[[], Iterable[str]]
"""What does not work just now without keeping anybody from joining; each begins with its name."""


def create_http_app(
    rooms: Rooms,
    access: HttpAccess,
    metrics: Metrics,
    check_ready: CheckReady,
    degraded: Degraded,
    *,
    web_root: Path | None,
    version: str,
    https: bool = False,
) -> FastAPI:
    """The API, health, metrics and the web app."""
    app = FastAPI(
        title="Rotunda",
        description="Video rooms. People join over Socket.IO; this API manages rooms.",
        version=version,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(BoundedBodies)
    app.add_middleware(HeadAsGet)
    app.add_middleware(SecurityHeaders, https=https)
    install_error_answers(app)
    app.include_router(rooms_router(rooms, access))
    app.include_router(messages_router(rooms, access))
    app.include_router(tokens_router(access))
    _add_health(app, metrics, check_ready, degraded)
    mount_web_app(app, web_root)
    return app


def _add_health(app: FastAPI, metrics: Metrics, check_ready: CheckReady, degraded: Degraded) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    async def ready() -> Response:
        try:
            async with asyncio.timeout(_READY_WITHIN):
                await check_ready()
        except (RotundaError, TimeoutError) as error:
            message = str(error) or "a dependency does not answer in time"
            body = ErrorBody(code="unavailable", message=message)
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, body)
        worse = list(degraded())
        return JSONResponse({"status": "ready", **({"degraded": worse} if worse else {})})

    @app.get("/metrics", include_in_schema=False)
    async def prometheus() -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)
