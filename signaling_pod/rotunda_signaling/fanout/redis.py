"""The fan-out between signaling processes: one Redis stream that all of them append to and read.

    own message ──▶ own people, at once ──▶ outbox ──▶ XADD
    XREAD after the last entry seen ──▶ neither ours nor received before ──▶ own people

A stream and no pub/sub channel, because after Redis was away each process comes back at its own time: what
one appends first must wait for the others. Redis holds the last few minutes of it and is no one's only copy.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from rotunda_base.backoff import Backoff
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId
from rotunda_signaling.fanout import OnChat
from rotunda_signaling.fanout.envelope import Envelope, decode, encode
from rotunda_signaling.fanout.outbox import Outbox, Parcel
from rotunda_signaling.randomness import new_id

STREAM_ENTRIES = 10_000
STREAM_BYTES = 32 * 1024 * 1024
STREAM_SECONDS = 600
"""How much of the stream Redis keeps, and for how long after its last entry."""
LOOK_BYTES = 1024 * 1024
"""After so many entries of its own a process asks how many bytes the stream has."""
BLOCK_SECONDS = 1.0
ANSWER_SECONDS = 1.0
"""How long Redis may take for an answer before it counts as away."""
_BATCH = 200
_FIELD = b"m"
_BEGINNING = b"0-0"
FAILURES = (RedisError, OSError, TimeoutError)

_log = structlog.get_logger(__name__)


def connect(url: str, *, answer_seconds: float) -> "Redis":
    """A client that connects at its first use and tries nothing twice. Raises ValueError for a wrong URL."""
    return Redis.from_url(
        url,
        protocol=2,
        socket_timeout=answer_seconds,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


class RedisFanout:
    """Implements Fanout; `run` must run beside it. `scope` keeps clusters that share a Redis apart."""

    def __init__(self, url: str, scope: str) -> None:
        self._key = f"rotunda:{scope}:chat"
        self._reader = connect(url, answer_seconds=BLOCK_SECONDS + ANSWER_SECONDS)
        self._writer = connect(url, answer_seconds=ANSWER_SECONDS)
        self._origin = new_id()
        self._receivers: list[OnChat] = []
        self._outbox = Outbox()
        self._heard: OrderedDict[str, None] = OrderedDict()
        self._cursor: bytes | None = None
        self._reads = self._writes = False
        self._unlooked = 0
        self.trimmed = 0
        """Entries that this process took from the stream because it took too many bytes."""
        self._back = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._reads and self._writes

    @property
    def waiting(self) -> int:
        """Messages that are not published to the other processes yet."""
        return len(self._outbox)

    @property
    def waiting_bytes(self) -> int:
        """Of memory that they take."""
        return self._outbox.size

    @property
    def dropped(self) -> int:
        """Messages that will never be published to them."""
        return self._outbox.dropped

    def on_chat(self, receiver: OnChat) -> None:
        self._receivers.append(receiver)

    async def publish_chat(self, room: RoomId, message: ChatEvent) -> bool:
        self._is_new(message.id)
        self._tell(room, message)
        text = encode(Envelope(self._origin, room, message))
        parcel = self._outbox.put(text, time.monotonic())
        if not self.connected:
            return False
        return await parcel.handed_on

    async def run(self) -> None:
        """Reads and writes until cancelled, through Redis's absence too."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(), name="fan-out: read")
                group.create_task(self._write(), name="fan-out: write")
        finally:
            await self._reader.aclose()
            await self._writer.aclose()

    async def _read(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._find_place()
                self._reads = self._writes = True
                self._back.set()
                backoff.succeeded()
                _log.info("connected to Redis", waiting=len(self._outbox))
                while True:
                    await self._take_entries()
            except FAILURES as error:
                self._lost("read", error)
                self._reads = False
                await asyncio.sleep(backoff.failed())

    async def _find_place(self) -> None:
        """After the last entry seen. Nothing before this process concerns anybody here."""
        last: Any = await self._reader.xrevrange(self._key, count=1)
        newest = last[0][0] if last else _BEGINNING
        if self._cursor is None:
            self._cursor = newest
        elif _order(newest) < _order(self._cursor):  # another Redis, or one that lost what it had
            self._cursor = _BEGINNING

    async def _take_entries(self) -> None:
        assert self._cursor is not None
        streams: Any = await self._reader.xread(
            {self._key: self._cursor}, count=_BATCH, block=round(BLOCK_SECONDS * 1000)
        )
        for _, entries in streams or ():
            for number, fields in entries:
                self._cursor = number
                self._take(decode(fields.get(_FIELD, b"")))

    def _take(self, envelope: Envelope | None) -> None:
        if envelope is None:
            _log.warning("an entry of the stream cannot be read", stream=self._key)
        elif envelope.origin != self._origin and self._is_new(envelope.message.id):
            self._tell(envelope.room, envelope.message)

    def _tell(self, room: RoomId, message: ChatEvent) -> None:
        for receiver in self._receivers:
            receiver(room, message)

    def _is_new(self, message_id: str) -> bool:
        """A message may come twice where the answer to an append was lost."""
        if message_id in self._heard:
            return False
        self._heard[message_id] = None
        if len(self._heard) > 2 * STREAM_ENTRIES:
            self._heard.popitem(last=False)
        return True

    async def _write(self) -> None:
        backoff = Backoff()
        while True:
            await self._outbox.filled()
            parcels = self._outbox.first(_BATCH, time.monotonic())
            if not parcels:
                continue
            try:
                await self._append(parcels)
            except FAILURES as error:
                self._lost("write", error)
                self._writes = False
                self._outbox.failed()
                self._back.clear()
                await _at_most(self._back.wait(), backoff.failed())
            else:
                self._writes = True
                backoff.succeeded()
                self._outbox.sent(parcels)

    async def _append(self, parcels: Sequence[Parcel]) -> None:
        async with self._writer.pipeline(transaction=False) as pipeline:
            for parcel in parcels:
                pipeline.xadd(self._key, {_FIELD: parcel.text}, maxlen=STREAM_ENTRIES, approximate=True)
            pipeline.expire(self._key, STREAM_SECONDS)
            await pipeline.execute()
        self._unlooked += sum(parcel.size for parcel in parcels)
        if self._unlooked > LOOK_BYTES:
            self._unlooked = 0
            await self._trim()

    async def _trim(self) -> None:
        """Redis bounds a stream by its entries alone, and one message may be a thousand times another.

        A process that has not read yet what goes here does not tell it; its people read it in the history.
        """
        taken: Any = await self._writer.memory_usage(self._key, samples=0)
        if taken is None or taken <= STREAM_BYTES:
            return
        entries = await self._writer.xlen(self._key)
        kept = round(entries * 0.75 * STREAM_BYTES / taken)
        gone = await self._writer.xtrim(self._key, maxlen=kept, approximate=False)
        self.trimmed += gone
        _log.warning("the stream of chat took too many bytes in Redis", bytes=taken, trimmed=gone, kept=kept)

    def _lost(self, doing: str, error: BaseException) -> None:
        if self.connected:
            _log.warning(
                "Redis is away: chat stays among the people of each pod", doing=doing, error=str(error)
            )


def _order(entry_id: bytes) -> tuple[int, int]:
    """Entries are numbered `milliseconds-sequence`."""
    milliseconds, _, sequence = entry_id.partition(b"-")
    return int(milliseconds), int(sequence or 0)


async def _at_most(wait: Any, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wait
    except TimeoutError:
        return
