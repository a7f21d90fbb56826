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

    def wait(self) -> None:
        """The peer has to make room for more, or the connection is to end once it has read the rest.

        Not merely because something is unread: the connection may go on, and the rest be read meanwhile.
        """
        if self._timer is None and self._transport.get_write_buffer_size():
            self._timer = self._loop.call_later(UNREAD_SECONDS, self._cut)

    def end(self) -> None:
        """The peer made room, or the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self) -> None:
        self._timer = None
        if self._transport.get_write_buffer_size():
            self._transport.abort()
