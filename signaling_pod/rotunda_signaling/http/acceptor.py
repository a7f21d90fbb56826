"""Takes new connections: so many an address, with a deadline for TLS, and through a shortage of descriptors.

asyncio's own server does it without asking anybody, and uvloop's closes what it has no descriptor for unseen.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

import structlog

from rotunda_base.logs import RateLimitedLog
from rotunda_signaling.http.connections import Connections, Place
from rotunda_signaling.http.refusals import plain_refusal

HANDSHAKE_SECONDS = 10.0
"""How long TLS may take."""
PAUSE_SECONDS = 0.5
"""Before the next attempt where the system had no descriptor."""
_AT_ONCE = 64
"""Connections taken before others have their turn."""
_SHORTAGE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_log = structlog.get_logger(__name__)
_strangers = RateLimitedLog(_log)

MakeProtocol = Callable[[Place], asyncio.Protocol]
"""A connection's protocol, which gives the place back when it ends."""


class Acceptor:
    """Implements what uvicorn wants of a server: `close` and `wait_closed`."""

    def __init__(
        self,
        sock: socket.socket,
        make_protocol: MakeProtocol,
        connections: Connections,
        context: ssl.SSLContext | None,
    ) -> None:
        self._sock = sock
        self._make_protocol = make_protocol
        self._connections = connections
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False
        self._loop.add_reader(sock, self._accept)

    def close(self) -> None:
        """Takes no more, and gives up those that are not through TLS."""
        if self._closed:
            return
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()
        for task in self._opening:
            task.cancel()

    async def wait_closed(self) -> None:
        if self._opening:
            await asyncio.wait(self._opening)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._on_error(error)
                return
            if self._connections.recover():
                _log.info("new connections are taken again")
            self._open(sock, str(address[0]))

    def _on_error(self, error: OSError) -> None:
        if error.errno not in _SHORTAGE:
            _strangers.info("a connection was lost before it was taken", error=str(error))
            return
        reason = os.strerror(error.errno or 0)
        if self._connections.starve(reason):
            _log.error("no new connection can be taken", reason=reason)
        # The system would report the connection that waits again and again.
        self._loop.remove_reader(self._sock)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self._loop.add_reader, self._sock, self._accept)

    def _open(self, sock: socket.socket, address: str) -> None:
        place = self._connections.enter(address)
        if place is None:
            _strangers.info("an address has too many connections", address=address)
            if self._context is None:
                with suppress(OSError):
                    sock.send(plain_refusal(self._connections.per_address))
            sock.close()
            return
        sock.setblocking(False)
        task = self._loop.create_task(self._hand_over(sock, place), name="connection")
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _hand_over(self, sock: socket.socket, place: Place) -> None:
        handshake = {} if self._context is None else {"ssl_handshake_timeout": HANDSHAKE_SECONDS}
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._make_protocol(place), sock, ssl=self._context, **handshake
            )
        except OSError as error:  # of TLS and deadlines too
            place.give_back()
            sock.close()
            _strangers.info("a connection did not come about", error=str(error) or type(error).__name__)
        except asyncio.CancelledError:
            place.give_back()
            sock.close()
            raise
