"""Where a session's datagrams come from and go to, with the fake that tests use."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol


class DatagramPort(Protocol):
    """One transport's DTLS datagrams (RFC 7983 first byte 20–63). Called on the session thread only.

    Over the media worker: `send_dtls`, `receive_dtls` and `dtls_dropped` of one transport. Whoever
    owns the port calls `DtlsSession.readable` when its queue goes from empty to non-empty.
    """

    def send(self, datagram: bytes) -> None:
        """Sends towards the peer. Never blocks and never raises; may lose the datagram."""

    def receive(self, limit: int) -> list[bytes]:
        """Takes up to `limit` received datagrams, oldest first; fewer when the queue is empty then."""

    def dropped(self) -> int:
        """Datagrams lost so far because the queue was full."""


class MemoryPort:
    """A port in memory with a bounded queue: two of them make a link.

    `loses` is asked for each datagram that this end sends: seed it for a lossy link.
    """

    def __init__(self, *, queue_datagrams: int = 64, loses: Callable[[bytes], bool] | None = None) -> None:
        self.peer: MemoryPort | None = None
        self.on_readable: Callable[[], None] | None = None
        self.sent: list[bytes] = []
        self._queue: deque[bytes] = deque()
        self._capacity = queue_datagrams
        self._loses = loses
        self._dropped = 0
        self._lock = threading.Lock()

    def send(self, datagram: bytes) -> None:
        self.sent.append(datagram)
        if self.peer is not None and not (self._loses and self._loses(datagram)):
            self.peer.arrive(datagram)

    def receive(self, limit: int) -> list[bytes]:
        with self._lock:
            return [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]

    def dropped(self) -> int:
        return self._dropped

    def arrive(self, datagram: bytes) -> None:
        """What the network delivers: queued, or lost where the queue is full."""
        with self._lock:
            if len(self._queue) >= self._capacity:
                self._dropped += 1
                return
            self._queue.append(datagram)
            was_empty = len(self._queue) == 1
        if was_empty and self.on_readable is not None:
            self.on_readable()


def link(a: MemoryPort, b: MemoryPort) -> None:
    """Joins two ports: what one sends arrives at the other."""
    a.peer, b.peer = b, a
