"""Packets that no Socket.IO library would send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rotunda_signaling.socketio_edge import packets
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


@pytest.mark.parametrize(
    "frame",
    ["", "x", "\xb2", "7", "9", "4" + "[" * 100_000, "3" + "[" * 100_000, "bA", "\U0001f600"],
)
async def test_a_frame_that_is_no_packet_is_counted_and_left_out(
    shared_stage: Stage, frame: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = _refused(shared_stage)
    async with raw(shared_stage) as socket:
        await socket.send(frame)
        await socket.send('429["leave",{}]')
        assert (await answer(socket)).startswith('439[{"error":{"code":"not_joined"')
    assert _refused(shared_stage) == before + 1
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_text_that_is_not_utf8_ends_the_socket(
    shared_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with raw(shared_stage) as socket:
        await socket.send(b"\xff", text=True)
        with pytest.raises(ConnectionClosed, match="1007"):
            await answer(socket)
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"\xff",
        b"d=",
        b"d=40",
        b"40\x1e",
        b"40\x1e9",
        b"bA",
        b"3" + b"[" * 100_000,
        b"\x1e".join([b"40"] * 2_001),
    ],
    ids=[
        "empty",
        "letter",
        "no UTF-8",
        "JSONP without",
        "JSONP",
        "empty second",
        "number",
        "base64",
        "deep",
        "many",
    ],
)
async def test_a_polling_body_that_is_none_ends_the_connection(
    shared_stage: Stage, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"{shared_stage.url}/socket.io/?EIO=4&transport=polling"
    async with httpx.AsyncClient(timeout=WAIT) as http:
        session = json.loads((await http.get(url)).text[1:])["sid"]
        assert (await http.post(f"{url}&sid={session}", content=body)).status_code == 400
        assert (await http.post(f"{url}&sid={session}", content="40")).status_code == 400
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_others_have_their_turn_while_a_large_body_is_worked_off(shared_stage: Stage) -> None:
    url = f"{shared_stage.url}/socket.io/?EIO=4&transport=polling"
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with httpx.AsyncClient(timeout=WAIT) as http:
        session = json.loads((await http.get(url)).text[1:])["sid"]
        await http.post(f"{url}&sid={session}", content="40")
        edge = shared_stage.signaling._edge
        taken, before = edge._taken, []
        counting = asyncio.create_task(count())
        pass_event = packets.is_event

        def watch(text: str) -> bool:
            before.append(turns)
            return pass_event(text)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(packets, "is_event", watch)
            body = "\x1e".join(f'42{number}["leave",{{}}]' for number in range(1_000))
            assert (await http.post(f"{url}&sid={session}", content=body)).status_code == 200
        counting.cancel()
    assert edge._taken - taken >= 1_000
    assert before[-1] - before[0] >= 1_000 // 32 - 1


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_who_never_connects_to_socket_io_is_cut(
    shared_stage: Stage, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setattr("rotunda_signaling.socketio_edge.server.CONNECT_SECONDS", 0.05)
    url = f"{shared_stage.url}/socket.io/?EIO=4&transport={transport}"
    if transport == "websocket":
        async with connect(url.replace("http", "ws")) as socket:
            assert (await answer(socket)).startswith("0")
            with pytest.raises(ConnectionClosed):
                await answer(socket)
        return
    async with httpx.AsyncClient(timeout=WAIT) as http:
        session = json.loads((await http.get(url)).text[1:])["sid"]
        await http.get(f"{url}&sid={session}")
        assert (await http.get(f"{url}&sid={session}")).status_code == 400


def _refused(stage: Stage) -> float:
    return stage.signaling.metrics.registry.get_sample_value("rotunda_signaling_frames_refused") or 0.0


async def test_any_origin_may_connect(shared_stage: Stage) -> None:
    async with shared_stage.http() as http:
        response = await http.get(
            "/socket.io/?EIO=4&transport=polling",
            headers={"Origin": "https://elsewhere.example"},
        )
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://elsewhere.example"
    assert "access-control-allow-credentials" not in response.headers
