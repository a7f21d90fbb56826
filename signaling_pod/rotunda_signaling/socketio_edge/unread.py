"""What waits for a client to read it: bounded in bytes, and one copy of what many are sent."""

import asyncio
import sys

from engineio import packet as engine  # type: ignore[import-untyped]


class UnreadPackets(asyncio.Queue["engine.Packet | None"]):
    """Engine.IO's queue of one socket, which knows how many bytes it holds. None ends the writer."""

    bytes = 0

    def _put(self, item: "engine.Packet | None") -> None:
        self.bytes += _size(item)
        super()._put(item)

    def _get(self) -> "engine.Packet | None":
        item = super()._get()
        self.bytes -= _size(item)
        return item


class Frames:
    """Makes packets. The same text, given for one recipient after the other, is one packet."""

    def __init__(self) -> None:
        self._text = ""
        self._packet = engine.Packet(engine.MESSAGE, data="")

    def of(self, text: str) -> engine.Packet:
        if text is not self._text:
            self._text, self._packet = text, engine.Packet(engine.MESSAGE, data=text)
        return self._packet


def _size(packet: "engine.Packet | None") -> int:
    """Of its text in memory, where one character takes up to four bytes."""
    return sys.getsizeof(packet.data) if packet is not None else 0
