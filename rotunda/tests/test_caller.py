"""A call without browsers: what `rotunda check-call` and helm's test do, against one machine."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc.codecs.vpx import Vp8Decoder, vp8_depayload
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket
from av import VideoFrame

from rotunda import cli
from rotunda.caller import CallerTransport, IceServer, NoWay, Person, Refused, SignalingUnreachable, call
from rotunda.caller.picture import FRAMES_PER_SECOND, PICTURE, PictureEncoder
from rotunda.caller.sound import INTERVAL_SECONDS, SOUND, number_of, sound_packet
from rotunda.serve import single_machine
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.settings import SignalingSettings


@pytest.fixture
async def url() -> AsyncIterator[str]:
    node = NodeSettings(listen_addresses=("127.0.0.1",), media_port=0, workers=1)
    async with single_machine(SignalingSettings(port=0, max_participants=2), node) as http:
        yield f"http://127.0.0.1:{http.port}"


async def test_one_speaks_and_the_other_hears(url: str) -> None:
    report = await call(url, "standup", packets=20)
    assert report.received >= 20
    assert report.sent >= report.received
    assert all(way.startswith("udp 127.0.0.1:") for way in report.ways)


async def test_one_shows_a_picture_and_the_other_decodes_it(url: str) -> None:
    ada, ben = [await Person.enter(url, "standup", name) for name in ("Ada", "Ben")]
    viewer = Viewer()
    sending = await ada.transport("send", host="127.0.0.1")
    receiving = await ben.transport("recv", on_packet=viewer.on_packet, host="127.0.0.1")
    await ben.consume(receiving, await ada.publish_picture(sending))
    encoder = PictureEncoder()
    async with asyncio.timeout(60):
        while not viewer.pictures:
            for packet in encoder.packets(key=True):
                sending.send_rtp(packet)
            await asyncio.sleep(1 / FRAMES_PER_SECOND)
    assert viewer.pictures[0] == (PICTURE.width, PICTURE.height)
    for person in (ada, ben):
        await person.leave()


async def test_who_comes_back_in_the_same_seat_is_heard_on(url: str) -> None:
    ada, ben = [await Person.enter(url, "standup", name) for name in ("Ada", "Ben")]
    heard = asyncio.Event()
    sending = await ada.transport("send")
    receiving = await ben.transport("recv", on_packet=lambda packet, arrived: heard.set())
    producer = await ada.publish_sound(sending)
    await ben.consume(receiving, producer)
    before = ada.participant_id
    await ada.resume()
    assert (ada.joined["resumed"], ada.participant_id) == (True, before)
    assert [each["producerId"] for each in ada.joined["self"]["producers"]] == [producer]
    heard.clear()
    async with asyncio.timeout(60):
        for number in itertools.count():
            sending.send_rtp(sound_packet(SOUND, number))
            if heard.is_set():
                break
            await asyncio.sleep(INTERVAL_SECONDS)
    for person in (ada, ben):
        await person.leave()


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
            await Person.enter(str(server.make_url("")), "standup", "Ada")


class Viewer:
    """`pictures`: the sizes of those that could be decoded."""

    def __init__(self) -> None:
        self.pictures: list[tuple[int, int]] = []
        self._decoder = Vp8Decoder()
        self._parts: list[bytes] = []

    def on_packet(self, packet: bytes, arrived: int) -> None:
        parsed = RtpPacket.parse(packet)
        if parsed.sequence_number == 0 or parsed.payload[0] & 0x10:
            self._parts.clear()
        self._parts.append(vp8_depayload(parsed.payload))
        if parsed.marker:
            frame = JitterFrame(data=b"".join(self._parts), timestamp=parsed.timestamp)
            for picture in self._decoder.decode(frame):
                assert isinstance(picture, VideoFrame)
                self.pictures.append((picture.width, picture.height))


async def test_a_way_that_does_not_answer_is_named(url: str) -> None:
    ada = await Person.enter(url, "standup", "Ada")
    options = await ada.request("createWebRtcTransport", direction="send")
    options["iceCandidates"] = []
    with pytest.raises(NoWay, match="no way of the kind udp"):
        await CallerTransport(options).open()
    await ada.leave()


async def test_a_refusal_names_request_and_code(url: str) -> None:
    people = [await Person.enter(url, "full", name) for name in ("Ada", "Ben")]
    with pytest.raises(Refused, match="join was refused: room_full") as refusal:
        await Person.enter(url, "full", "Cleo")
    assert refusal.value.code == "room_full"
    for person in people:
        await person.leave()


async def test_nobody_there() -> None:
    with pytest.raises(SignalingUnreachable, match=r"no Socket\.IO connection to http://127\.0\.0\.1:9"):
        await call("http://127.0.0.1:9", "standup")


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


def test_packets_are_numbered() -> None:
    assert number_of(sound_packet(SOUND, 70_000)) == 70_000
    assert number_of(b"\x80" + bytes(40)) is None
    assert number_of(sound_packet(SOUND, 1)[:-1]) is None


def test_the_command_tells_what_went_through_and_what_did_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check-call", "http://127.0.0.1:9", "--room", "standup"]) == 1
    assert "rotunda: no Socket.IO connection to http://127.0.0.1:9" in capsys.readouterr().err
    assert cli.main(["check-call", "https://127.0.0.1:9", "--ca", __file__]) == 1
    assert f"--ca {__file__} is no PEM file" in capsys.readouterr().err
