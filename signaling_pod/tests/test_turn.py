"""Credentials of TURN: a client gets its own, which end, and changed files count at once."""

import random
from pathlib import Path
from typing import Any

import pytest

from rotunda_base.settings import SettingsError
from rotunda_contract.signaling.common import IceServer
from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.testing import MakeStage
from rotunda_signaling.turn import IceServers, TurnServers, credentials, parse_urls, some_servers

UDP = "turn:turn.example.org:3478?transport=udp"
TCP = "turn:turn.example.org:3478?transport=tcp"
TLS = "turns:turn.example.org:5349?transport=tcp"
OTHER = "turn:[2001:db8::7]:3478?transport=udp"
RNG = random.Random(7)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("north\n")
    return file


def test_credentials_are_those_of_the_draft() -> None:
    # printf 1772366400:ada | openssl dgst -sha1 -hmac north -binary | base64
    assert credentials("north", "ada", 1_772_366_400) == ("1772366400:ada", "foFuy8OejbgWgfo1PqV5FyGwpgs=")


def test_a_participant_gets_credentials_of_its_own_that_end(key_file: Path) -> None:
    servers = TurnServers((UDP, TLS), None, key_file, ttl=600.0)
    ada = servers.for_participant("ada", 1000.9, RNG)
    assert ada is not None
    assert ada.urls == (UDP, TLS)
    assert ada.username == "1600:ada"
    assert ada == servers.for_participant("ada", 1000.9, RNG)
    assert ada.credential != getattr(servers.for_participant("ben", 1000.9, RNG), "credential", "")
    assert getattr(servers.for_participant("ada", 1001, RNG), "username", "") == "1601:ada"


def test_changed_files_count_at_once(key_file: Path, tmp_path: Path) -> None:
    urls_file = tmp_path / "urls"
    urls_file.write_text("")
    servers = TurnServers((), urls_file, key_file, ttl=600.0)
    assert servers.for_participant("ada", 0.0, RNG) is None
    urls_file.write_text(f"{UDP}\n{TCP}\n")
    first = servers.for_participant("ada", 0.0, RNG)
    key_file.write_text("south")
    second = servers.for_participant("ada", 0.0, RNG)
    assert first is not None
    assert second is not None
    assert first.urls == second.urls == (UDP, TCP)
    assert second.credential == credentials("south", "ada", 600)[1] != first.credential


@pytest.mark.parametrize("damaged", ["missing", "empty", "binary"])
def test_without_a_key_there_is_no_turn_and_calls_go_on(key_file: Path, damaged: str) -> None:
    if damaged == "missing":
        key_file.unlink()
    else:
        key_file.write_bytes(b"" if damaged == "empty" else b"\xff\xfe")
    fixed = (IceServer(urls=("stun:stun.example.org",)),)
    servers = IceServers(fixed, TurnServers((UDP,), None, key_file, 600.0), lambda: 0.0, RNG)
    assert servers("ada") == fixed


def test_a_damaged_file_of_servers_leaves_those_that_are_set(key_file: Path, tmp_path: Path) -> None:
    urls_file = tmp_path / "urls"
    urls_file.write_text("http://turn.example.org")
    server = TurnServers((UDP,), urls_file, key_file, 600.0).for_participant("ada", 0.0, RNG)
    assert server is not None
    assert server.urls == (UDP,)


def test_of_many_servers_a_client_is_told_of_two_and_the_next_of_others() -> None:
    urls = [f"turn:10.0.0.{n}:3478?transport={transport}" for n in range(9) for transport in ("udp", "tcp")]
    picks = [some_servers(urls, RNG) for _ in range(100)]
    assert {len(pick) for pick in picks} == {4}
    assert all(len({url.split("?")[0] for url in pick}) == 2 for pick in picks)
    assert {url for pick in picks for url in pick} == set(urls)
    assert some_servers((UDP, TCP, TLS, OTHER), RNG) == (UDP, TCP, TLS, OTHER)


@pytest.mark.parametrize(
    "wrong", ["turn.example.org", "stun:turn.example.org", "turn:", "turn:h?transport=sctp"]
)
def test_what_is_no_turn_server_is_named(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no URL of a TURN server; give such as turn:"):
        parse_urls(f"{UDP}, {wrong}")
    assert parse_urls(f"{UDP},{TCP}\n{TLS}  {OTHER}") == (UDP, TCP, TLS, OTHER)


def test_settings(monkeypatch: pytest.MonkeyPatch, key_file: Path, tmp_path: Path) -> None:
    assert SignalingSettings.load().turn() is None
    monkeypatch.setenv("ROTUNDA_TURN_URLS", f"{UDP},{TLS}")
    with pytest.raises(SettingsError, match="need ROTUNDA_TURN_SECRET_FILE, a file with the secret"):
        SignalingSettings.load()
    monkeypatch.setenv("ROTUNDA_TURN_SECRET_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="ROTUNDA_TURN_SECRET_FILE: there is no file"):
        SignalingSettings.load()
    monkeypatch.setenv("ROTUNDA_TURN_SECRET_FILE", str(key_file))
    assert SignalingSettings.load().turn() == TurnServers((UDP, TLS), None, key_file, 3600.0)
    monkeypatch.setenv("ROTUNDA_TURN_URLS", "turn.example.org")
    with pytest.raises(SettingsError, match=r"ROTUNDA_TURN_URLS: turn\.example\.org is no URL"):
        SignalingSettings.load()


async def test_a_joining_client_is_told_and_told_anew_when_ice_restarts(
    make_stage: MakeStage, key_file: Path
) -> None:
    stage = await make_stage(turn_urls=(UDP,), turn_secret_file=key_file, turn_ttl=600)
    ada = await stage.joined("Ada")
    joined = _only(ada.joined["iceServers"])
    assert joined["urls"] == [UDP]
    assert joined["username"].endswith(f":{ada.id}")

    transport = await ada.ask("createWebRtcTransport", {"direction": "send"})
    key_file.write_text("south")
    restarted = _only((await ada.ask("restartIce", {"transportId": transport["id"]}))["iceServers"])
    expires_at = int(restarted["username"].split(":")[0])
    assert restarted["credential"] == credentials("south", ada.id, expires_at)[1]


def _only(servers: list[dict[str, Any]]) -> dict[str, Any]:
    (server,) = servers
    return server
