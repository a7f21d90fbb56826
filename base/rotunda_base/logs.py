"""Structured logs: JSON lines for machines, or a readable console format; one stream for all libraries."""

import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import Processor

Format = Literal["auto", "json", "console"]

INTERVAL_SECONDS = 10.0


class RateLimitedLog:
    """For events that anybody can cause at any rate: each is logged at most once in an interval, with a
    count.

    Events must be a few constant texts. What comes from outside belongs into the fields.
    """

    def __init__(
        self,
        log: Any,
        seconds: float = INTERVAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._seconds = seconds
        self._clock = clock
        self._next: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}

    def info(self, event: str, **fields: object) -> None:
        """Logs the event at once, or counts it for the next time that it is logged."""
        now = self._clock()
        count = self._suppressed.pop(event, 0) + 1
        if now < self._next.get(event, now):
            self._suppressed[event] = count
            return
        self._next[event] = now + self._seconds
        self._log.info(event, count=count, **fields)


def configure_logs(
    level: str,
    format: Format = "auto",
    stream: TextIO | None = None,
    *,
    libraries: Mapping[str, int] | None = None,
) -> None:
    """Sends structlog's and the standard library's logs to `stream`, standard error by default.

    `libraries` names loggers that say more than we want, with the least level that each of them keeps.
    """
    stream = stream or sys.stderr
    console = stream.isatty() if format == "auto" else format == "console"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendering(console))
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in (libraries or {}).items():
        _restrict(logging.getLogger(name), least)


def _rendering(console: bool) -> list[Processor]:
    drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if console:
        plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        return [_without_absent, drop, plain]
    return [_without_absent, drop, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _without_absent(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: value for key, value in event.items() if value is not None}


def _restrict(library: logging.Logger, least: int) -> None:
    """Some libraries, such as uvicorn, bring handlers of their own, which would write beside ours."""
    library.handlers.clear()
    library.propagate = True
    library.setLevel(least)
