"""The rooms API, health, metrics and the web app's files."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from rotunda_contract.errors import Unavailable
from rotunda_signaling.http.bodies import BoundedBodies
from rotunda_signaling.testing import MakeStage, Stage


@pytest.fixture
async def http(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with stage.http() as client:
        yield client


async def test_a_room_is_created_read_listed_and_deleted(http: httpx.AsyncClient) -> None:
    made = await http.post(
        "/api/v1/rooms", json={"name": "standup", "displayName": "Daily", "maxParticipants": 3}
    )
    assert made.status_code == 201
    assert made.headers["location"] == "/api/v1/rooms/standup"
    room = made.json()
    assert room | {"createdAt": "", "joinURL": ""} == {
        "name": "standup",
        "displayName": "Daily",
        "maxParticipants": 3,
        "access": "Open",
        "videoCodecs": ["VP8", "H264", "VP9", "AV1"],
        "maxVideoKbps": 2500,
        "emptyTtlSeconds": 600.0,
        "participants": 0,
        "createdAt": "",
        "joinURL": "",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", room["createdAt"])
    assert room["joinURL"] == f"{http.base_url}/r/standup"
    assert (await http.get("/api/v1/rooms/standup")).json() == room
    assert (await http.get("/api/v1/rooms")).json() == {"rooms": [room]}
    deleted = await http.delete("/api/v1/rooms/standup")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await http.get("/api/v1/rooms")).json() == {"rooms": []}


async def test_a_created_room_is_what_joins_enter(stage: Stage, http: httpx.AsyncClient) -> None:
    await http.post("/api/v1/rooms", json={"name": "standup", "displayName": "Daily", "maxParticipants": 3})
    ada = await stage.joined("Ada")
    assert ada.joined["room"] == {"name": "standup", "displayName": "Daily", "maxParticipants": 3}
    assert (await http.get("/api/v1/rooms/standup")).json()["participants"] == 1
    await http.delete("/api/v1/rooms/standup")
    assert await ada.expect("roomClosed") == {"reason": "deleted", "rejoin": False}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "text"),
    [
        ("GET", "/api/v1/rooms/none", None, 404, "not_found", "there is no room none"),
        ("DELETE", "/api/v1/rooms/none", None, 404, "not_found", "there is no room none"),
        ("GET", "/api/v1/rooms/No%20Way", None, 400, "bad_request", "room: Input should be a DNS label"),
        ("POST", "/api/v1/rooms", {}, 400, "bad_request", "name: Field required"),
        ("POST", "/api/v1/rooms", {"name": "A"}, 400, "bad_request", "name: Input should be a DNS label"),
        (
            "POST",
            "/api/v1/rooms",
            {"name": "a", "maxParticipants": 0},
            400,
            "bad_request",
            "maxParticipants: ",
        ),
        ("POST", "/api/v1/rooms", {"name": "a", "videoCodecs": ["X"]}, 400, "bad_request", "videoCodecs.0: "),
        ("POST", "/api/v1/rooms", {"name": "taken"}, 409, "invalid_state", "room taken exists already"),
        (
            "POST",
            "/api/v1/rooms",
            {"name": "a", "maxParticipants": True},
            400,
            "bad_request",
            "maxParticipants",
        ),
        ("POST", "/api/v1/rooms", [], 400, "bad_request", "the body must be a JSON object"),
        (
            "POST",
            "/api/v1/rooms",
            {"name": "a", "displayName": "x" * 129},
            413,
            "too_large",
            "displayName: ",
        ),
        ("POST", "/api/v1/rooms", {"name": "a", "x": "x" * 65536}, 413, "too_large", "a body may take 65536"),
        ("POST", "/api/v1/rooms/a/invented", {}, 404, "not_found", "there is nothing at /api/v1/rooms/a"),
        ("PUT", "/api/v1/rooms", {}, 405, "bad_request", "PUT is not accepted at /api/v1/rooms, but GET"),
        ("GET", "/api/v1/nothing", None, 404, "not_found", "there is nothing at /api/v1/nothing"),
    ],
)
async def test_what_is_wrong_is_said(
    http: httpx.AsyncClient, method: str, path: str, body: object, status: int, code: str, text: str
) -> None:
    await http.post("/api/v1/rooms", json={"name": "taken"})
    response = await http.request(method, path, json=body)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["code"] == code
    assert text in error["message"]


async def test_a_body_that_is_no_json_is_said(http: httpx.AsyncClient) -> None:
    for content, kind in ((b"{", "application/json"), (b'{"name":"a"}', "text/plain"), (b"", "text/plain")):
        response = await http.post("/api/v1/rooms", content=content, headers={"Content-Type": kind})
        assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")
        assert "Content-Type: application/json" in response.json()["error"]["message"]


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        if sent:
            raise AssertionError("asked on after the answer")
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the application was asked")

    await BoundedBodies(app, seconds=0)({"type": "http", "method": "POST"}, receive, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


async def test_head_is_answered_wherever_get_is(make_stage: MakeStage, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("page")
    stage = await make_stage(web_root=tmp_path)
    async with stage.http() as http:
        for path in ("/", "/r/a", "/healthz", "/readyz", "/metrics", "/api/v1/rooms", "/index.html"):
            response = await http.head(path)
            assert (response.status_code, response.content) == (200, b""), path
        assert (await http.put("/healthz")).headers["allow"] == "GET, HEAD"
        assert (await http.put("/api/v1/rooms")).headers["allow"] == "GET, HEAD, POST"
        assert (await http.put("/api/v1/rooms/a")).headers["allow"] == "GET, HEAD, DELETE"
        assert (await http.post("/index.html")).status_code == 404


async def test_the_api_describes_itself(http: httpx.AsyncClient) -> None:
    described = (await http.get("/api/v1/openapi.json")).json()
    assert set(described["paths"]) >= {"/api/v1/rooms", "/api/v1/rooms/{room}", "/api/v1/rooms/{room}/tokens"}
    assert not {name for name in described["components"]["schemas"] if "Validation" in name}
    assert set(described["paths"]["/api/v1/rooms/{room}"]["get"]["responses"]) == {
        "200",
        "400",
        "401",
        "403",
        "404",
    }


async def test_health_and_readiness(stage: Stage, http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    assert (await http.get("/readyz")).json() == {"status": "ready"}
    stage.node.fail_next("check_ready", Unavailable("the media node does not answer"))
    unready = await http.get("/readyz")
    assert unready.status_code == 503
    assert unready.json() == {"error": {"code": "unavailable", "message": "the media node does not answer"}}


async def test_metrics_count_requests_by_name_and_outcome(stage: Stage, http: httpx.AsyncClient) -> None:
    ada = await stage.joined("Ada")
    await ada.ask("chat", {"text": ""})
    await ada.ask("invented")
    lines = set((await http.get("/metrics")).text.splitlines())
    assert 'rotunda_signaling_requests_total{code="ok",request="join"} 1.0' in lines
    assert 'rotunda_signaling_requests_total{code="bad_request",request="chat"} 1.0' in lines
    assert 'rotunda_signaling_requests_total{code="unknown_request",request="unknown"} 1.0' in lines
    assert 'rotunda_signaling_request_duration_seconds_count{request="join"} 1.0' in lines
    assert {"rotunda_signaling_sockets 1.0", "rotunda_signaling_watched_rooms 1.0"} <= lines
    assert "rotunda_signaling_participants 1.0" in lines


async def test_the_web_app_is_served(make_stage: MakeStage, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>page")
    (tmp_path / "assets" / "app-1a2b.js").write_text("script")
    (tmp_path / "favicon.svg").write_text("<svg/>")
    stage = await make_stage(web_root=tmp_path)
    async with stage.http() as http:
        watch = await http.get("/watch/standup")
        assert (watch.status_code, "Not yet" in watch.text) == (404, True)
        for path in ("/", "/r/standup"):
            page = await http.get(path)
            assert (page.status_code, page.text) == (200, "<!doctype html>page")
            assert page.headers["cache-control"] == "no-cache"
            assert "script-src 'self'" in page.headers["content-security-policy"]
            assert "camera=(self)" in page.headers["permissions-policy"]
            assert page.headers["x-content-type-options"] == "nosniff"
        asset = await http.get("/assets/app-1a2b.js")
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-type"].startswith("text/javascript")
        assert (await http.get("/favicon.svg")).headers["cache-control"] == "no-cache"
        again = await http.get("/", headers={"If-None-Match": page.headers["etag"]})
        assert again.status_code == 304
        assert (await http.get("/assets/none.js")).status_code == 404
        assert (await http.get("/..%2f..%2fetc%2fpasswd")).status_code == 404
        assert (await http.head("/")).status_code == 200


async def test_without_a_web_app_the_page_says_what_to_do(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    assert page.status_code == 503
    assert "ROTUNDA_WEB_ROOT" in page.text
