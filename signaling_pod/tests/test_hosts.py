"""Which Host a request may name, and what a server with HTTPS of its own tells browsers."""

import asyncio

import httpx
import pytest

from rotunda_signaling.http.hosts import OwnNames, name_of
from rotunda_signaling.http.security import HSTS, SecurityHeaders
from rotunda_signaling.testing import WAIT, MakeStage, Stage


async def status_of(stage: Stage, request: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(stage.url.rpartition(":")[2]))
    writer.write(request.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    async with asyncio.timeout(WAIT):
        line = await reader.readline()
    writer.close()
    return int(line.split()[1])


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("GET /healthz HTTP/1.1", 400),
        ("GET /healthz HTTP/1.1\nHost: localhost\nHost: localhost", 400),
        ("GET /healthz HTTP/1.1\nHost: a b", 400),
        ("GET /healthz HTTP/1.1\nHost: ", 400),
        ("GET /healthz HTTP/1.1\nHost: user@localhost", 400),
        (f"GET /healthz HTTP/1.1\nHost: {'a' * 256}", 400),
        ("GET /healthz HTTP/1.1\nHost: meet.example.org:8080", 200),
        ("GET /healthz HTTP/1.1\nHost: [::1]:8080", 200),
        ("GET /healthz HTTP/1.0", 200),
        ("GET /api/v1/rooms HTTP/1.1\nHost: localhost:8080", 200),
        ("GET /api/v1/rooms HTTP/1.1\nHost: 127.0.0.2", 200),
        ("GET /api/v1/rooms HTTP/1.1\nHost: [::1]", 200),
        ("GET /api/v1/rooms HTTP/1.1\nHost: evil.example", 401),
        ("GET /api/v1/rooms HTTP/1.1\nHost: localhost.evil.example", 401),
        ("GET /api/v1/rooms HTTP/1.1\nHost: 10.0.0.1", 401),
        ("GET /api/v1/rooms HTTP/1.0", 401),
        ("GET /api/v1/rooms/standup HTTP/1.1\nHost: evil.example", 401),
        ("DELETE /api/v1/rooms/standup HTTP/1.1\nHost: evil.example", 401),
    ],
)
async def test_the_open_api_is_asked_by_a_name_of_this_machine(
    stage: Stage, request_head: str, status: int
) -> None:
    assert await status_of(stage, request_head) == status


async def test_a_proxys_name_can_be_named(make_stage: MakeStage) -> None:
    stage = await make_stage(known_hosts="meet.example.org, other.example")
    request = "GET /api/v1/rooms HTTP/1.1\nHost: %s"
    assert await status_of(stage, request % "Meet.Example.org:443") == 200
    assert await status_of(stage, request % "evil.example") == 401


def test_names() -> None:
    assert name_of("[2001:db8::1]:80") == "2001:db8::1"
    assert name_of("A.example") == "a.example"
    for wrong in ("", "a/b", "a:b", "a\0b", "[::1", "a:123456"):
        assert name_of(wrong) is None
    names = OwnNames()
    assert names.include("rotunda.localhost")
    assert names.include("[::ffff:127.0.0.1]")
    assert not names.include(None)


@pytest.mark.parametrize(
    ("https", "host", "told"),
    [(True, "meet.example.org", HSTS), (True, "localhost:8443", None), (False, "meet.example.org", None)],
)
async def test_browsers_are_told_that_there_is_https_alone(https: bool, host: str, told: str | None) -> None:
    from starlette.responses import PlainTextResponse

    app = SecurityHeaders(PlainTextResponse("hello"), https=https)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        assert (await client.get("/")).headers.get("Strict-Transport-Security") == told
