"""A call without browsers: what `rotunda check-call` and helm's test do, against one machine."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rotunda import cli
from rotunda.caller import (
    IceServer,
    NoMedia,
    NoWay,
    Participant,
    Refused,
    SignalingUnreachable,
    Transport,
    call,
)
from rotunda.caller.picture import NumberedPicture
from rotunda.serve import single_machine
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.settings import SignalingSettings


@pytest.fixture
async def url() -> AsyncIterator[str]:
    node = NodeSettings(listen_addresses=("127.0.0.1",), media_port=0, workers=1)
    async with single_machine(SignalingSettings(port=0, max_participants=2), node) as http:
        yield f"http://127.0.0.1:{http.port}"


async def test_one_speaks_and_shows_and_the_other_hears_and_sees(url: str) -> None:
    report = await call(url, "standup", packets=20)
    assert report.received >= 20
    assert report.sent >= report.received
    assert all(way.startswith("udp 127.0.0.1:") for way in report.ways)
    assert report.picture is not None
    assert report.picture.sent >= report.picture.seen >= 10
    assert (report.picture.width, report.picture.height) == (320, 180)


async def test_a_call_over_tcp_without_a_picture(url: str) -> None:
    report = await call(url, "standup", kind="tcp", packets=20, video=False)
    assert all(way.startswith("tcp 127.0.0.1:") for way in report.ways)
    assert report.picture is None


async def test_a_picture_that_does_not_arrive_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumberedPicture, "packets", lambda source, count: [])
    with pytest.raises(NoMedia, match=r"pictures sent over udp .* only 0 were decoded"):
        await call(url, "standup", packets=0, media_seconds=2.0)


async def test_what_sending_ends_with_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(source: NumberedPicture, count: int) -> list[bytes]:
        raise ZeroDivisionError

    ada = await Participant.enter(url, "standup", "Ada")
    monkeypatch.setattr(NumberedPicture, "packets", broken)
    publication = await ada.publish(await ada.transport("send"), NumberedPicture())
    publication.start()
    with pytest.raises(ZeroDivisionError):
        await ada.leave()
    assert publication.frames == 0


async def test_a_way_that_does_not_answer_is_named(url: str) -> None:
    ada = await Participant.enter(url, "standup", "Ada")
    options = await ada.request("createWebRtcTransport", direction="send")
    with pytest.raises(NoWay, match="no way of the kind udp"):
        await Transport(options | {"iceCandidates": []}).open()
    await ada.leave()


async def test_a_refusal_names_request_and_code(url: str) -> None:
    people = [await Participant.enter(url, "full", name) for name in ("Ada", "Ben")]
    with pytest.raises(Refused, match="join was refused: room_full") as refusal:
        await Participant.enter(url, "full", "Cleo")
    assert refusal.value.code == "room_full"
    for participant in people:
        await participant.leave()


async def test_nobody_there() -> None:
    with pytest.raises(SignalingUnreachable, match=r"no Socket\.IO connection to http://127\.0\.0\.1:9"):
        await call("http://127.0.0.1:9", "standup")


async def test_a_server_that_goes_away_ends_what_waits_for_an_answer() -> None:
    """Its socket is there, it takes requests, and then it is gone."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("0{}")
        await socket.receive_str()
        await socket.send_str('40{"sid":"x"}')
        await socket.receive_str()
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/socket.io/", serve)
    async with TestServer(app) as server:
        with pytest.raises(SignalingUnreachable, match="join was not answered: the connection was lost"):
            await Participant.enter(str(server.make_url("")), "standup", "Ada")


@pytest.mark.parametrize(
    ("url", "address", "secure", "tcp"),
    [
        ("turn:turn.example.org", ("turn.example.org", 3478), False, False),
        ("turn:192.0.2.1:1234?transport=udp", ("192.0.2.1", 1234), False, False),
        ("turn:turn.example.org:3478?transport=tcp", ("turn.example.org", 3478), False, True),
        ("turns:turn.example.org?transport=tcp", ("turn.example.org", 5349), True, True),
        ("turn:[2001:db8::1]:3478", ("2001:db8::1", 3478), False, False),
        ("turn:[2001:db8::1]", ("2001:db8::1", 3478), False, False),
    ],
)
def test_turn_urls(url: str, address: tuple[str, int], secure: bool, tcp: bool) -> None:
    entry = {"urls": [url, "stun:stun.example.org"], "username": "u", "credential": "c"}
    (server,) = IceServer.turn_servers([entry])
    assert (server.address, server.is_secure, server.over_tcp) == (address, secure, tcp)


async def test_the_command_makes_a_call(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(cli.main, ["check-call", url, "--room", "standup"]) == 0
    pictures = r"packets of sound and \d+ of \d+ pictures \(320×180\)"
    where = r" went through room standup: out by udp 127\.0\.0\.1:"
    assert re.search(pictures + where, capsys.readouterr().out)
    assert await asyncio.to_thread(cli.main, ["check-call", url, "--no-video"]) == 0
    assert "packets of sound went through room check-" in capsys.readouterr().out


def test_the_command_tells_what_did_not_go_through(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check-call", "http://127.0.0.1:9", "--room", "standup"]) == 1
    assert "rotunda: no Socket.IO connection to http://127.0.0.1:9" in capsys.readouterr().err
    assert cli.main(["check-call", "https://127.0.0.1:9", "--ca", __file__]) == 1
    assert f"--ca {__file__} is no PEM file" in capsys.readouterr().err
