"""What comes before a request's body, and what a peer leaves unread: bounded in bytes and time."""

import asyncio
import errno
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from rotunda_contract.errors import Unavailable
from rotunda_contract.ids import RoomName
from rotunda_signaling.addresses import site_of
from rotunda_signaling.http.connections import Connections
from rotunda_signaling.http.server import HttpServer, listen
from rotunda_signaling.http.testing import HEAD, POST, WEBSOCKET, peer_of, until
from rotunda_signaling.testing import WAIT, MakeStage, Stage


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (HEAD + b"X: " + b"a" * 80_000, 431, "too_large"),
        (HEAD + b"a" * 80_000, 431, "too_large"),
        (HEAD + b"X: y\r\n" * 300 + b"\r\n", 431, "too_large"),
        (POST + b"X: y\r\n" * 300 + b"Content-Length: 2\r\n\r\n{}", 431, "too_large"),
        (HEAD + b"X: y\r\n" * 300 + b"\r\n" + HEAD + b"\r\n", 431, "too_large"),
        (b"GET /" + b"a" * 80_000, 414, "too_large"),
        (b"\r\n" * 40_000, 431, "too_large"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * 80_000, 431, "too_large"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 80_000, 431, "too_large"),
        (b"\x16\x03\x01\x02\x00\x01", 400, "bad_request"),
        (WEBSOCKET + b"X: " + b"a" * 20_000 + b"\r\n\r\n", 400, "bad_request"),
        (WEBSOCKET + b"X: y\r\n" * 200 + b"\r\n", 400, "bad_request"),
    ],
    ids=[
        "endless header",
        "endless header name",
        "many headers",
        "many headers before a body",
        "many headers before another request",
        "endless target",
        "endless blank lines",
        "endless trailer",
        "endless chunk extension",
        "TLS",
        "a long line before a WebSocket",
        "many headers before a WebSocket",
    ],
)
async def test_a_head_without_bounds_is_refused(stage: Stage, sent: bytes, status: int, code: str) -> None:
    async with peer_of(stage.url) as peer:
        await peer.send(sent)
        answer, body = await peer.answer()
        if answer == 100:
            answer, body = await peer.answer()
        assert (answer, json.loads(body)["error"]["code"]) == (status, code)
        assert await peer.end() == b""


async def test_an_endless_head_is_not_taken(stage: Stage) -> None:
    """Whoever goes on sending is cut."""
    async with peer_of(stage.url) as peer:
        await peer.send(HEAD)
        with pytest.raises(ConnectionError):
            await peer.send_often(b"a" * 1_000_000, 1_000)


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X: " + b"a" * 60_000 + b"\r\n\r\n",
        HEAD + b"X: y\r\n" * 200 + b"\r\n",
        b"GET /healthz?" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
async def test_long_heads_are_taken_and_the_connection_goes_on(stage: Stage, head: bytes) -> None:
    async with peer_of(stage.url) as peer:
        for _ in range(3):
            await peer.send(head)
            assert await peer.answer() == (200, b'{"status":"ok"}')


async def test_requests_that_come_together_are_answered_in_order(stage: Stage) -> None:
    async with peer_of(stage.url) as peer:
        await peer.send((HEAD + b"\r\n") * 5)
        assert [(await peer.answer())[0] for _ in range(5)] == [200] * 5
        await peer.send((HEAD + b"\r\n") * 1_000)
        assert len(await peer.end()) < 20_000


@pytest.mark.parametrize(("sent", "status"), [(HEAD, 408), (b"", None)])
async def test_a_head_has_a_deadline(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, sent: bytes, status: int | None
) -> None:
    monkeypatch.setattr("rotunda_signaling.http.protocols.HEAD_SECONDS", 0.05)
    async with peer_of(stage.url) as peer:
        await peer.send(sent)
        if status is not None:
            assert (await peer.answer())[0] == status
        assert await peer.end() == b""


async def test_the_deadline_of_a_head_does_not_cut_an_answer(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll waits for longer than a head may take."""
    monkeypatch.setattr("rotunda_signaling.http.protocols.HEAD_SECONDS", 0.05)
    monkeypatch.setattr("rotunda_signaling.socketio_edge.server.PING_INTERVAL", 1)
    stage = await make_stage()
    async with stage.http() as http:
        poll = "/socket.io/?EIO=4&transport=polling"
        session = json.loads((await http.get(poll)).text[1:])["sid"]
        assert (await http.get(f"{poll}&sid={session}")).text == "2"  # a ping, after a second


async def test_an_address_has_so_many_connections() -> None:
    connections = Connections(2, proxies="")
    server = HttpServer(_nothing, listen("127.0.0.1", 0), connections=connections)
    await server.start()
    url = f"http://127.0.0.1:{server.port}"
    async with peer_of(url) as first, peer_of(url) as second:
        for peer in (first, second):  # both are taken
            await peer.send(HEAD + b"\r\n")
            assert (await peer.answer())[0] == 204
        async with peer_of(url) as third:
            status, body = await third.answer()
            assert (status, json.loads(body)["error"]["code"]) == (429, "limit_exceeded")
        assert (connections.open, connections.refused) == (2, 1)
        await first.send(b"no HTTP\r\n\r\n")
        await first.end()
        await until(lambda: connections.open == 1)
        async with peer_of(url) as fourth:
            await fourth.send(HEAD + b"\r\n")
            assert (await fourth.answer())[0] == 204
    await server.stop()


async def test_a_websocket_keeps_its_place(make_stage: MakeStage) -> None:
    stage = await make_stage(connections_per_address=1, trusted_proxies="10.0.0.1")
    guest = await stage.guest()
    assert stage.signaling.connections.open == 1
    async with peer_of(stage.url) as peer:
        assert (await peer.answer())[0] == 429
    await guest.sio.disconnect()
    await until(lambda: stage.signaling.connections.open == 0)


async def test_a_proxys_clients_are_told_apart(make_stage: MakeStage) -> None:
    """The proxy itself may have any number."""
    stage = await make_stage(connections_per_address=1)
    async with peer_of(stage.url) as first, peer_of(stage.url) as second, peer_of(stage.url) as third:
        by = b"X-Forwarded-For: 192.0.2.%d\r\n\r\n"
        await first.send(WEBSOCKET + by % 1)
        assert (await first.answer())[0] == 101
        await second.send(WEBSOCKET + by % 1)
        assert (await second.answer())[0] == 429
        await third.send(WEBSOCKET + by % 2)
        assert (await third.answer())[0] == 101


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
    ],
)
def test_a_site_of_ipv6_has_one_limit(address: str, site: str) -> None:
    assert site_of(address) == site


def test_proxies_are_not_limited() -> None:
    connections = Connections(1, proxies="127.0.0.1, 10.0.0.0/8, 2001:db8::/32, proxy.example")
    for proxy in ("127.0.0.1", "::ffff:10.1.2.3", "10.1.2.3", "2001:db8::1"):
        assert all(connections.enter(proxy) for _ in range(3))
    assert connections.enter("11.0.0.1") is not None
    assert connections.enter("11.0.0.1") is None
    everyone = Connections(1, proxies="*")
    assert all(everyone.enter("11.0.0.1") for _ in range(3))
    assert everyone.ask("11.0.0.1") is not None
    assert everyone.ask("11.0.0.1") is None


class Starved(socket.socket):
    """Listens; the system has a descriptor for a new connection only when told so."""

    hungry = False

    def accept(self) -> tuple[socket.socket, object]:
        if self.hungry:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_a_shortage_of_descriptors_is_told(make_stage: MakeStage) -> None:
    stage = await make_stage()
    bound = listen("127.0.0.1", 0)
    sock = Starved(fileno=bound.detach())
    server = HttpServer(stage.signaling.asgi, sock, connections=stage.signaling.connections)
    await server.start()
    ready = HEAD.replace(b"healthz", b"readyz") + b"\r\n"
    async with peer_of(f"http://127.0.0.1:{server.port}") as before:
        await before.send(ready)
        assert (await before.answer())[0] == 200
        sock.hungry = True
        async with peer_of(f"http://127.0.0.1:{server.port}") as waiting:
            async with asyncio.timeout(WAIT):
                while True:
                    await before.send(ready)
                    status, body = await before.answer()
                    if status == 503:
                        break
            assert "Too many open files" in json.loads(body)["error"]["message"]
            sock.hungry = False
            await waiting.send(ready)
            assert (await waiting.answer())[0] == 200
    await server.stop()


async def test_a_closed_door_leaves_who_is_inside(stage: Stage) -> None:
    """So that whoever is told to connect again finds another process."""
    ada = await stage.joined("Ada")
    stage._http.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(stage.url.rpartition(":")[2]))
    await ada.settle()
    stage.signaling.end_rooms()
    assert await ada.expect("roomClosed") == {"reason": "stopping", "rejoin": True}
    refused = await ada.ask("join", {"room": "standup", "displayName": "Ada"})
    assert (refused["error"]["code"], refused["error"]["retryAfterMs"]) == ("unavailable", 2000)


async def test_who_is_on_the_way_in_when_the_rooms_end_is_told_to_come_again(stage: Stage) -> None:
    opened = stage.node.gates["open_room"] = asyncio.Event()
    ada = await stage.guest()
    joining = asyncio.create_task(ada.ask("join", {"room": "standup", "displayName": "Ada"}))
    await stage.node.called("open_room")
    stage.signaling.end_rooms()
    opened.set()
    assert (await joining)["error"]["code"] == "unavailable"
    assert stage.signaling.rooms.views == []


async def test_nobody_waits_for_a_room_when_the_rooms_are_left(stage: Stage) -> None:
    stage.node.gates["open_room"] = asyncio.Event()
    rooms = stage.signaling.rooms
    entering = asyncio.create_task(rooms.enter(RoomName("standup")))
    await stage.node.called("open_room")
    await rooms.shutdown()
    with pytest.raises(Unavailable, match="stopping"):
        await entering


async def test_who_does_not_read_an_answer_is_cut(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rotunda_signaling.http.unread.UNREAD_SECONDS", 0.2)
    (tmp_path / "index.html").write_text("")
    (tmp_path / "large").write_bytes(bytes(64_000_000))
    stage = await make_stage(web_root=tmp_path)
    async with peer_of(stage.url, limit=1024) as peer:
        await peer.send(HEAD.replace(b"healthz", b"large") + b"\r\n")
        await until(lambda: stage.signaling.connections.open == 1)
        await until(lambda: stage.signaling.connections.open == 0)
        assert len(await peer.end()) < 64_000_000


async def test_pings_are_not_answered_faster_than_their_sender_reads(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rotunda_signaling.http.unread.UNREAD_SECONDS", 0.2)
    ping = b"\x89\xfd\0\0\0\0" + bytes(125)
    async with peer_of(stage.url, limit=1024) as peer:
        await peer.send(WEBSOCKET + b"\r\n")
        with pytest.raises(ConnectionError):
            await peer.send_often(ping * 10_000, 200)


async def test_a_message_of_empty_fragments_ends_the_socket(stage: Stage) -> None:
    async with peer_of(stage.url) as peer:
        await peer.send(WEBSOCKET + b"\r\n")
        await peer.answer()
        await peer.send(b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 2_000)
        assert b"\x03\xf1too many fragments" in await peer.end()


async def _nothing(scope: dict[str, object], receive: object, send: Callable[..., object]) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[misc]
    await send({"type": "http.response.body"})  # type: ignore[misc]
