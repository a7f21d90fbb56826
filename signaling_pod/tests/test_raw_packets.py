"""Packets that no Socket.IO library would send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rotunda_signaling.testing import WAIT, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def raw(stage: Stage) -> AsyncIterator[ClientConnection]:
    """A WebSocket that has connected to the default namespace."""
    url = stage.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    async with connect(url, max_size=None) as socket:
        assert str(await socket.recv()).startswith("0")
        await socket.send("40")
        assert str(await socket.recv()).startswith("40{")
        yield socket


async def answer(socket: ClientConnection) -> str:
    async with asyncio.timeout(WAIT):
        return str(await socket.recv())


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        ("421", '431[{"error":{"code":"bad_request","message":"the request is'),
        ("421[", '431[{"error":{"code":"bad_request","message":"the request is'),
        ("421[]", '431[{"error":{"code":"bad_request","message":"a request is a JSON array'),
        ("421{}", '431[{"error":{"code":"bad_request","message":"a request is a JSON array'),
        ("421[5,{}]", '431[{"error":{"code":"bad_request","message":"a request is a JSON array'),
        ('421[{"a":1}]', '431[{"error":{"code":"bad_request","message":"a request is a JSON array'),
        ('421["connect",{}]', '431[{"error":{"code":"unknown_request"'),
        (
            '421["disconnect","x"]',
            '431[{"error":{"code":"bad_request","message":"the payload must',
        ),
        ('421["chat",{"text":NaN}]', '431[{"error":{"code":"bad_request","message":"the request is'),
        (
            '421["chat",{"text":"\\ud800"}]',
            '431[{"error":{"code":"bad_request","message":"the request is',
        ),
        ("421" + "[" * 5000, '431[{"error":{"code":"bad_request","message":"the request is'),
        ('42/,1["leave",{}]', '431[{"error":{"code":"not_joined"'),
        (
            '451-1["join",{"_placeholder":true,"num":0}]',
            '431[{"error":{"code":"bad_request","message":"bin',
        ),
        ("421" + "é" * 40_000, '431[{"error":{"code":"too_large"'),
    ],
)
async def test_every_event_with_an_id_is_answered(shared_stage: Stage, packet: str, expected: str) -> None:
    async with raw(shared_stage) as socket:
        await socket.send(packet)
        assert (await answer(socket)).startswith(expected)


@pytest.mark.parametrize(
    "packet", ["42", "42[", '42["no-such",{}]', "42/other,7[]", "49", "4", '4{"a":1}', b"\x00\x01", "40", "6"]
)
async def test_what_cannot_be_answered_is_ignored(shared_stage: Stage, packet: str | bytes) -> None:
    """And the socket lives."""
    async with raw(shared_stage) as socket:
        await socket.send(packet)
        await socket.send('429["leave",{}]')
        while (text := await answer(socket)).startswith("44"):
            pass  # a refused connect of some namespace
        assert text.startswith('439[{"error":{"code":"not_joined"')


async def test_a_frame_over_a_megabyte_ends_the_connection(shared_stage: Stage) -> None:
    async with raw(shared_stage) as socket:
        await socket.send("421" + "x" * 1_000_001)
        with pytest.raises(ConnectionClosed):
            await answer(socket)


async def test_a_polling_body_over_a_megabyte_ends_the_connection(shared_stage: Stage) -> None:
    """Also where no poll waits, which Engine.IO would wait for."""
    url = f"{shared_stage.url}/socket.io/?EIO=4&transport=polling"
    async with httpx.AsyncClient(timeout=WAIT) as http:
        session = json.loads((await http.get(url)).text[1:])["sid"]
        response = await http.post(f"{url}&sid={session}", content=b"4" + b"x" * 1_000_000)
        assert (response.status_code, response.headers["connection"]) == (413, "close")
        assert (await http.post(f"{url}&sid={session}", content="40")).status_code == 400


async def test_any_origin_may_connect(shared_stage: Stage) -> None:
    async with shared_stage.http() as http:
        response = await http.get(
            "/socket.io/?EIO=4&transport=polling",
            headers={"Origin": "https://elsewhere.example"},
        )
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://elsewhere.example"
    assert "access-control-allow-credentials" not in response.headers
