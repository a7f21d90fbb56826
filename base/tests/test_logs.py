"""Logs are JSON lines with the ids that tell whom they are about."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from rotunda_base.logs import RateLimitedLog, configure_logs


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


def test_of_a_library_only_what_is_bad_enough_is_told_and_once() -> None:
    stream = io.StringIO()
    library = logging.getLogger("library.of.many.words")
    library.addHandler(logging.StreamHandler(stream))
    configure_logs("info", "json", stream, libraries={"library.of.many.words": logging.ERROR})
    library.warning("not told")
    library.error("told")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["told"]


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


def test_what_strangers_bring_about_is_told_now_and_then() -> None:
    stream, now = io.StringIO(), 0.0
    configure_logs("info", "json", stream)
    log = RateLimitedLog(structlog.get_logger("a"), seconds=10.0, clock=lambda: now)
    for now in (0.0, 1.0, 2.0, 10.0, 11.0, 40.0):
        log.info("refused", at=now)
    log.info("another")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["count"], line.get("at")) for line in lines] == [
        ("refused", 1, 0.0),
        ("refused", 3, 10.0),
        ("refused", 2, 40.0),
        ("another", 1, None),
    ]
