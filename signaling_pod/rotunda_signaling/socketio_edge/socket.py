"""One client's socket: requests take effect one after another, each is acknowledged once."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import structlog

from rotunda_base.rates import Rate, TokenBucket
from rotunda_contract.errors import LimitExceeded, RateLimited, RotundaError
from rotunda_signaling.limits import (
    BETWEEN_YIELDS,
    CHAT_RATE,
    MAX_WAITING_BYTES,
    MAX_WAITING_REQUESTS,
    REQUEST_RATE,
)
from rotunda_signaling.service.client import Event
from rotunda_signaling.service.connection import Connection
from rotunda_signaling.socketio_edge import packets
from rotunda_signaling.socketio_edge.packets import EventPacket
from rotunda_signaling.socketio_edge.validation import error_answer, internal_error, validate


class PacketSender(Protocol):
    """Sends packets to the client."""

    def put(self, packet: str) -> None:
        """Enqueues a packet. Never waits or raises."""

    def close(self) -> None:
        """Ends the connection once all packets are sent."""


class Observe(Protocol):
    """Called for every request that was answered."""

    def __call__(self, name: str, code: str, seconds: float) -> None: ...


class Socket:
    """Implements Client. `connection` must be set before anything comes in."""

    connection: Connection

    def __init__(
        self,
        id: str,
        sender: PacketSender,
        observe: Observe,
        *,
        clock: Callable[[], float] = time.monotonic,
        request_rate: Rate = REQUEST_RATE,
        chat_rate: Rate = CHAT_RATE,
    ) -> None:
        self.id = id
        self._sender = sender
        self._observe = observe
        self._clock = clock
        self._requests = TokenBucket(request_rate, clock())
        self._chats = TokenBucket(chat_rate, clock())
        self._waiting: deque[EventPacket] = deque()
        self._waiting_bytes = 0
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self._log = structlog.get_logger(__name__).bind(connection=id)

    def send(self, event: Event) -> None:
        self._sender.put(event.text)

    def disconnect(self) -> None:
        self._sender.close()

    def take(self, text: str) -> None:
        """Takes an event packet that has arrived."""
        packet = packets.parse_head(text)
        if packet is None or self._closed:
            return
        try:
            self._check_room(packet)
        except RotundaError as error:
            self._acknowledge(packet, error_answer(error))
            self._observe("refused", error.code, 0.0)
            return
        self._waiting.append(packet)
        self._waiting_bytes += len(packet.body)
        if packets.is_leave(packet):
            self.connection.leave_is_coming()
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name=f"socket {self.id}")

    async def close(self) -> None:
        """The socket is gone: what waits is dropped, what runs is finished, the seat stays.

        A join does not wait for a media node any longer.
        """
        self._closed = True
        self._waiting.clear()
        self.connection.leave_is_coming()
        worker = self._worker
        if worker is not None:
            await asyncio.wait([worker])
        await self.connection.lost()

    def _check_room(self, packet: EventPacket) -> None:
        wait = self._requests.take(self._clock())
        if wait > 0:
            raise RateLimited("too many requests: send fewer a second", retry_after_ms=_ms(wait))
        if len(self._waiting) >= MAX_WAITING_REQUESTS:
            raise LimitExceeded(f"{MAX_WAITING_REQUESTS} requests are waiting: wait for some answers first")
        if self._waiting_bytes + len(packet.body) > MAX_WAITING_BYTES:
            raise LimitExceeded(f"{MAX_WAITING_BYTES} bytes are waiting: wait for some answers first")

    async def _work(self) -> None:
        try:
            for number in itertools.count(1):
                if not self._waiting:
                    break
                if number % BETWEEN_YIELDS == 0:
                    await asyncio.sleep(0)  # what is refused does not wait for anything
                packet = self._waiting.popleft()
                self._waiting_bytes -= len(packet.body)
                await self._answer(packet)
                if packets.is_leave(packet):
                    self.connection.leave_was_answered()
        finally:
            self._worker = None

    async def _answer(self, packet: EventPacket) -> None:
        started = time.perf_counter()
        name, code = "unknown", "ok"
        try:
            name, payload = packets.parse_body(packet)
            request = validate(name, payload)
            self._check_chat(name)
            answer = (await self.connection.answer(name, request)).to_json()
        except RotundaError as error:
            answer, code = error_answer(error), error.code
            self._log_failure(name, error)
        except Exception:
            self._log.exception("a request failed", request=name[:64])
            answer, code = internal_error(), "internal"
        self._acknowledge(packet, answer)
        self._observe(name, code, time.perf_counter() - started)

    def _check_chat(self, name: str) -> None:
        wait = self._chats.take(self._clock()) if name == "chat" else 0.0
        if wait > 0:
            raise RateLimited("too many messages: write fewer a second", retry_after_ms=_ms(wait))

    def _acknowledge(self, packet: EventPacket, answer: dict[str, Any]) -> None:
        if packet.id is not None:
            self._sender.put(packets.acknowledgement(packet.id, answer))

    def _log_failure(self, name: str, error: RotundaError) -> None:
        session = self.connection.session
        self._log.debug(
            "request refused",
            request=name[:64],
            code=error.pod_code,
            error=error.message[:512],
            room=session.view.assignment.room if session else None,
            participant=session.participant_id if session else None,
        )


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
