"""The operator's health endpoints over HTTP.

/healthz  200 while the process answers
/readyz   200 when it can act, or could if it had the lease; else 503, with what is missing
"""

from collections.abc import Callable, Sequence

from aiohttp import web

Lacks = Callable[[], Sequence[str]]
"""What is missing, a sentence each; empty: nothing."""


class Health:
    """Serves on all addresses of both families. A context manager."""

    def __init__(self, port: int, lacks: Lacks) -> None:
        self._port = port
        self._lacks = lacks
        app = web.Application()
        app.add_routes([web.get("/healthz", self._alive), web.get("/readyz", self._ready)])
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> "Health":
        """Raises OSError where the port is in use. Port 0: nothing is served."""
        if self._port:
            await self._runner.setup()
            await web.TCPSite(self._runner, None, self._port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _alive(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _ready(self, request: web.Request) -> web.Response:
        lacks = list(self._lacks())
        return web.json_response(
            {"status": "waits" if lacks else "ok", "lacks": lacks}, status=503 if lacks else 200
        )
