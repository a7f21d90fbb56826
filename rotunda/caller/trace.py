"""Packets with a number in their payload, and when each was sent and received."""

import struct
from collections.abc import Collection

from rotunda.caller.counting import Count

_MARK = b"rotunda-caller"
_NUMBER = struct.Struct("!Q")


def numbered(number: int) -> bytes:
    """What a payload carries to be known again; it may stand anywhere in it."""
    return _MARK + _NUMBER.pack(number)


def number_of(packet: bytes) -> int | None:
    """Which packet it is; None for one that has no number."""
    mark = packet.find(_MARK)
    if mark < 0 or len(packet) < mark + len(_MARK) + _NUMBER.size:
        return None
    number: int = _NUMBER.unpack_from(packet, mark + len(_MARK))[0]
    return number


class PacketTrace:
    """Of the packets of one or more streams, whose numbers differ. Times are nanoseconds of one clock.

    A packet counts as received once, and only if it was sent. `arrivals` counts those.
    """

    def __init__(self) -> None:
        self.sent: dict[int, int] = {}
        self.received: dict[int, int] = {}
        self.departures = Count()
        self.arrivals = Count()

    def on_sent(self, packet: bytes, at: int) -> None:
        number = number_of(packet)
        if number is not None:
            self.sent[number] = at
            self.departures.add()

    def on_received(self, packet: bytes, at: int) -> None:
        number = number_of(packet)
        if number is not None and number in self.sent and number not in self.received:
            self.received[number] = at
            self.arrivals.add()

    async def received_all(self, numbers: Collection[int]) -> None:
        """Returns once each of these has come. Bring a deadline: some may be lost."""
        while missing := len(set(numbers) - self.received.keys()):
            await self.arrivals.reach(self.arrivals.value + missing)

    def take(self, numbers: list[int]) -> list[float]:
        """The seconds that those of these packets took which were received; all of them are forgotten."""
        sent = {number: self.sent.pop(number) for number in numbers}
        return [(self.received.pop(n) - at) / 1e9 for n, at in sent.items() if n in self.received]
