"""A call of two that times every packet: `python -m harness.probe URL ROOM`, a process of its own.

Both send sound (50 packets a second) and a picture (30 frames of six packets). A packet's delay is the time
from just before it is handed to the kernel to the kernel's stamp on what the server forwarded, so that it
measures the server and not how soon this process is run. Each line on standard input ends a phase and is
answered by one line of JSON about it; the end of input ends the call.
"""

import asyncio
import contextlib
import itertools
import json
import os
import statistics
import struct
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop
from harness.callers import enter, open_transport
from harness.child import Child, child

from rotunda.caller import CallerTransport
from rotunda.caller.rtp import rtp_header

MARK = b"rotunda-probe"
SOUND_SSRC, PICTURE_SSRC = 1111, 2222
OPUS, VP8 = 111, 96
SOUND_SECONDS, PICTURE_SECONDS = 1 / 50, 1 / 30
KEY_FRAME_EVERY = 30
SOUND_BYTES, PICTURE_BYTES, PICTURE_PACKETS = 100, 1100, 6
STRAGGLERS_SECONDS = 15.0
"""After so long a packet that has not come is lost."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What became of the packets sent in a phase; delays in milliseconds."""

    sent: int
    lost: int
    p50: float
    p99: float
    max: float


class Probe:
    """The running call, from outside of its process."""

    def __init__(self, process: Child) -> None:
        self._process = process

    async def phase(self) -> Phase:
        """Ends the phase that began with the call or with the last answer."""
        self._process.write("phase")
        return Phase(**json.loads(await self._process.read()))


@asynccontextmanager
async def probe(url: str, room: str) -> AsyncIterator[Probe]:
    """A call in this room, until the context ends."""
    async with child(__name__, url, room) as process:
        assert await process.read() == "ready"
        yield Probe(process)


@dataclass(slots=True)
class Ledger:
    """When each packet was sent and received, by its number."""

    sent: dict[int, int] = field(default_factory=dict)
    received: dict[int, int] = field(default_factory=dict)

    def arrived(self, packet: bytes, at: int) -> None:
        mark = packet.find(MARK)
        if mark >= 0:
            (number,) = struct.unpack_from("!Q", packet, mark + len(MARK))
            self.received.setdefault(number, at)

    def close_phase(self, numbers: list[int]) -> Phase:
        """Takes these packets out of the books."""
        sent = {number: self.sent.pop(number) for number in numbers}
        delays = [(self.received.pop(n) - at) / 1e6 for n, at in sent.items() if n in self.received]
        cuts = statistics.quantiles(delays, n=100, method="inclusive")
        return Phase(len(sent), len(sent) - len(delays), cuts[49], cuts[98], max(delays))


async def main(url: str, room: str) -> None:
    ledger = Ledger()
    ada, ben = [await enter(url, room, name) for name in ("Probe Ada", "Probe Ben")]
    senders = [await open_transport(guest, "send") for guest in (ada, ben)]
    receivers = [await open_transport(guest, "recv", ledger.arrived) for guest in (ada, ben)]
    for speaker, sender, listener, receiver in (
        (ada, senders[0], ben, receivers[1]),
        (ben, senders[1], ada, receivers[0]),
    ):
        for kind, parameters in (("audio", sound_parameters()), ("video", picture_parameters())):
            await listener.consume(receiver, await speaker.publish(sender, kind, parameters))
    numbers = itertools.count()
    sending = [asyncio.create_task(sound(each, ledger, numbers)) for each in senders]
    sending += [asyncio.create_task(picture(each, ledger, numbers)) for each in senders]
    await report_phases(ledger)
    for task in sending:
        task.cancel()
    await asyncio.gather(ada.leave(), ben.leave())


async def report_phases(ledger: Ledger) -> None:
    """Answers each line of standard input with the phase that it ends."""
    loop = asyncio.get_running_loop()
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        numbers = list(ledger.sent)
        late = loop.time() + STRAGGLERS_SECONDS
        while loop.time() < late and not ledger.received.keys() >= set(numbers):  # noqa: ASYNC110 -- filled by a transport
            await asyncio.sleep(0.1)
        print(json.dumps(asdict(ledger.close_phase(numbers))), flush=True)


async def sound(transport: CallerTransport, ledger: Ledger, numbers: Iterator[int]) -> None:
    async for count in ticks(SOUND_SECONDS):
        number = next(numbers)
        head = rtp_header(OPUS, count, count * 960, SOUND_SSRC)
        ledger.sent[number] = transport.send_rtp(head + stamped(number, b"", SOUND_BYTES))


async def picture(transport: CallerTransport, ledger: Ledger, numbers: Iterator[int]) -> None:
    sequence = itertools.count()
    async for count in ticks(PICTURE_SECONDS):
        for index in range(PICTURE_PACKETS):
            number = next(numbers)
            head = rtp_header(
                *(VP8, next(sequence), count * 3000, PICTURE_SSRC), marker=index == PICTURE_PACKETS - 1
            )
            payload = stamped(number, vp8_start(count, index), PICTURE_BYTES)
            ledger.sent[number] = transport.send_rtp(head + payload)


async def ticks(seconds: float) -> AsyncIterator[int]:
    """Counts at a steady pace; a late tick does not move those after it."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for count in itertools.count():
        await asyncio.sleep(began + count * seconds - loop.time())
        yield count


def vp8_start(frame: int, packet: int) -> bytes:
    """The payload descriptor (RFC 7741 section 4.2), and a frame's first bytes (RFC 6386 section 9.1)."""
    if packet > 0:
        return b"\x00"
    return b"\x10" + (b"\x11" if frame % KEY_FRAME_EVERY else b"\x10\x00\x00\x9d\x01\x2a\xc0\x03\x1c\x02")


def stamped(number: int, start: bytes, size: int) -> bytes:
    return (start + MARK + struct.pack("!Q", number)).ljust(size, b"\x5a")


def sound_parameters() -> dict[str, Any]:
    opus = {"mimeType": "audio/opus", "payloadType": OPUS, "clockRate": 48000, "channels": 2}
    return {"mid": "0", "codecs": [opus], "encodings": [{"ssrc": SOUND_SSRC}]}


def picture_parameters() -> dict[str, Any]:
    vp8 = {"mimeType": "video/VP8", "payloadType": VP8, "clockRate": 90000}
    return {"mid": "1", "codecs": [vp8], "encodings": [{"ssrc": PICTURE_SSRC}]}


if __name__ == "__main__":
    with contextlib.suppress(PermissionError):
        # Only who may: what is timed is the server's turn, never this process's.
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
