"""`rotunda doctor` against real systems, whole ones and ones with a fault put into them: it must be named."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness.redis_server import RedisServer
from harness.server import serve
from harness.turn import turn_server

from rotunda import cli
from rotunda.doctor.examine import examine
from rotunda.doctor.findings import Finding, Report, Status
from rotunda.doctor.patient import Patient
from rotunda.serve import single_machine
from rotunda_contract.rtp import IceCandidate
from rotunda_operator.certificates import issue, new_authority
from rotunda_operator.testing.ports import free_port
from rotunda_sfu.ice import ice_candidates
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.auth.keys import parse_key
from rotunda_signaling.auth.tokens import sign_api, sign_join
from rotunda_signaling.backing import for_many_processes
from rotunda_signaling.media_node.grpc import GrpcMediaNodes
from rotunda_signaling.settings import SignalingSettings

LOOPBACK = {"listen_addresses": ("127.0.0.1",)}
UNUSED = "198.51.100.1"
"""Of a network for documents (RFC 5737), which nobody has."""
SECRET = b"0123456789abcdef0123456789abcdef"
KEY = parse_key("backend", SECRET)
NOW = datetime.now(UTC)
AUTHORITY = new_authority(NOW - timedelta(days=400))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine out of breath does to clocks and deadlines is no fault of the system examined."""
    monkeypatch.setattr("rotunda.doctor.health.SKEW_WARNS", 60.0)
    monkeypatch.setattr("rotunda.doctor.health.SKEW_FAILS", 60.0)
    monkeypatch.setattr("rotunda.doctor.media.LAST_SECONDS", 60.0)
    monkeypatch.setattr("rotunda.serve.GrpcMediaNodes", partial(GrpcMediaNodes, deadline=60.0))


@asynccontextmanager
async def running(media: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[Patient]:
    """A whole system on free ports, as it is examined."""
    node = NodeSettings(**({"media_port": 0, "workers": 1} | (LOOPBACK if media is None else media)))
    async with single_machine(SignalingSettings(port=0, **settings), node) as http:
        scheme, host = ("https", "localhost") if "https_directory" in settings else ("http", "127.0.0.1")
        yield Patient.parse(f"{scheme}://{host}:{http.port}")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    directory = tmp_path / "keys"
    directory.mkdir()
    (directory / KEY.id).write_bytes(SECRET)
    return directory


def found(report: Report, step: str, status: Status = "failed") -> Finding:
    """The one finding of a step, which must have this status."""
    of_step = [finding for finding in report.findings if finding.step == step]
    assert [finding.status for finding in of_step] == [status], report.findings
    return of_step[0]


def all_well(report: Report, *but: str) -> None:
    """Nothing is wrong, except in these steps, which are."""
    wrong = {finding.step for finding in report.findings if finding.status in ("failed", "warning")}
    assert wrong == set(but), report.findings
    assert report.healthy is not bool(report.of("failed"))


async def test_a_system_that_is_well(tmp_path: Path, keys: Path) -> None:
    """With HTTPS, a token, and TURN over all its transports."""
    pair = issue(AUTHORITY, "localhost", NOW)
    (tmp_path / "tls.crt").write_bytes(pair.certificate)
    (tmp_path / "tls.key").write_bytes(pair.key)
    async with turn_server(tmp_path / "turn") as turn:
        settings: dict[str, Any] = {
            "turn_urls": tuple(turn.urls.values()),
            "turn_secret_file": turn.key_file,
            "https_directory": tmp_path,
            "api_keys_directory": keys,
        }
        async with running(**settings) as patient:
            context = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
            context.load_verify_locations(turn.directory / "ca.crt")
            told: list[Finding] = []
            report = await examine(
                replace(patient, context=context, token=token(room="standup")), told.append
            )
    all_well(report)
    assert told == report.findings
    assert report.room == "standup", "the token says which"
    relays = [finding for finding in report.findings if finding.step == "turn"]
    assert [finding.status for finding in relays] == ["ok"] * 3
    assert "packets came back over udp 127.0.0.1:" in found(report, "media", "ok").saw
    assert "localhost until" in found(report, "tls", "ok").saw


def token(*, room: str = "standup", starts: float = 0.0, ttl: float = 3600.0) -> str:
    return sign_join(KEY, room=room, identity="ada", now=time.time() + starts, ttl=ttl)


async def test_the_command_against_another_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"ROTUNDA_SFU_LISTEN_ADDRESSES": "127.0.0.1"}
    async with serve(tmp_path / "server.log", environment) as server:
        status = await asyncio.to_thread(cli.main, ["doctor", f"{server.url}/r/standup", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (status, told["healthy"], told["room"]) == (0, True, "standup"), told
    assert {"step": "healthz", "status": "ok", "saw": "Rotunda's signaling is alive"} in told["steps"]


async def test_a_wrong_announced_address() -> None:
    media = {"listen_addresses": ("0.0.0.0",), "announced_address": UNUSED}
    async with running(media) as patient:
        report = await examine(patient)
    all_well(report, "ice-udp", "ice-tcp")
    finding = found(report, "ice-udp")
    assert UNUSED in finding.saw
    assert "announce" in finding.advice
    assert found(report, "media", "skipped").saw == "no way to the media node answers"


async def test_a_udp_port_that_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What clients send arrives where nothing is ever said."""
    with socket.socket(type=socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        announce_port(monkeypatch, port, "udp")
        async with running() as patient:
            report = await examine(patient)
    all_well(report, "ice-udp")
    finding = found(report, "ice-udp")
    assert (
        finding.saw == f"127.0.0.1:{port}: no answer: the port is blocked, or the announced address is wrong"
    )
    assert finding.advice.startswith(f"the address is right, TCP answers there: open UDP port {port}")
    assert "over tcp 127.0.0.1:" in found(report, "media", "ok").saw, "calls go on another way"


async def test_a_port_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    announce_port(monkeypatch, port, "udp", "tcp")
    async with running() as patient:
        report = await examine(patient)
    all_well(report, "ice-udp", "ice-tcp")
    finding = found(report, "ice-udp")
    assert f"127.0.0.1:{port}: refused: nothing listens there, or a firewall says no" == finding.saw
    assert f"forward UDP port {port} to it" in finding.advice


def announce_port(monkeypatch: pytest.MonkeyPatch, port: int, *protocols: str) -> None:
    """As a router does that forwards another one than it is told."""

    def wrong(addresses: Any) -> tuple[IceCandidate, ...]:
        return tuple(
            each.model_copy(update={"port": port}) if each.protocol in protocols else each
            for each in ice_candidates(addresses)
        )

    monkeypatch.setattr("rotunda_sfu.transports.webrtc.ice_candidates", wrong)


async def test_turn_is_down(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("north")
    urls = tuple(
        f"{scheme}:127.0.0.1:{free_port()}?transport={transport}"
        for scheme, transport in (("turn", "udp"), ("turn", "tcp"), ("turns", "tcp"))
    )
    async with running(turn_urls=urls, turn_secret_file=tmp_path / "secret") as patient:
        report = await examine(patient)
    all_well(report, "turn")
    relays = [finding for finding in report.findings if finding.step == "turn"]
    assert [each.saw for each in relays] == [f"{url}: refused: nothing listens there" for url in urls]
    assert all("is the TURN server up?" in each.advice for each in relays)
    found(report, "media", "ok")


@pytest.mark.parametrize(
    ("key", "peers", "saw", "advice"),
    [
        ("south", ("127.0.0.1",), "does not take the credentials (401)", "must hold the secret"),
        ("north", (UNUSED,), "may not send to the media node (127.0.0.1:", "let it relay to the media"),
    ],
)
async def test_turn_refuses(key: str, peers: tuple[str, ...], saw: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(key)
    async with (
        turn_server(tmp_path / "turn", peers=peers) as turn,
        running(turn_urls=(turn.urls["udp"],), turn_secret_file=tmp_path / "secret") as patient,
    ):
        report = await examine(patient)
    all_well(report, "turn")
    finding = found(report, "turn")
    assert saw in finding.saw
    assert advice in finding.advice


async def test_redis_is_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("rotunda.serve.for_one_process", for_many_processes)
    monkeypatch.setattr("rotunda_signaling.fanout.redis.ANSWER_SECONDS", 60.0)
    with RedisServer(tmp_path) as redis:
        async with running(redis_url=redis.url, namespace="calls") as patient:
            await until(patient, lambda degraded: not degraded)
            all_well(await examine(patient))
            redis.stop()
            await until(patient, bool)
            report = await examine(patient)
    all_well(report, "redis")
    assert found(report, "redis").saw.startswith("away: chat reaches only the people of the same")
    assert "ROTUNDA_REDIS_URL" in found(report, "redis").advice
    found(report, "media", "ok")


async def until(patient: Patient, wanted: Callable[[list[str]], bool]) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(base_url=patient.origin, timeout=60) as client:

        async def met() -> bool:
            answer = await client.get("/readyz")
            return answer.status_code == 200 and wanted(answer.json().get("degraded", []))

        while not await met():  # noqa: ASYNC110 -- Redis's connection is another process's, which tells nobody
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("given", "room", "saw", "step", "code"),
    [
        (lambda: token(starts=-7200), "", "it has expired at", "socket", "unauthorized"),
        (lambda: token(starts=600), "", "it is not valid before", "socket", "unauthorized"),
        (lambda: token(room="retro"), "standup", "it opens room 'retro', not 'standup'", "join", "forbidden"),
        (
            lambda: sign_api(KEY, now=time.time(), ttl=60),
            "",
            "for the audience 'rotunda-api'",
            "socket",
            "unauthorized",
        ),
        (
            lambda: "x.y",
            "",
            "a JWT has three parts, joined by dots, and this has 2",
            "socket",
            "unauthorized",
        ),
    ],
)
async def test_a_token_that_opens_nothing(
    given: Callable[[], str], room: str, saw: str, step: str, code: str, keys: Path
) -> None:
    async with running(api_keys_directory=keys) as patient:
        report = await examine(replace(patient, token=given(), room=room))
    wrong = {finding.step for finding in report.of("failed")}
    assert wrong == {"token", step}, report.findings
    assert any(saw in finding.saw for finding in report.findings if finding.step == "token")
    assert f"was refused: {code}: " in found(report, step).saw


async def test_a_room_that_takes_a_token(keys: Path) -> None:
    async with running(api_keys_directory=keys) as patient:
        async with httpx.AsyncClient(base_url=patient.origin, timeout=60) as client:
            headers = {"Authorization": f"Bearer {sign_api(KEY, now=time.time(), ttl=60)}"}
            body = {"name": "board", "access": "Token"}
            assert (await client.post("/api/v1/rooms", json=body, headers=headers)).status_code == 201
        report = await examine(replace(patient, room="board"))
    all_well(report, "join")
    assert "takes nobody without a token" in found(report, "join").saw
    assert "--token" in found(report, "join").advice


@pytest.mark.parametrize(("shift", "which"), [(120.0, "behind"), (-120.0, "ahead of")])
async def test_clocks_that_differ(shift: float, which: str) -> None:
    async with running() as patient:
        report = await examine(replace(patient, clock=lambda: time.time() + shift))
    all_well(report, "clock")
    assert f"s {which} this machine's" in found(report, "clock").saw
    assert "NTP" in found(report, "clock").advice


@pytest.mark.parametrize(
    ("name", "made", "saw", "advice"),
    [
        ("localhost", NOW - timedelta(days=200), "certificate has expired", "renew it"),
        ("meet.example.org", NOW, "for meet.example.org until", "let a certificate be made for localhost"),
    ],
)
async def test_a_certificate_that_is_not_valid(
    name: str, made: datetime, saw: str, advice: str, tmp_path: Path, keys: Path
) -> None:
    pair = issue(AUTHORITY, name, made)
    (tmp_path / "tls.crt").write_bytes(pair.certificate)
    (tmp_path / "tls.key").write_bytes(pair.key)
    context = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
    async with running(https_directory=tmp_path, api_keys_directory=keys, access="Open") as patient:
        report = await examine(replace(patient, context=context))
        careful = await examine(replace(patient, context=context, token=token()))
    all_well(report, "tls")
    assert saw in found(report, "tls").saw
    assert advice in found(report, "tls").advice
    found(report, "media", "ok")
    assert "a token is not sent" in found(careful, "socket", "skipped").saw


@pytest.mark.parametrize(
    ("answer", "saw"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "status 200, but not as Rotunda does"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "status 502"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP answer"),
    ],
)
async def test_what_is_not_rotunda(answer: bytes, saw: str) -> None:
    async with stranger(answer) as url:
        report = await examine(Patient.parse(url))
    all_well(report, "healthz")
    assert saw in found(report, "healthz").saw
    found(report, "join", "skipped")


def stranger(answer: bytes) -> AbstractAsyncContextManager[str]:
    """Says the same to everybody."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def serving() -> AsyncIterator[str]:
        async with await asyncio.start_server(say, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    return serving()


async def test_a_proxy_that_passes_no_websocket_on() -> None:
    body = b'{"status":"ok"}'
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with stranger(head + body) as url:
        report = await examine(Patient.parse(url))
    all_well(report, "clock", "websocket")
    assert found(report, "clock", "warning").saw == "the server does not tell its time"
    assert found(report, "websocket").saw == "no upgrade at /socket.io: status 200"
    assert "proxy" in found(report, "websocket").advice


async def test_nobody_there() -> None:
    report = await examine(Patient.parse(f"http://127.0.0.1:{free_port()}"))
    all_well(report, "tcp")
    assert "127.0.0.1: refused" in found(report, "tcp").saw
    report = await examine(Patient.parse("http://nobody.invalid"))
    all_well(report, "name")
    found(report, "media", "skipped")
