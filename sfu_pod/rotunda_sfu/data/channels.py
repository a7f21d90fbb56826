"""Data producers and consumers: who sends what to whom. All on the session thread's event loop.

A `DataRouter` knows every data producer of the process and does the sending, a bounded number of
messages a turn, so that one message to many does not hold up anybody. `TransportData` is one
transport's share: its association, the producers of its streams and its consumers.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiortc import RTCDataChannel

from rotunda_contract.ids import DataConsumerId, DataProducerId
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_sfu.data.association import MAX_MESSAGE_BYTES, MESSAGE_PPIDS, Association

_log = logging.getLogger(__name__)

EARLY_MESSAGES = 64
EARLY_BYTES = MAX_MESSAGE_BYTES
EARLY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Backlogs:
    """Bytes that may wait for a consumer, by its reliability."""

    reliable: int
    unreliable: int


class DataRouter:
    """Every data producer's consumers, and the messages on their way to them."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._consumers: dict[DataProducerId, dict[DataConsumerId, DataConsumer]] = {}
        self._work: deque[tuple[DataConsumer, int, bytes]] = deque()

    def publish(self, producer: DataProducerId, ppid: int, payload: bytes) -> None:
        """One message from a producer to all its consumers."""
        for consumer in list(self._consumers.get(producer, {}).values()):
            if consumer.admit(len(payload)):
                self._work.append((consumer, ppid, payload))
        if self._work:
            self._wake()

    def subscribe(self, producer: DataProducerId, consumer: DataConsumer) -> None:
        self._consumers.setdefault(producer, {})[consumer.id] = consumer

    def unsubscribe(self, producer: DataProducerId, consumer: DataConsumer) -> None:
        consumers = self._consumers.get(producer, {})
        consumers.pop(consumer.id, None)
        if not consumers:
            self._consumers.pop(producer, None)

    async def work(self, limit: int) -> bool:
        """Sends up to `limit` messages; true when there are more."""
        for _ in range(min(limit, len(self._work))):
            consumer, ppid, payload = self._work.popleft()
            try:
                await consumer.send(ppid, payload)
            except Exception:
                _log.exception("a message for data consumer %s was lost to a defect", consumer.id)
        return bool(self._work)


class DataConsumer:
    """One producer's messages on one stream towards one peer."""

    def __init__(
        self,
        data_consumer: DataConsumerId,
        association: Association,
        stream: SctpStreamParameters,
        backlogs: Backlogs,
        on_closed: Callable[[str], None],
    ) -> None:
        self.id = data_consumer
        self.dropped = 0
        self._association = association
        self._channel: RTCDataChannel = association.open_stream(stream)
        self._reliable = stream.max_retransmits is None and stream.max_packet_life_time is None
        self._backlogs = backlogs
        self._queued = 0
        self._closed = False
        self._on_closed = on_closed
        self._channel.on("close", self._channel_closed)

    def admit(self, size: int) -> bool:
        """Whether a message may wait here. Too many: an unreliable one is lost, a reliable one the end."""
        waiting = self._queued + self._channel.bufferedAmount + size
        if self._closed or waiting > (
            self._backlogs.reliable if self._reliable else self._backlogs.unreliable
        ):
            self.dropped += 1
            if self._reliable and not self._closed:
                self._end(f"the client is too slow: {waiting} bytes wait for a reliable data consumer")
            return False
        self._queued += size
        return True

    async def send(self, ppid: int, payload: bytes) -> None:
        """Hands an admitted message to the association."""
        self._queued -= len(payload)
        if not self._closed:
            await self._association.send_message(self._channel, ppid, payload)

    def close(self) -> None:
        """Resets the stream. `on_closed` is not called."""
        if not self._closed:
            self._closed = True
            self._channel.close()

    def _end(self, reason: str) -> None:
        self.close()
        self._on_closed(reason)

    def _channel_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._on_closed("the client closed the data channel")


class TransportData:
    """One transport's data producers and consumers over its association."""

    def __init__(
        self,
        role: Literal["client", "server"],
        router: DataRouter,
        backlogs: Backlogs,
        *,
        send: Callable[[bytes], Awaitable[None]],
        on_consumer_closed: Callable[[DataConsumerId, str], None],
    ) -> None:
        self._router = router
        self._backlogs = backlogs
        self._on_consumer_closed = on_consumer_closed
        self._association = Association(role, send=send, on_message=self._arrived)
        self._producers: dict[int, DataProducerId] = {}
        self._consumers: dict[DataConsumerId, tuple[DataProducerId, DataConsumer]] = {}
        self._early: deque[tuple[float, int, int, bytes]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Ready for the peer. Call it once, before anything else."""
        await self._association.listen()

    async def receive(self, packet: bytes) -> None:
        """One SCTP packet from the peer. Raises PeerMisbehaved."""
        await self._association.receive(packet)

    def add_producer(self, producer: DataProducerId, stream: int) -> None:
        self._producers[stream] = producer
        early, self._early = self._early, deque()
        oldest = asyncio.get_running_loop().time() - EARLY_SECONDS
        for arrived, early_stream, ppid, payload in early:
            if arrived >= oldest:
                self._arrived(early_stream, ppid, payload)
        self._initiate()

    def remove_producer(self, producer: DataProducerId) -> None:
        self._producers = {stream: each for stream, each in self._producers.items() if each != producer}

    def add_consumer(
        self, data_consumer: DataConsumerId, producer: DataProducerId, stream: SctpStreamParameters
    ) -> None:
        def closed(reason: str) -> None:
            self.remove_consumer(data_consumer)
            self._on_consumer_closed(data_consumer, reason)

        try:
            consumer = DataConsumer(data_consumer, self._association, stream, self._backlogs, closed)
        except ValueError:  # The stream's last user is still being reset.
            self._on_consumer_closed(data_consumer, f"stream {stream.stream_id} is still in use")
            return
        self._consumers[data_consumer] = (producer, consumer)
        self._router.subscribe(producer, consumer)
        self._initiate()

    def remove_consumer(self, data_consumer: DataConsumerId) -> None:
        if data_consumer in self._consumers:
            producer, consumer = self._consumers.pop(data_consumer)
            self._router.unsubscribe(producer, consumer)
            consumer.close()

    async def close(self) -> None:
        """Removes everything and aborts the association."""
        self._producers.clear()
        self._early.clear()
        for data_consumer in list(self._consumers):
            self.remove_consumer(data_consumer)
        await self._association.stop()

    def _initiate(self) -> None:
        task = asyncio.get_running_loop().create_task(self._association.initiate())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _arrived(self, stream: int, ppid: int, payload: bytes) -> None:
        if ppid not in MESSAGE_PPIDS or len(payload) > MAX_MESSAGE_BYTES:
            return
        if stream in self._producers:
            self._router.publish(self._producers[stream], ppid, payload)
        else:
            self._keep_early(stream, ppid, payload)

    def _keep_early(self, stream: int, ppid: int, payload: bytes) -> None:
        """Messages may overtake the request that announces their producer: keep the latest few."""
        self._early.append((asyncio.get_running_loop().time(), stream, ppid, payload))
        while len(self._early) > EARLY_MESSAGES or sum(len(each[3]) for each in self._early) > EARLY_BYTES:
            self._early.popleft()
