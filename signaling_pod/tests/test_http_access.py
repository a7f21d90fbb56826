"""Who may use the HTTP API, and tokens that it signs."""

import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from rotunda_signaling.auth.keys import KeyRing
from rotunda_signaling.auth.testing import KEY, api_token, token, worthless_tokens
from rotunda_signaling.auth.tokens import JoinClaims, read_token
from rotunda_signaling.http.access import listens_on_loopback
from rotunda_signaling.testing import MakeStage, Stage

TOKENS = "/api/v1/rooms/standup/tokens"


@pytest.fixture
async def keyed(make_stage: MakeStage, tmp_path: Path) -> Stage:
    (tmp_path / KEY.id).write_bytes(KEY.secret)
    return await make_stage(api_keys_directory=tmp_path, access="Open")


@pytest.fixture
async def http(keyed: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with keyed.http() as client:
        yield client


def shows(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def error(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()["error"]
    return answer.status_code, body["code"], body["message"]


async def test_rooms_are_run_with_an_api_token(http: httpx.AsyncClient) -> None:
    headers = shows(api_token())
    made = await http.post("/api/v1/rooms", json={"name": "a", "access": "Token"}, headers=headers)
    assert (made.status_code, made.json()["access"]) == (201, "Token")
    assert (await http.get("/api/v1/rooms", headers=headers)).json()["rooms"][0]["name"] == "a"
    assert (await http.get("/api/v1/rooms/a", headers=headers)).status_code == 200
    assert (await http.delete("/api/v1/rooms/a", headers=headers)).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/rooms", None),
        ("POST", "/api/v1/rooms", {"name": "a"}),
        ("GET", "/api/v1/rooms/standup", None),
        ("DELETE", "/api/v1/rooms/standup", None),
        ("POST", TOKENS, {"identity": "ada"}),
    ],
)
async def test_nothing_goes_without_or_with_a_worthless_token(
    http: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    bare = await http.request(method, path, json=body)
    assert error(bare)[:2] == (401, "unauthorized")
    assert "in a header Authorization: Bearer" in error(bare)[2]
    assert bare.headers["www-authenticate"] == 'Bearer realm="rotunda"'
    for headers in (shows("abc"), shows(token(exp=int(time.time()) - 60)), shows(KEY.secret.decode())):
        answer = await http.request(method, path, json=body, headers=headers)
        assert error(answer)[:2] == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == 'Bearer realm="rotunda", error="invalid_token"'
    basic = await http.request(method, path, json=body, auth=("backend", KEY.secret.decode()))
    assert error(basic)[:2] == (401, "unauthorized")


async def test_every_worthless_token_is_refused_here_too(http: httpx.AsyncClient) -> None:
    other_kinds = ("an API token", "a guest's token")
    for what, (text, said) in worthless_tokens().items():
        if what in other_kinds or not text:
            continue
        status, code, message = error(await http.get("/api/v1/rooms", headers=shows(text)))
        assert (status, code) == (401, "unauthorized"), what
        assert said in message, what


async def test_a_person_runs_no_rooms(keyed: Stage, http: httpx.AsyncClient) -> None:
    guest = await keyed.joined("Ada")
    for text in (token(grants=["moderate"]), guest.joined["token"]):
        answer = await http.delete("/api/v1/rooms/standup", headers=shows(text))
        assert error(answer)[:2] == (403, "forbidden")
        assert answer.headers["www-authenticate"] == 'Bearer realm="rotunda", error="insufficient_scope"'
        assert (await http.get("/api/v1/rooms/standup", headers=shows(text))).status_code == 200
    other = await http.get("/api/v1/rooms/other", headers=shows(token()))
    assert error(other) == (403, "forbidden", "the token is for room 'standup', not for 'other'")


async def test_the_server_signs_join_tokens(keyed: Stage, http: httpx.AsyncClient) -> None:
    body = {"identity": "mo", "name": "Mo", "grants": ["moderate", "chat"], "ttlSeconds": 60}
    before = time.time()
    answer = await http.post(TOKENS, json=body, headers=shows(api_token()))
    assert answer.status_code == 201
    made = answer.json()
    claims = read_token(made["token"], KeyRing([KEY]), time.time(), "rotunda")
    assert isinstance(claims, JoinClaims)
    assert (claims.room, claims.identity, claims.name) == ("standup", "mo", "Mo")
    assert claims.grants == ("moderate", "chat")
    assert datetime.fromisoformat(made["expiresAt"]).timestamp() == claims.expires_at
    assert int(before) + 60 <= claims.expires_at <= time.time() + 60
    assert made["joinURL"] == f"{keyed.url}/r/standup#token={made['token']}"
    guest = await (await keyed.guest(auth={"token": made["token"]})).join()
    assert guest.joined["permissions"] == ["chat", "moderate"]


async def test_a_kind_stands_in_the_token_with_what_it_may_do(http: httpx.AsyncClient) -> None:
    body = {"identity": "recorder", "kind": "egress"}
    made = (await http.post(TOKENS, json=body, headers=shows(api_token()))).json()
    claims = read_token(made["token"], KeyRing([KEY]), time.time(), "rotunda")
    assert isinstance(claims, JoinClaims)
    assert (claims.kind, claims.grants) == ("egress", ("subscribe",))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "identity: Field required"),
        ({"identity": "a", "kind": "robot"}, "kind: Input should be 'person', 'ingress'"),
        ({"identity": "a", "kind": "hidden", "grants": ["publish"]}, "grants: 'publish' is nothing that"),
        ({"identity": ""}, "identity: "),
        ({"identity": "a", "grants": ["fly"]}, "grants.0: Input should be 'publish'"),
        ({"identity": "a", "ttlSeconds": 0}, "ttlSeconds: "),
        ({"identity": "a", "ttlSeconds": 10**9}, "ttlSeconds: Input should be less than or equal to 2592000"),
    ],
)
async def test_what_makes_no_token_is_said(http: httpx.AsyncClient, body: object, said: str) -> None:
    status, code, message = error(await http.post(TOKENS, json=body, headers=shows(api_token())))
    assert (status, code) == (400, "bad_request")
    assert said in message


async def test_without_keys_the_api_is_open_on_loopback_alone(make_stage: MakeStage) -> None:
    stage = await make_stage()
    async with stage.http() as http:
        assert (await http.get("/api/v1/rooms")).status_code == 200
        status, code, message = error(await http.post(TOKENS, json={"identity": "ada"}))
        assert (status, code) == (409, "invalid_state")
        assert "no API keys that could sign one" in message
    stage = await make_stage(host="0.0.0.0")
    async with stage.http() as http:
        for path in ("/api/v1/rooms", "/api/v1/rooms/standup"):
            status, code, message = error(await http.get(path))
            assert (status, code) == (401, "unauthorized")
            assert "open only where it listens on loopback" in message
        guest = await stage.joined("Ada")
        assert (
            await http.get("/api/v1/rooms/standup", headers=shows(guest.joined["token"]))
        ).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_what_is_loopback(host: str) -> None:
    assert listens_on_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "meet.example.org"])
def test_what_is_not(host: str) -> None:
    assert not listens_on_loopback(host)
