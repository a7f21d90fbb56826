"""The back ends of one signaling process: the fan-out to other processes, and the history of messages.

One process alone needs nobody. Many share Redis (chat between them, rate limits) and PostgreSQL (history);
each works on without either, says so, and takes them up again when they are back.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import structlog

from rotunda_base.tasks import cancel_and_wait
from rotunda_signaling.fanout import Fanout
from rotunda_signaling.fanout.memory import MemoryFanout
from rotunda_signaling.fanout.redis import RedisFanout
from rotunda_signaling.metrics import Metrics
from rotunda_signaling.rates import RateLimits
from rotunda_signaling.rates.memory import MemoryRateLimits
from rotunda_signaling.rates.redis import RedisRateLimits
from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.store import History, NoHistory
from rotunda_signaling.store.engine import make_engine
from rotunda_signaling.store.history import SqlHistory
from rotunda_signaling.store.rooms import SqlRooms
from rotunda_signaling.store.urls import IN_MEMORY, is_in_memory

FILE = "messages.sqlite3"
"""In the data directory."""
IN_MEMORY_MESSAGES = 20_000

_log = structlog.get_logger(__name__)


class Outside(Protocol):
    """A service of another process, as this one uses it."""

    @property
    def connected(self) -> bool: ...
    @property
    def waiting(self) -> int: ...


@dataclass(slots=True)
class Backing:
    """`start` it before people come, and `stop` it after they are gone."""

    fanout: Fanout = field(default_factory=MemoryFanout)
    history: History = field(default_factory=NoHistory)
    rates: RateLimits = field(default_factory=MemoryRateLimits)
    rooms: SqlRooms | None = None
    """Those of one machine; in a cluster the API server has them."""
    websocket_only: bool = False
    """There may be other processes, so that requests of one client must not be spread over them."""
    task: "asyncio.Task[None] | None" = None
    """Ends by itself only where something is wrong with us."""

    def start(self) -> None:
        parts = [part for part in (self.fanout, self.history) if isinstance(part, _RUNNING)]
        if not parts:
            return  # a task with nothing to do would end at once, and the process with it
        self.task = asyncio.create_task(_together(parts), name="backing")
        self.task.add_done_callback(_say_if_broken)

    async def stop(self) -> None:
        if isinstance(self.history, SqlHistory):
            await self.history.close()
        if self.task is not None:
            await cancel_and_wait(self.task)
        if isinstance(self.history, SqlHistory):
            await self.history.dispose()
        if isinstance(self.rates, RedisRateLimits):
            await self.rates.close()

    def degraded(self) -> Sequence[str]:
        """What does not work just now, for people. None of it keeps anybody from joining and talking."""
        found = []
        if not self.fanout.connected:
            found.append("redis: chat reaches only the people of the same signaling pod")
        if isinstance(self.history, SqlHistory) and not self.history.writes:
            found.append("database: messages wait to be stored, and their history is incomplete")
        if isinstance(self.history, SqlHistory) and not self.history.reads:
            found.append("database: the history of messages cannot be read")
        return found

    def add_gauges(self, metrics: Metrics) -> None:
        gauge = metrics.gauge
        if isinstance(fanout := self.fanout, RedisFanout):
            _add_gauges(metrics, "fanout", "Redis", fanout)
            gauge(
                "rotunda_signaling_fanout_dropped",
                "Messages that other pods were never told.",
                lambda: fanout.dropped,
            )
            gauge(
                "rotunda_signaling_fanout_waiting_bytes",
                "Memory of what waits for Redis.",
                lambda: fanout.waiting_bytes,
            )
            gauge(
                "rotunda_signaling_fanout_trimmed",
                "Entries that this process took from the stream in Redis because it took too many bytes.",
                lambda: fanout.trimmed,
            )
        if isinstance(history := self.history, SqlHistory):
            _add_gauges(metrics, "history", "The database", history)
            gauge(
                "rotunda_signaling_history_lost",
                "Messages that were never stored.",
                lambda: history.lost,
            )
            gauge(
                "rotunda_signaling_history_waiting_bytes",
                "Memory of what waits for the database.",
                lambda: history.waiting_bytes,
            )
            gauge(
                "rotunda_signaling_history_recent_bytes",
                "Memory of the messages heard last.",
                lambda: history.recent_bytes,
            )


_RUNNING = (RedisFanout, SqlHistory)


def for_one_process(settings: SignalingSettings) -> Backing:
    """Everything in memory; rooms and messages also in a file or a database, where the settings name one."""
    url = settings.database_url or _file_url(settings.data_directory)
    keep_most = IN_MEMORY_MESSAGES if is_in_memory(url) else None
    engine = make_engine(url)
    history = SqlHistory(engine, keep_days=settings.history_days, keep_most=keep_most)
    return Backing(history=history, rooms=SqlRooms(engine, history, lasting=keep_most is None))


def for_many_processes(settings: SignalingSettings) -> Backing:
    """Redis and PostgreSQL, where the settings name them; without, it says what does not work."""
    backing = Backing(websocket_only=True)
    scope = f"{settings.namespace}/{settings.cluster}"
    if settings.redis_url is not None:
        backing.fanout = RedisFanout(settings.redis_url, scope)
        backing.rates = RedisRateLimits(settings.redis_url, scope)
    else:
        _log.warning("chat stays among the people of each pod: ROTUNDA_REDIS_URL is not set")
    if settings.database_url is not None:
        engine = make_engine(settings.database_url)
        backing.history = SqlHistory(engine, keep_days=settings.history_days)
    else:
        _log.warning("no history of messages is kept: ROTUNDA_DATABASE_URL is not set")
    return backing


def _file_url(directory: Path | None) -> str:
    if directory is None:
        return IN_MEMORY
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = (directory / FILE).absolute()
    # SQLite gives its journals the permissions of the database, of which those before us let others read.
    path.touch(mode=0o600)
    for file in directory.glob(f"{FILE}*"):
        file.chmod(0o600)
    return f"sqlite:///{quote(str(path))}"


def _say_if_broken(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.critical("chat's way to other processes or its history broke", exc_info=task.exception())


async def _together(parts: Sequence[RedisFanout | SqlHistory]) -> None:
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(part.run())


def _add_gauges(metrics: Metrics, name: str, what: str, outside: Outside) -> None:
    read: Callable[[], float] = lambda: float(outside.connected)  # noqa: E731
    metrics.gauge(f"rotunda_signaling_{name}_connected", f"{what} answers: 1, else 0.", read)
    metrics.gauge(f"rotunda_signaling_{name}_waiting", f"What waits for {what}.", lambda: outside.waiting)
