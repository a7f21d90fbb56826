"""`rotunda token`: what it prints and what it refuses."""

import io
import time
from pathlib import Path

import pytest

from rotunda.cli import main
from rotunda_signaling.auth.keys import KeyRing, parse_key
from rotunda_signaling.auth.tokens import ApiClaims, Claims, JoinClaims, read_token

SECRET = b"0123456789abcdef0123456789abcdef\n"
PERSON = ("--room", "standup", "--identity", "ada")


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "backend"
    path.write_bytes(SECRET)
    return str(path)


def read(token: str, id: str = "backend") -> Claims:
    return read_token(token, KeyRing([parse_key(id, SECRET)]), time.time(), "rotunda", "rotunda-api")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["token", *arguments]) == 0
    return capsys.readouterr().out.strip()


def test_a_token_says_what_was_asked_for(key_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    grants = ("--grant", "moderate", "publish", "--grant", "chat")
    token = printed(capsys, *PERSON, "--name", "Ada", *grants, "--ttl", "8h", "--key-file", key_file)
    claims = read(token)
    assert isinstance(claims, JoinClaims)
    assert (claims.room, claims.identity, claims.name) == ("standup", "ada", "Ada")
    assert claims.grants == ("publish", "chat", "moderate")
    assert 0 < claims.expires_at - time.time() <= 8 * 3600


def test_without_grants_it_is_a_guests(key_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    claims = read(printed(capsys, *PERSON, "--key-file", key_file))
    assert isinstance(claims, JoinClaims)
    assert (claims.name, claims.grants) == (None, ("publish", "subscribe", "chat"))


def test_a_kind_has_its_own_usual_grants(key_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    claims = read(printed(capsys, *PERSON, "--kind", "hidden", "--key-file", key_file))
    assert isinstance(claims, JoinClaims)
    assert (claims.kind, claims.grants) == ("hidden", ("subscribe",))


def test_a_link_carries_the_token_behind_the_hash(key_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    link = printed(capsys, *PERSON, "--key-file", key_file, "--url", "https://meet.example.org/")
    page, token = link.split("#token=")
    assert page == "https://meet.example.org/r/standup"
    assert isinstance(read(token), JoinClaims)


def test_an_api_token_is_short_lived(key_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert read(printed(capsys, "--api", "--key-file", key_file)) == ApiClaims("backend")


def test_keys_come_from_a_directory_or_standard_input(
    key_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = str(Path(key_file).parent)
    assert read(printed(capsys, *PERSON, "--keys", directory))
    monkeypatch.setenv("ROTUNDA_API_KEYS_DIRECTORY", directory)
    assert read(printed(capsys, *PERSON))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SECRET)))
    assert read(printed(capsys, *PERSON, "--key-file", "-", "--key-id", "other"), "other")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--identity", "ada"), "--room is missing"),
        (("--room", "standup"), "--identity is missing"),
        (("--room", "No Way", "--identity", "ada"), "--room: Input should be a DNS label"),
        ((*PERSON, "--grant", "fly"), "--grant: 'fly' is no grant: choose from publish, subscribe"),
        ((*PERSON, "--kind", "egress", "--grant", "chat"), "grants: 'chat' is nothing that a participant of"),
        ((*PERSON, "--ttl", "soon"), "--ttl: 'soon' is no time from 1 s to 366 d"),
        ((*PERSON, "--ttl", "0"), "--ttl: '0' is no time"),
        ((*PERSON, "--url", "meet.example.org"), "--url: 'meet.example.org' is no server's address"),
        ((*PERSON, "--url", "https://meet.example.org/r/a"), "is no server's address"),
        ((*PERSON, "--name", "x" * 129), "name: Input should have at most 128 characters"),
        (("--room", "standup", "--identity", "x" * 129), "identity: String should have at most 128"),
        (("--api", "--room", "standup"), "--room goes with --api not"),
        (("--api", "--kind", "hidden"), "--kind goes with --api not"),
        (("--api", "--ttl", "2h"), "an API token lives at most 3600 s, not 7200"),
    ],
)
def test_what_is_wrong_is_said(
    key_file: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert main(["token", *arguments, "--key-file", key_file]) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert output.out == ""


def test_a_key_that_cannot_be_used_is_named(
    tmp_path: Path, key_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROTUNDA_API_KEYS_DIRECTORY", raising=False)
    (tmp_path / "short").write_text("secret")
    (tmp_path / "empty").mkdir()
    for arguments, said in (
        ((), "no key: give --key-file"),
        (("--key-file", str(tmp_path / "short")), "API key 'short' has 6 bytes, but needs 32"),
        (("--key-file", str(tmp_path / "none")), "none cannot be read: No such file"),
        (("--key-file", "-"), "--key-id is missing"),
        (("--keys", str(tmp_path / "none")), "none cannot be read"),
        (("--keys", str(tmp_path / "empty")), "has no keys; name one"),
        (("--keys", str(tmp_path)), "has backend, empty, short; name one"),
        (("--keys", str(tmp_path), "--key-id", "other"), "name one, not 'other'"),
    ):
        assert main(["token", *PERSON, *arguments]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert "secret\n" not in error
