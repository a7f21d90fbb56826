"""A call without browsers: what `rotunda check-call` and helm's test do, against one machine."""

from collections.abc import AsyncIterator

import pytest

from rotunda import cli
from rotunda.caller import CallerTransport, IceServer, NoWay, Person, Refused, SignalingUnreachable, call
from rotunda.caller.sound import SOUND, number_of, sound_packet
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
