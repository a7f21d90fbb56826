"""A hostile path: carries a call faithfully, learns its datagrams and sends damaged ones between them.

What it sends comes from the addresses that the call itself uses, so nothing but the media node's own checks
stands in the way.
"""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from harness.network import Path, UdpProxy, Weather

CALM = Weather(loss=0.0, jitter=0.0, reordering=0.0)
SAMPLES = 400
BURST = 250
MAX_DATAGRAM = 1400


class Kind(Enum):
    """What shares a media port (RFC 7983): the first bytes that each can have."""

    STUN = range(0, 4)
    DTLS = range(20, 64)
    SRTP = range(128, 192)
    SRTCP = range(129, 192)  # 128, a report about nobody, is left out: two equal values would be one kind

    @classmethod
    def of(cls, datagram: bytes) -> "Kind | None":
        first = datagram[0]
        if first in cls.SRTP.value:
            # RFC 5761: RTCP's packet types are where an RTP header has marker and payload type.
            return cls.SRTCP if len(datagram) > 1 and 192 <= datagram[1] <= 223 else cls.SRTP
        return next((kind for kind in (cls.STUN, cls.DTLS) if first in kind.value), None)


@dataclass
class Saboteur(UdpProxy):
    """A proxy that loses nothing. `attack` damages what passed; `sent` counts by kind."""

    weather: Weather = CALM
    seed: int = 1
    samples: dict[Kind, list[bytes]] = field(default_factory=lambda: {kind: [] for kind in Kind})
    sent: Counter[Kind] = field(default_factory=Counter)
    _inlets: list[Callable[[bytes], None]] = field(default_factory=list)
    _targets: set[tuple[str, int]] = field(default_factory=set)

    async def port_for(self, address: str, port: int) -> int:
        self._targets.add((address, port))
        return await super().port_for(address, port)

    def carry(self, path: Path, datagram: bytes, deliver: Callable[[bytes], None]) -> None:
        self._learn(datagram, deliver)
        super().carry(path, datagram, deliver)

    async def attack(self, kind: Kind, datagrams: int) -> None:
        """Sends so many: random ones, truncated ones and ones with flipped bits, by a written seed.

        Every eighth comes from an address that the media node has never seen.
        """
        chance = random.Random(f"{self.seed}/{kind.name}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
            targets = sorted(self._targets)
            for number in range(datagrams):
                damaged = damage(chance, kind, chance.choice(self.samples[kind]))
                if number % 8 == 0:
                    foreign.sendto(damaged, chance.choice(targets))
                else:
                    chance.choice(self._inlets)(damaged)
                self.sent[kind] += 1
                if number % BURST == 0:
                    # Lets the call's own datagrams pass, and the media node empty its socket.
                    await asyncio.sleep(0.005)

    def _learn(self, datagram: bytes, deliver: Callable[[bytes], None]) -> None:
        kind = Kind.of(datagram)
        if kind is None or getattr(deliver, "__name__", "") != "_forward":
            return
        if deliver not in self._inlets:
            self._inlets.append(deliver)
        known = self.samples[kind]
        if len(known) < SAMPLES:
            known.append(datagram)


def damage(chance: random.Random, kind: Kind, sample: bytes) -> bytes:
    """A third each: random bytes behind a right first byte, a cut sample, 1 to 8 flipped bits."""
    way = chance.randrange(3)
    if way == 0:
        first = bytes([chance.choice(kind.value)])
        second = bytes([chance.randrange(192, 224)]) if kind is Kind.SRTCP else b""
        return first + second + chance.randbytes(chance.randrange(MAX_DATAGRAM))
    if way == 1:
        return sample[: chance.randrange(1, len(sample))]
    flipped = bytearray(sample)
    for _ in range(chance.randint(1, 8)):
        bit = chance.randrange(len(flipped) * 8)
        flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped) if flipped != sample else sample[:-1]
