"""A proxy between an operator and the API server that counts writes and injects faults."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path

import aiohttp
from aiohttp import web


class Fault(Enum):
    """What happens to a write. CRASH_…: the operator crashes before or after the write took effect."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    CONFLICT = "409"
    THROTTLED = "429"
    BROKEN = "500"
    NO_ANSWER = "no answer, though it took effect"


_CODES = {Fault.CONFLICT: 409, Fault.THROTTLED: 429, Fault.BROKEN: 500}
_UNCOUNTED = ("/leases", "/events", "/selfsubjectaccessreviews")


class FaultyProxy:
    """`faults`: by number of the write, from 1. `writes`: how many there were. `crashed`: set when a crash is
    due.

    `stall` makes all open streams silent, and keeps their connections open.
    """

    def __init__(self, server: str, ca: Path, token: str, faults: Mapping[int, Fault]) -> None:
        self.writes = 0
        self.crashed = asyncio.Event()
        self._server = server
        self._ssl = ssl.create_default_context(cafile=str(ca))
        self._token = token
        self._faults = dict(faults)
        self._stalled = asyncio.Event()
        """Set when the streams that are open now are stalled. Later streams have another one."""
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> str:
        """The URL to use instead of the API server's."""
        headers = {"Authorization": f"Bearer {self._token}"}
        connector = aiohttp.TCPConnector(ssl=self._ssl, limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, headers=headers, timeout=aiohttp.ClientTimeout(total=None)
        )
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def close(self) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._session.close()
        await self._runner.cleanup()

    def revive(self) -> None:
        """From now on requests are forwarded again, for the next operator."""
        self.crashed.clear()

    def stall(self) -> None:
        """New requests are answered as usual."""
        self._stalled.set()
        self._stalled = asyncio.Event()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        fault = self._fault_of(request)
        if fault is Fault.CRASH_BEFORE:
            self.crashed.set()
        if self.crashed.is_set():
            return _drop(request)
        if fault in _CODES:
            return _refusal(_CODES[fault])
        return await self._forward(request, fault)

    def _fault_of(self, request: web.Request) -> Fault | None:
        if request.method == "GET" or any(word in request.path for word in _UNCOUNTED):
            return None
        if self.crashed.is_set():
            return None
        self.writes += 1
        return self._faults.pop(self.writes, None)

    async def _forward(self, request: web.Request, fault: Fault | None) -> web.StreamResponse:
        assert self._session is not None
        headers = {"Content-Type": request.headers.get("Content-Type", "application/json")}
        url = f"{self._server}{request.raw_path}"
        body = await request.read()
        async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
            if fault is Fault.CRASH_AFTER:
                await answer.read()
                self.crashed.set()
            elif fault is Fault.NO_ANSWER:
                await answer.read()
                return _drop(request)
            if self.crashed.is_set():
                return _drop(request)
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            await response.prepare(request)
            await self._pipe(answer, response)
            return response

    async def _pipe(self, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        """Until the answer ends or the operator crashes."""
        crash = asyncio.ensure_future(self.crashed.wait())
        copy = asyncio.ensure_future(_copy(answer, response, self._stalled))
        try:
            await asyncio.wait([crash, copy], return_when=asyncio.FIRST_COMPLETED)
        finally:
            crash.cancel()
            copy.cancel()


async def _copy(answer: aiohttp.ClientResponse, response: web.StreamResponse, stalled: asyncio.Event) -> None:
    with suppress(ConnectionError, aiohttp.ClientError):
        async for chunk in answer.content.iter_any():
            if stalled.is_set():
                await asyncio.Event().wait()  # until the other side gives up
            await response.write(chunk)
        if stalled.is_set():
            await asyncio.Event().wait()
        await response.write_eof()


def _drop(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _refusal(code: int) -> web.Response:
    reasons = {409: "Conflict", 429: "TooManyRequests", 500: "InternalError"}
    status = {"kind": "Status", "code": code, "reason": reasons[code], "message": "by the proxy"}
    return web.json_response(status, status=code, headers={"Retry-After": "0"} if code == 429 else {})
