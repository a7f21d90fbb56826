"""Settings come from the environment, and a wrong one is named."""

from pathlib import Path

import pytest

from rotunda_base.settings import SettingsError
from rotunda_signaling.backing import for_one_process
from rotunda_signaling.settings import (
    SignalingSettings,
    check_for_many_processes,
)


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT", "ROTUNDA_HOST", "ROTUNDA_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_defaults() -> None:
    settings = SignalingSettings.load()
    assert (settings.host, settings.port, settings.web_root, settings.ice_servers) == (
        "127.0.0.1",
        8080,
        None,
        (),
    )


def test_environment_and_what_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "81")
    assert SignalingSettings.load().port == 81
    monkeypatch.setenv("ROTUNDA_PORT", "82")
    assert SignalingSettings.load().port == 82
    assert SignalingSettings.load(port=83).port == 83
    monkeypatch.setenv("ROTUNDA_ICE_SERVERS", '[{"urls": ["stun:host:1"], "username": "u"}]')
    assert [server.to_json() for server in SignalingSettings.load().ice_servers] == [
        {"urls": ["stun:host:1"], "username": "u"}
    ]


def test_room_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTUNDA_MAX_PARTICIPANTS", "7")
    monkeypatch.setenv("ROTUNDA_EMPTY_TTL", "1.5")
    defaults = SignalingSettings.load().room_defaults()
    assert (defaults.max_participants, defaults.empty_ttl) == (7, 1.5)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("PORT", "http", "ROTUNDA_PORT: Input should be a valid integer"),
        ("ROTUNDA_PORT", "65536", "ROTUNDA_PORT: Input should be less than or equal to 65535, not '65536'"),
        (
            "ROTUNDA_MAX_PARTICIPANTS",
            "0",
            "ROTUNDA_MAX_PARTICIPANTS: Input should be greater",
        ),
        (
            "ROTUNDA_LOG_LEVEL",
            "loud",
            "ROTUNDA_LOG_LEVEL: Input should be 'debug', 'info'",
        ),
        ("ROTUNDA_ICE_SERVERS", "stun:x", "ROTUNDA_ICE_SERVERS: is no JSON"),
        ("ROTUNDA_ICE_SERVERS", "[{}]", "ROTUNDA_ICE_SERVERS.0.urls: Field required"),
        ("ROTUNDA_EMPTY_TTL", "inf", "ROTUNDA_EMPTY_TTL: Input should be"),
        ("ROTUNDA_REDIS_URL", "localhost:6379", "ROTUNDA_REDIS_URL: is no Redis URL: give redis://"),
        ("ROTUNDA_DATABASE_URL", "mysql://h/d", "ROTUNDA_DATABASE_URL: is no database URL: give postgresql"),
        ("ROTUNDA_DATABASE_URL", "postgresql://host", "ROTUNDA_DATABASE_URL: is no database URL"),
        ("ROTUNDA_DATABASE_URL", "sqlite://chat.db", "ROTUNDA_DATABASE_URL: an SQLite URL has three slashes"),
        ("ROTUNDA_HISTORY_DAYS", "0", "ROTUNDA_HISTORY_DAYS: Input should be greater than 0"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, text: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        SignalingSettings.load()
    assert text in str(caught.value)


def test_messages_are_kept_in_one_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="both say where messages are kept"):
        SignalingSettings.load(database_url="sqlite://", data_directory=tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"database_url": "sqlite:////tmp/chat.db"}, {"data_directory": Path("/tmp")}]
)
def test_what_works_in_one_process_alone_is_refused_for_many(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="ROTUNDA_DATABASE_URL"):
        check_for_many_processes(SignalingSettings.load(**wrong))


def test_postgresql_and_no_database_do_for_many_processes() -> None:
    check_for_many_processes(
        SignalingSettings.load(database_url="postgresql://chat:secret@host/chat?sslmode=require")
    )
    check_for_many_processes(SignalingSettings.load())


def test_a_web_root_without_a_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ROTUNDA_WEB_ROOT: .* has no index\.html"):
        SignalingSettings.load(web_root=tmp_path)


def test_what_is_kept_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Also what an earlier version left to be read by others, and its journals."""
    old, new = tmp_path / "old", tmp_path / "a" / "new"
    old.mkdir()
    for name in ("messages.sqlite3", "messages.sqlite3-wal"):
        (old / name).touch(mode=0o644)
    for directory in (old, new):
        for_one_process(SignalingSettings(data_directory=directory))
        for file in directory.iterdir():
            assert file.stat().st_mode & 0o777 == 0o600
    assert new.stat().st_mode & 0o777 == 0o700
