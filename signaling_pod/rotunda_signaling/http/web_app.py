"""The built web app's files."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

_FRESH = "no-cache"
_FOREVER = "public, max-age=31536000, immutable"
_PAGES = ("/", "/r/{room}")
_NOT_YET = """<!doctype html><meta charset="utf-8"><title>Rotunda</title>
<h1>Not yet</h1>
<p>A room cannot be watched without joining it. Its own address begins with <code>/r/</code>.</p>
"""
_MISSING = """<!doctype html><meta charset="utf-8"><title>Rotunda</title>
<h1>The web app is not built</h1>
<p>Build it (<code>scripts/setup.sh run</code>, into <code>web/dist</code>) and set
<code>ROTUNDA_WEB_ROOT</code> to the directory with its <code>index.html</code>. The API is served.</p>
"""


def mount_web_app(app: FastAPI, root: Path | None) -> None:
    """Serves the pages and their assets from `root`; without it a page that says what to do."""
    files = _WebFiles(directory=root) if root is not None else None

    async def page(request: Request) -> Response:
        if files is None:
            return HTMLResponse(_MISSING, status_code=503)
        return await files.get_response("index.html", request.scope)

    async def watch() -> Response:
        return HTMLResponse(_NOT_YET, status_code=404)

    app.add_api_route("/watch/{room}", watch, include_in_schema=False)
    for path in _PAGES:
        app.add_api_route(path, page, include_in_schema=False)
    if files is not None:
        app.router.default = _instead_of(app.router.default, files)


def _instead_of(nothing: ASGIApp, files: StaticFiles) -> ASGIApp:
    """Files where there is no route. A mount would also take the methods that a route does not have."""

    async def fallback(scope: Scope, receive: Receive, send: Send) -> None:
        is_get = scope["type"] == "http" and scope["method"] == "GET"
        await (files if is_get else nothing)(scope, receive, send)

    return fallback


class _WebFiles(StaticFiles):
    """Files under `assets/` have a hash in their name and never change; the others are asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        hashed = path.startswith("assets/") and response.status_code in (200, 304)
        response.headers["Cache-Control"] = _FOREVER if hashed else _FRESH
        return response
