"""What `rotunda doctor` makes of what it has seen: addresses, tokens, URLs. And the command around it."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioice import stun

from rotunda import cli
from rotunda.caller.checks import NO_ANSWER
from rotunda.doctor import health, relays, tokens
from rotunda.doctor.findings import Report, as_text, failed, ok, warning
from rotunda.doctor.patient import Patient, PatientError
from rotunda.doctor.probes import REFUSED, Probe, Target, probe
from rotunda.doctor.ways import Surroundings, explain
from rotunda_operator.testing.ports import free_port
from rotunda_signaling.auth import tokens as signaling_tokens
from rotunda_signaling.auth.keys import parse_key

KEY = parse_key("backend", b"0123456789abcdef0123456789abcdef")
NOW = 1_800_000_000.0
OUTSIDE = Surroundings(("203.0.113.7",))
HERE = Surroundings(("127.0.0.1",))


def udp(host: str, problem: str = "", protocol: str = "udp") -> Probe:
    target = Target(protocol, host, 40000)
    return Probe(target, problem=problem) if problem else Probe(target, 0.012, "198.51.100.9:5000")


@pytest.mark.parametrize(
    ("probes", "around", "status", "advice"),
    [
        ([udp("203.0.113.7")], OUTSIDE, "ok", ""),
        (
            [udp("203.0.113.7", NO_ANSWER)],
            OUTSIDE,
            "failed",
            "open UDP port 40000 to the media node, or announce",
        ),
        ([udp("203.0.113.7", REFUSED)], OUTSIDE, "failed", "announce the media node's own address"),
        ([udp("10.0.0.5", NO_ANSWER)], OUTSIDE, "failed", "cannot reach (the URL's is 203.0.113.7)"),
        ([udp("10.0.0.5", NO_ANSWER)], Surroundings(("10.0.0.9",)), "failed", "open UDP port 40000"),
        ([udp("10.0.0.5")], OUTSIDE, "warning", "announce the public address"),
        ([udp("10.0.0.5")], Surroundings(("10.0.0.9",)), "ok", ""),
        ([udp("127.0.0.1", REFUSED)], OUTSIDE, "skipped", ""),
        ([udp("127.0.0.1", REFUSED)], HERE, "failed", "announce the media node's own"),
        ([udp("203.0.113.7", NO_ANSWER), udp("203.0.113.8")], OUTSIDE, "warning", "open UDP port 40000"),
        ([udp("203.0.113.7", NO_ANSWER), udp("127.0.0.1")], HERE, "failed", "open UDP port 40000"),
        (
            [udp("203.0.113.7", NO_ANSWER), udp("203.0.113.7", protocol="tcp")],
            OUTSIDE,
            "failed",
            "the address is right, TCP answers there: open UDP port 40000",
        ),
        (
            [udp("203.0.113.7", NO_ANSWER)],
            Surroundings(("203.0.113.1",), frozenset({"203.0.113.7"}), has_turn=True),
            "failed",
            "the address is right, a TURN server reaches it: open UDP port 40000",
        ),
    ],
)
def test_what_an_address_that_answers_or_not_means(
    probes: list[Probe], around: Surroundings, status: str, advice: str
) -> None:
    finding = explain(probes, around)[0]
    assert finding.status == status
    assert advice in finding.advice
    assert bool(advice) is bool(finding.advice)


def test_media_over_tcp_is_missed_only_where_somebody_needs_it() -> None:
    only_udp = [udp("203.0.113.7")]
    assert explain(only_udp, OUTSIDE)[1].status == "warning"
    assert explain(only_udp, Surroundings(OUTSIDE.addresses, has_turn=True))[1].status == "skipped"
    assert explain([udp("127.0.0.1")], HERE)[1].status == "skipped"
    blocked = [udp("203.0.113.7"), udp("203.0.113.7", NO_ANSWER, "tcp")]
    assert [finding.status for finding in explain(blocked, OUTSIDE)] == ["ok", "warning"]
    assert explain([], OUTSIDE)[0] == failed(
        "ice-udp",
        "the media node announces no address for UDP",
        "let the media node listen on an address that clients reach (ROTUNDA_SFU_LISTEN_ADDRESSES)",
    )
    assert relays.no_relays(OUTSIDE).status == "warning"
    assert relays.no_relays(HERE).status == "skipped"


def signed(
    room: str = "standup", starts: float = 0.0, grants: tuple[str, ...] = ("publish", "subscribe")
) -> str:
    return signaling_tokens.sign_join(
        KEY,
        room=room,
        identity="ada",
        now=NOW + starts,
        ttl=3600,
        grants=grants,  # type: ignore[arg-type]  # as a list of texts, which they are
    )


@pytest.mark.parametrize(
    ("token", "room", "skew", "status", "saw"),
    [
        (signed(), "standup", 0.0, "ok", "opens room 'standup' for 'ada' until 2027-01-15 09:00:00 UTC; may"),
        (signed(), "", 0.0, "ok", "opens room 'standup'"),
        (signed(), "retro", 0.0, "failed", "it opens room 'standup', not 'retro'"),
        (signed(starts=-3605), "", 0.0, "ok", "opens room"),
        (signed(starts=-3620), "", 0.0, "failed", "it has expired at 2027-01-15 07:59:40 UTC, 20 s ago"),
        (signed(), "", 3700.0, "failed", "the clocks differ by 3700 s, which decides here"),
        (signed(), "", -60.0, "failed", "not valid before 2027-01-15 08:00:00 UTC, in 60 s by the server's"),
        (signed(grants=("chat",)), "", 0.0, "warning", "may chat; not publish and subscribe"),
        ("ä.b.c", "", 0.0, "failed", "no base64url of JSON"),
        ("MQ.MQ.c", "", 0.0, "failed", "no JSON objects"),
        ("eyJhbGciOiJub25lIn0.e30.", "", 0.0, "failed", "it says alg 'none'"),
    ],
)
def test_what_a_token_says(token: str, room: str, skew: float, status: str, saw: str) -> None:
    finding = tokens.check(tokens.read(token), room, NOW, skew)[0]
    assert (finding.step, finding.status) == ("token", status)
    assert saw in finding.saw


def test_the_doctor_knows_what_signaling_accepts() -> None:
    assert tokens.LEEWAY == health.SKEW_FAILS == signaling_tokens.LEEWAY
    assert (tokens.ALGORITHM, tokens.AUDIENCE) == (signaling_tokens.ALGORITHM, signaling_tokens.JOIN_AUDIENCE)


@pytest.mark.parametrize(
    ("skew", "doubt", "status"),
    [
        (0.4, 0.5, "ok"),
        (-5.0, 0.6, "warning"),
        (5.0, 3.0, "ok"),
        (30.0, 0.5, "failed"),
        (30.0, 25.0, "warning"),
    ],
)
def test_a_slow_answer_tells_less_of_a_clock(skew: float, doubt: float, status: str) -> None:
    assert health.check_clock(health.Answer(200, None, skew, doubt)).status == status


@pytest.mark.parametrize(
    ("url", "origin", "room", "token"),
    [
        ("https://meet.example.org", "https://meet.example.org", "", ""),
        ("https://meet.example.org/r/standup#token=a.b.c", "https://meet.example.org", "standup", "a.b.c"),
        ("http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080", "", ""),
        ("https://meet.example.org:8443/r/x", "https://meet.example.org:8443", "x", ""),
    ],
)
def test_a_link_is_taken_as_it_was_sent(url: str, origin: str, room: str, token: str) -> None:
    patient = Patient.parse(url)
    assert (patient.origin, patient.room, patient.token) == (origin, room, token)
    assert patient.with_token("other").token == (token or "other")
    assert Patient.parse(url, room="mine").room == "mine"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("meet.example.org", "is no URL of a system: give such as https://meet.example.org"),
        ("ftp://meet.example.org", "is no URL of a system"),
        ("https://meet.example.org:99999", "has a port that is none: give 1 to 65535"),
        ("https://example.org/meet", "serves at the root of a host: give https://example.org"),
    ],
)
def test_what_is_no_url_of_a_system(url: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PatientError, match=complaint.partition(":")[0]):
        Patient.parse(url)
    assert cli.main(["doctor", url]) == 2
    assert complaint in capsys.readouterr().err


def test_a_report_is_for_people_and_for_machines() -> None:
    report = Report("https://meet.example.org", "standup")
    report.add(ok("name", "is 192.0.2.1"))
    assert (report.healthy, report.summary()) == (True, "all is well")
    report.add(warning("turn", "none", "set it up"))
    assert (report.healthy, report.summary()) == (True, "1 to look at")
    report.add(failed("media", "nothing came", "look"))
    assert (report.healthy, report.summary()) == (False, "1 failed, 1 to look at")
    assert as_text(report.findings[2]).split() == ["failed", "media", "nothing", "came", "→", "look"]
    assert report.to_json() == {
        "url": "https://meet.example.org",
        "room": "standup",
        "healthy": False,
        "steps": [
            {"step": "name", "status": "ok", "saw": "is 192.0.2.1"},
            {"step": "turn", "status": "warning", "saw": "none", "advice": "set it up"},
            {"step": "media", "status": "failed", "saw": "nothing came", "advice": "look"},
        ],
    }


def test_the_command_says_by_its_status_whether_something_failed(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert cli.main(["doctor", url, "--room", "standup", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["url"], told["room"], told["healthy"]) == (url, "standup", False)
    assert [step["step"] for step in told["steps"] if step["status"] == "failed"] == ["tcp"]
    assert cli.main(["doctor", url, "--room", "standup"]) == 1
    printed = capsys.readouterr().out
    assert f"failed   tcp        port {url.rpartition(':')[2]} accepts at none of the addresses" in printed
    assert f"{url}, room standup: 1 failed" in printed
    assert cli.main(["doctor", url, "--ca", __file__]) == 2
    assert f"--ca {__file__} is no PEM file" in capsys.readouterr().err


ICE = {"iceParameters": {"usernameFragment": "node", "password": "a-password-of-22-chars"}}


@pytest.mark.parametrize(
    ("key", "closes", "problem"),
    [
        (ICE["iceParameters"]["password"], False, ""),
        ("another-password", False, "answered by something that is not the room's media node"),
        ("", True, "the connection was accepted and closed"),
    ],
)
async def test_a_check_over_tcp(key: str, closes: bool, problem: str) -> None:
    async with _tcp_node(key, closes) as port:
        outcome = await probe(Target("tcp", "127.0.0.1", port), ICE)
    assert (outcome.answered, outcome.problem) == (not problem, problem)
    assert outcome.seen_as == ("" if problem else "198.51.100.9:5000")


async def test_nobody_takes_a_check_over_tcp() -> None:
    outcome = await probe(Target("tcp", "127.0.0.1", free_port()), ICE)
    assert (outcome.answered, outcome.problem) == (False, REFUSED)


@asynccontextmanager
async def _tcp_node(key: str, closes: bool) -> AsyncIterator[int]:
    """Answers framed checks (RFC 4571) as a media node does, whose password is the key."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        request = stun.parse_message(await reader.readexactly(length))
        if not closes:
            response = stun.Message(
                stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id
            )
            response.attributes["XOR-MAPPED-ADDRESS"] = ("198.51.100.9", 5000)
            response.add_message_integrity(key.encode())
            writer.write(struct.pack("!H", len(bytes(response))) + bytes(response))
            await writer.drain()
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
