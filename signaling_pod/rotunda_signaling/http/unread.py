"""A deadline for what a peer does not read."""

import asyncio

UNREAD_SECONDS = 30.0
"""How long a peer may take to make room for more, and to read the rest once the connection is to end."""


class Unread:
    """Of one connection: cut when the peer reads too slowly. asyncio would wait for as long as TCP lives."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Something waits for the peer, or may."""
        if self._timer is None and self._transport.get_write_buffer_size():
            self._timer = self._loop.call_later(UNREAD_SECONDS, self._transport.abort)

    def read(self) -> None:
        """The peer made room."""
        self.end()
        if self._transport.is_closing():
            self.look()

    def end(self) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
