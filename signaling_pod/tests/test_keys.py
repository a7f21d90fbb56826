"""API keys: which are good, and how a directory of them is followed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rotunda_base.settings import SettingsError
from rotunda_signaling.auth.key_directory import LOOK_SECONDS, KeyDirectory
from rotunda_signaling.auth.keys import KeyProblem, KeyRing, parse_key
from rotunda_signaling.auth.testing import KEY, OTHER_KEY, rsa_pair
from rotunda_signaling.settings import SignalingSettings

GOOD = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def mounted(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Puts keys into a directory as a kubelet does: links to links, changed all at once."""
    directory = tmp_path / "keys"
    directory.mkdir()
    versions = iter(range(100))

    def mount(files: dict[str, bytes]) -> Path:
        version = directory / f"..version-{next(versions)}"
        version.mkdir()
        for name, content in files.items():
            (version / name).write_bytes(content)
        (directory / "..new").symlink_to(version.name)
        (directory / "..new").rename(directory / "..data")
        for link in directory.iterdir():
            if not link.name.startswith(".."):
                link.unlink()
        for name in files:
            (directory / name).symlink_to(Path("..data") / name)
        return directory

    return mount


@pytest.mark.parametrize(
    ("id", "content", "said"),
    [
        ("a", b"short", "API key 'a' has 5 bytes, but needs 32 to 4096"),
        ("a", GOOD[:-1] + b"\n\n", "has 31 bytes"),
        ("a", b"x" * 5000, "has 5000 bytes"),
        ("a b", GOOD, "API key 'a b': an id is 1 to 63 letters"),
        ("-a", GOOD, "begins with a letter or a digit"),
        ("a", rsa_pair()[1], "is a public or private key; a shared secret is wanted"),
        ("a", rsa_pair()[0], "is a public or private key"),
        ("a", b"ssh-rsa " + b"A" * 64, "is a public or private key"),
    ],
)
def test_a_bad_key_is_named_and_never_shown(id: str, content: bytes, said: str) -> None:
    with pytest.raises(KeyProblem) as caught:
        parse_key(id, content)
    assert said in str(caught.value)
    assert content.decode() not in str(caught.value)


def test_the_end_of_a_files_last_line_does_not_count() -> None:
    assert parse_key("a", GOOD + b"\r\n").secret == GOOD
    assert parse_key("a", b" " + GOOD).secret == b" " + GOOD
    assert GOOD.decode() not in repr(parse_key("a", GOOD))


def test_the_key_known_longest_signs() -> None:
    ring = KeyRing().updated([OTHER_KEY])
    ring = ring.updated([KEY, OTHER_KEY])
    assert [key.id for key in ring] == ["other", "backend"]
    assert ring.updated([KEY]).first == KEY
    renewed = parse_key("other", GOOD)
    assert [key.id for key in ring.updated([KEY, renewed])] == ["backend", "other"]


def test_a_mounted_secret_is_read_again_when_it_has_changed(
    mounted: Callable[[dict[str, bytes]], Path],
) -> None:
    now = 0.0
    directory = KeyDirectory(mounted({"a": GOOD}), clock=lambda: now)
    mounted({"a": GOOD, "b": GOOD[::-1]})
    assert [key.id for key in directory.ring()] == ["a"]
    now += LOOK_SECONDS
    assert [key.id for key in directory.ring()] == ["a", "b"]
    mounted({"b": GOOD[::-1]})
    now += LOOK_SECONDS
    assert [key.id for key in directory.ring()] == ["b"]
    mounted({"b": GOOD})
    now += LOOK_SECONDS
    assert [key.secret for key in directory.ring()] == [GOOD]


def test_a_key_that_becomes_bad_is_left_out_and_one_taken_away_is_gone(
    mounted: Callable[[dict[str, bytes]], Path],
) -> None:
    now = 0.0
    directory = KeyDirectory(mounted({"a": GOOD, "b": GOOD}), clock=lambda: now)
    mounted({"b": GOOD, "c": b"short"})
    now += LOOK_SECONDS
    assert [key.id for key in directory.ring()] == ["b"]
    mounted({})
    now += LOOK_SECONDS
    assert not directory.ring()
    assert directory.configured


def test_a_directory_that_cannot_be_read_again_keeps_its_keys(tmp_path: Path) -> None:
    now = 0.0
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "a").write_bytes(GOOD)
    directory = KeyDirectory(tmp_path / "keys", clock=lambda: now)
    (tmp_path / "keys").rename(tmp_path / "elsewhere")
    now += LOOK_SECONDS
    assert [key.id for key in directory.ring()] == ["a"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "has no API keys: put a file into it"),
        ({"a": b"short"}, "API key 'a' has 5 bytes"),
        ({"a": GOOD, "b": b""}, "API key 'b' has 0 bytes"),
    ],
)
def test_a_server_does_not_start_with_bad_keys(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match="ROTUNDA_API_KEYS_DIRECTORY: ") as caught:
        SignalingSettings.load(api_keys_directory=tmp_path)
    assert said in str(caught.value)
    with pytest.raises(SettingsError, match="none cannot be read: No such file"):
        SignalingSettings.load(api_keys_directory=tmp_path / "none")
