"""Signaling that serves HTTPS itself, with a certificate that is replaced while it runs."""

import gc
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from rotunda import cli
from rotunda.caller import SignalingUnreachable, call
from rotunda.serve import single_machine
from rotunda_operator.certificates import Pair, issue, new_authority
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.settings import SignalingSettings

NOW = datetime.now(UTC)
FIRST, SECOND = new_authority(NOW), new_authority(NOW)


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """Where a certificate for localhost lies."""
    write(tmp_path, issue(FIRST, "localhost", NOW))
    return tmp_path


@pytest.fixture
async def url(mounted: Path) -> AsyncIterator[str]:
    node = NodeSettings(listen_addresses=("127.0.0.1",), media_port=0, workers=1)
    async with single_machine(SignalingSettings(port=0, https_directory=mounted), node) as http:
        yield f"https://localhost:{http.port}"


def write(directory: Path, pair: Pair) -> None:
    (directory / "tls.crt").write_bytes(pair.certificate)
    (directory / "tls.key").write_bytes(pair.key)


def trusting(authority: Pair) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.certificate.decode())


async def version(url: str, authority: Pair) -> int:
    async with httpx.AsyncClient(verify=trusting(authority), timeout=60) as client:
        return (await client.get(f"{url}/healthz")).status_code


async def test_a_call_over_https(url: str) -> None:
    report = await call(url, "standup", packets=5, context=trusting(FIRST))
    assert report.received >= 5
    with pytest.raises(SignalingUnreachable, match="certificate verify failed"):
        await call(url, "standup", context=trusting(SECOND))


async def test_new_connections_get_the_newest_certificate_that_is_whole(url: str, mounted: Path) -> None:
    assert await version(url, FIRST) == 200
    new = issue(SECOND, "localhost", NOW)
    (mounted / "tls.crt").write_bytes(new.certificate)  # whose key is not there yet
    assert await version(url, FIRST) == 200
    (mounted / "tls.key").unlink()
    assert await version(url, FIRST) == 200
    write(mounted, new)
    assert await version(url, SECOND) == 200
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        await version(url, FIRST)


@pytest.mark.parametrize(
    ("damage", "status", "text"),
    [
        (lambda at: (at / "tls.key").unlink(), 2, "ROTUNDA_HTTPS_DIRECTORY: {at} has no tls.key"),
        (
            lambda at: (at / "tls.crt").write_text("x"),
            1,
            "{at} must hold a certificate (tls.crt) and its private key",
        ),
        (
            lambda at: write(at, Pair(FIRST.certificate, SECOND.key)),
            1,
            "{at} must hold a certificate (tls.crt)",
        ),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_certificate_ends_the_start(
    damage: Callable[[Path], object],
    status: int,
    text: str,
    mounted: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(mounted)
    monkeypatch.setenv("ROTUNDA_HTTPS_DIRECTORY", str(mounted))
    monkeypatch.setenv("ROTUNDA_SFU_LISTEN_ADDRESSES", "127.0.0.1")
    assert cli.main(["serve", "--port", "0", "--media-port", "0"]) == status
    assert text.format(at=mounted) in capsys.readouterr().err
    gc.collect()  # what was left open warns now, and warnings are errors here
