"""Resending the last flight of a handshake sooner than OpenSSL does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

FIRST_RESEND_SECONDS = 0.06
LONGEST_PAUSE_SECONDS = 2.0
FINAL_RESENDS = 3


class LastFlight:
    """Sends the last flight again, verbatim, after 60, 120, 240 … ms without a new one.

    OpenSSL's own timer starts at one second, so that one lost flight would cost a second of waiting.
    A peer that has the records already drops the copies as replays (RFC 6347 section 4.1.2.6).
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._datagrams: list[bytes] = []
        self._answered = True
        self._pause = FIRST_RESEND_SECONDS
        self._left: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def sent(self, datagram: bytes) -> None:
        """A datagram of the handshake went out: the first after `received` begins a new flight."""
        if self._answered:
            self._answered = False
            self._datagrams.clear()
            self._pause = FIRST_RESEND_SECONDS
            self._restart()
        self._datagrams.append(datagram)

    def received(self) -> None:
        """Something of the handshake came in: what is sent from now on is a new flight."""
        self._answered = True

    def complete(self) -> None:
        """The handshake is done here. The peer may still miss the flight: a few resends more."""
        self._left = FINAL_RESENDS

    def stop(self) -> None:
        """The peer has everything, or nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._datagrams.clear()

    def _restart(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._resend)

    def _resend(self) -> None:
        if self._left is not None:
            if self._left == 0:
                self.stop()
                return
            self._left -= 1
        for datagram in self._datagrams:
            self._send(datagram)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        self._restart()
