"""An answer and its connection: who reads keeps it, and what comes during an answer does not replace it."""

import asyncio
import json
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from rotunda_signaling import addresses
from rotunda_signaling.http.connections import Connections
from rotunda_signaling.http.server import HttpServer, listen
from rotunda_signaling.http.testing import HEAD, POST, WEBSOCKET, peer_of, until
from rotunda_signaling.http.unread import Unread
from rotunda_signaling.testing import MakeStage, Stage


async def test_who_reads_keeps_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a part of an answer is unread when the answer is complete."""
    monkeypatch.setattr("rotunda_signaling.http.unread.UNREAD_SECONDS", 0.0)
    large = Response(bytes(8_000_000))
    server = HttpServer(large, listen("127.0.0.1", 0), connections=Connections())
    server._server.config.timeout_keep_alive = 600
    await server.start()
    async with peer_of(f"http://127.0.0.1:{server.port}") as peer:
        connections = server._server.server_state.connections
        await until(lambda: bool(connections))
        for connection in connections:
            connection.transport.set_write_buffer_limits(high=1 << 30)  # nothing waits for the peer
        for _ in range(3):
            await peer.send(HEAD + b"\r\n")
            status, body = await peer.answer()
            assert (status, len(body)) == (200, 8_000_000)
    await server.stop()


async def test_a_websocket_does_not_begin_during_an_answer(make_stage: MakeStage, tmp_path: Path) -> None:
    """The application would wait for ever until the rest of its answer is read."""
    (tmp_path / "index.html").write_text("")
    (tmp_path / "large").write_bytes(bytes(64_000_000))
    stage = await make_stage(web_root=tmp_path)
    answering = stage._http._server.server_state.tasks
    async with peer_of(stage.url, limit=1024) as peer:
        await peer.send(HEAD.replace(b"healthz", b"large") + b"\r\n")
        await until(lambda: bool(answering))
        await peer.send(WEBSOCKET + b"\r\n")
        await peer.end()
    await until(lambda: not answering and stage.signaling.connections.open == 0)


async def test_a_websocket_does_not_take_the_place_of_an_answer_that_has_not_begun(stage: Stage) -> None:
    async with stage.http() as http, peer_of(stage.url) as peer:
        poll = "/socket.io/?EIO=4&transport=polling"
        session = json.loads((await http.get(poll)).text[1:])["sid"]
        await peer.send(f"GET {poll}&sid={session} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await peer.send(WEBSOCKET + b"\r\n")
        status, body = await peer.answer()
        assert (status, json.loads(body)["error"]["code"]) == (400, "bad_request")
        assert await peer.end() == b""


async def test_a_trailer_is_no_header() -> None:
    async def tell_headers(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await request.body()
        await JSONResponse(request.headers.keys())(scope, receive, send)

    server = HttpServer(tell_headers, listen("127.0.0.1", 0), connections=Connections())
    await server.start()
    async with peer_of(f"http://127.0.0.1:{server.port}") as peer:
        await peer.send(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Bearer x\r\n\r\n")
        _, body = await peer.answer()
        assert json.loads(body) == ["host", "content-type", "transfer-encoding"]
    await server.stop()


async def test_who_asks_for_a_protocol_that_is_not_spoken_is_answered_and_goes_on(stage: Stage) -> None:
    """RFC 9110 section 7.8: the request is answered as if it had not asked."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    async with peer_of(stage.url) as peer:
        for _ in range(2):
            await peer.send(HEAD + upgrade)
            assert (await peer.answer())[0] == 200


def test_what_is_remembered_of_addresses_does_not_grow_with_their_text() -> None:
    before = addresses._parsed.cache_info().currsize
    for number in range(10):
        assert addresses.parse_address(f"{number}{'a' * 1000}") is None
    assert addresses._parsed.cache_info().currsize == before
    assert len(addresses.site_of("a" * 1000)) < 200


async def test_a_deadline_is_for_what_is_still_unread() -> None:
    """Not for what was written meanwhile."""

    class Transport(asyncio.Transport):
        unread, aborted = 1, False

        def get_write_buffer_size(self) -> int:
            return self.unread

        def abort(self) -> None:
            self.aborted = True

    loop = asyncio.get_running_loop()
    for still_unread in (0, 1):
        transport = Transport()
        unread = Unread(transport, loop)
        unread.wait()
        transport.unread = still_unread
        unread._cut()
        assert transport.aborted is bool(still_unread)
        unread.end()
