"""Logs are JSON lines with the ids that tell whom they are about."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from rotunda_signaling.logs import configure_logs


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_lines_with_ids_and_no_absent_fields() -> None:
    stream = io.StringIO()
    configure_logs("info", "auto", stream)
    structlog.get_logger("a").bind(connection="c", room=None).info("joined", participant="p")
    structlog.get_logger("a").debug("not told")
    logging.getLogger("library").warning("from %s", "elsewhere")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert {key: first[key] for key in first if key != "timestamp"} == {
        "event": "joined",
        "level": "info",
        "logger": "a",
        "connection": "c",
        "participant": "p",
    }
    assert (second["event"], second["logger"]) == ("from elsewhere", "library")


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_traceback_shows_no_values(format: str) -> None:
    stream = io.StringIO()
    configure_logs("info", format, stream)  # type: ignore[arg-type]
    secret = "x" * 5 + "secret"
    try:
        _ = len(secret) // 0
    except ZeroDivisionError:
        structlog.get_logger("a").exception("failed")
    assert "ZeroDivisionError" in stream.getvalue()
    assert "xxxxxsecret" not in stream.getvalue()
