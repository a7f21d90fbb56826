"""A call of two that times every packet: `python -m harness.probe URL ROOM`, a process of its own.

Both send sound (50 packets a second) and a picture (30 frames of six packets). A packet's delay is the time
from just before it is handed to the kernel to the kernel's stamp on what the server forwarded, so that it
measures the server and not how soon this process is run. Each line on standard input ends a phase and is
answered by one line of JSON about it; the end of input ends the call.
"""

import asyncio
import contextlib
import json
import os
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass

import uvloop
from harness.callers import enter
from harness.child import Child, child

from rotunda.caller import NumberedSilence, PacketTrace, Publication
from rotunda.caller.rtp import JsonObject, Kind, rtp_packet, rtp_parameters
from rotunda.caller.trace import numbered

FAR_APART = 10**12
"""Between the first numbers of two streams."""
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


class BulkyPicture:
    """A Source: six large packets a picture, which look like VP8 to who forwards them and to nobody else."""

    kind: Kind = "video"
    interval = 1 / 30
    key_frame_every = 30
    packet_bytes, packets_each = 1100, 6
    bitrate = 8 * packet_bytes * packets_each * 30
    ssrc = 2222

    def __init__(self, *, first: int = 0) -> None:
        """`first` is the first packet's number."""
        self._first = first

    @property
    def rtp_parameters(self) -> JsonObject:
        vp8 = {"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000}
        return rtp_parameters(vp8, self.ssrc, mid="1")

    def packets(self, count: int) -> list[bytes]:
        return [self._packet(count, index) for index in range(self.packets_each)]

    def request_key_frame(self) -> None:
        """There is one each second anyway."""

    def _packet(self, count: int, index: int) -> bytes:
        sequence = count * self.packets_each + index
        payload = self._start(count, index) + numbered(self._first + sequence)
        return rtp_packet(
            ssrc=self.ssrc,
            payload_type=96,
            sequence=sequence,
            timestamp=count * 3000,
            payload=payload.ljust(self.packet_bytes, b"\x5a"),
            marker=index == self.packets_each - 1,
        )

    def _start(self, count: int, index: int) -> bytes:
        """The payload descriptor (RFC 7741 section 4.2), and a frame's first bytes (RFC 6386 section 9.1)."""
        if index > 0:
            return b"\x00"
        key_frame = count % self.key_frame_every == 0
        return b"\x10" + (b"\x10\x00\x00\x9d\x01\x2a\xc0\x03\x1c\x02" if key_frame else b"\x11")


async def main(url: str, room: str) -> None:
    trace = PacketTrace()
    people = [await enter(url, room, name) for name in ("Probe Ada", "Probe Ben")]
    senders = [await each.transport("send") for each in people]
    receivers = [await each.transport("recv") for each in people]
    publications: list[Publication] = []
    for at, speaker in enumerate(people):
        first = 2 * at * FAR_APART
        sources = NumberedSilence(first=first), BulkyPicture(first=first + FAR_APART)
        for source in sources:
            publication = await speaker.publish(senders[at], source, trace.on_sent)
            await people[1 - at].consume(receivers[1 - at], publication.id, trace.on_received)
            publications.append(publication)
    for publication in publications:
        publication.start()
    await report_phases(trace)
    await asyncio.gather(*(each.leave() for each in people))


async def report_phases(trace: PacketTrace) -> None:
    """Answers each line of standard input with the phase that it ends."""
    loop = asyncio.get_running_loop()
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        numbers = list(trace.sent)
        with suppress(TimeoutError):
            async with asyncio.timeout(STRAGGLERS_SECONDS):
                await trace.received_all(numbers)
        print(json.dumps(asdict(phase(trace, numbers))), flush=True)


def phase(trace: PacketTrace, numbers: list[int]) -> Phase:
    """These packets, which are forgotten."""
    delays = [1000 * seconds for seconds in trace.take(numbers)]
    cuts = statistics.quantiles(delays, n=100, method="inclusive")
    return Phase(len(numbers), len(numbers) - len(delays), cuts[49], cuts[98], max(delays))


if __name__ == "__main__":
    with contextlib.suppress(PermissionError):
        # Only who may: what is timed is the server's turn, never this process's.
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
