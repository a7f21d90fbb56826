"""The command: help that reads well, clear complaints, a server that starts and stops."""

import asyncio
import re
import signal
import socket
import sys

import httpx
import pytest

from rotunda import cli
from rotunda.stopping import on_signal
from rotunda_base.exit_status import FAILED, MISUSED

STARTED = re.compile(rb"Rotunda serves on (http://127\.0\.0\.1:\d+)/")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == 0
    assert re.fullmatch(r"rotunda \d\S*\n", capsys.readouterr().out)


def test_help_names_each_option_with_its_variable_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    options = re.findall(r"^  (--[a-z-]+) [A-Z]+", text, flags=re.MULTILINE)
    assert len(options) == len(re.findall(r"ROTUNDA_\w+.*; default: ", text)) == 9


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--port", "http"], "rotunda: ROTUNDA_PORT: Input should be a valid integer"),
        (["--media-address", "here"], "rotunda: ROTUNDA_SFU_LISTEN_ADDRESSES: 'here' is no IP address"),
        (["--web-root", "/"], "rotunda: ROTUNDA_WEB_ROOT: / has no index.html"),
        (["--log-format", "xml"], "rotunda: ROTUNDA_LOG_FORMAT: Input should be 'auto', 'json' or 'console'"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", *arguments]) == MISUSED
    assert text in capsys.readouterr().err


def test_a_port_in_use_is_said_with_the_setting_that_changes_it(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["serve", "--port", str(port), "--media-port", "0"]) == FAILED
    error = capsys.readouterr().err
    assert f"rotunda: port {port} on 127.0.0.1 is in use" in error
    assert "--port or PORT" in error
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_media_port_in_use_is_said_with_the_setting_that_changes_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        where = ["--media-address", "127.0.0.1", "--media-port", port, "--workers", "1"]
        assert cli.main(["serve", "--port", "0", *where]) == FAILED
    error = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in error
    assert "--media-port" in error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_and_stops_cleanly(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rotunda", "serve", "--port", "0", "--media-port", "0", "--workers", "1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(200):
            started = STARTED.match(await process.stdout.readline())
            assert started is not None
            async with httpx.AsyncClient(base_url=started[1].decode(), timeout=60) as http:
                while (await http.get("/readyz")).status_code != 200:  # noqa: ASYNC110 -- another process
                    await asyncio.sleep(0.1)
            process.send_signal(number)
            _, log = await process.communicate()
        assert process.returncode == 0
        assert b"Traceback" not in log
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def test_a_second_signal_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses: list[int] = []
    monkeypatch.setattr("os._exit", statuses.append)
    stop = asyncio.Event()
    handle = on_signal(stop, signal.SIGTERM)
    handle()
    assert stop.is_set()
    assert statuses == []
    handle()
    assert statuses == [128 + signal.SIGTERM]
