"""Messages that are not published to the other processes yet. Pure except for futures: `now` is an
argument."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_BYTES = 8 * 1024 * 1024
PARCEL_BYTES = 512
"""What a parcel takes beside its text."""
MAX_AGE = 300.0
"""Seconds. A message that could not be published for so long is dropped here; people read it in the
history."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One encoded envelope. `handed_on`: whether the first attempt succeeded."""

    text: bytes
    since: float
    handed_on: asyncio.Future[bool] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return PARCEL_BYTES + len(self.text)

    def answer(self, handed_on: bool) -> None:
        if not self.handed_on.done():
            self.handed_on.set_result(handed_on)


class Outbox:
    """In the order in which they came; the oldest go where they take too much. For one writer."""

    def __init__(self, most: int = MAX_BYTES) -> None:
        """`most` in bytes."""
        self._most = most
        self._bytes = 0
        self._parcels: deque[Parcel] = deque()
        self._filled = asyncio.Event()
        self.dropped = 0
        """Messages that were dropped before they could be published."""

    def __len__(self) -> int:
        return len(self._parcels)

    @property
    def size(self) -> int:
        """Bytes of what waits."""
        return self._bytes

    def put(self, text: bytes, now: float) -> Parcel:
        parcel = Parcel(text, now)
        self._parcels.append(parcel)
        self._bytes += parcel.size
        while self._bytes > self._most:
            self._drop()
        self._filled.set()
        return parcel

    async def filled(self) -> None:
        """Returns once there is something to send."""
        while not self._parcels:
            self._filled.clear()
            await self._filled.wait()

    def first(self, count: int, now: float) -> Sequence[Parcel]:
        """Those to send next, which stay until `sent` is called."""
        while self._parcels and now - self._parcels[0].since > MAX_AGE:
            self._drop()
        return [self._parcels[index] for index in range(min(count, len(self._parcels)))]

    def sent(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            parcel.answer(True)
            if self._parcels and self._parcels[0] is parcel:  # it may have been dropped meanwhile
                self._take()

    def failed(self) -> None:
        """Whoever waits for an answer gets it: not yet."""
        for parcel in self._parcels:
            parcel.answer(False)

    def _drop(self) -> None:
        self._take().answer(False)
        self.dropped += 1

    def _take(self) -> Parcel:
        parcel = self._parcels.popleft()
        self._bytes -= parcel.size
        return parcel
