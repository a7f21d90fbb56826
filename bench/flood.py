"""What floods do to a running call: joins by the hundred, and data channels that are sent full.

    PYTHONPATH=tests python bench/flood.py [--people 200] [--seconds 10]

`rotunda serve` is one process, as `make run` starts it. In its room "call" are two callers that time
each other's every packet (harness/probe.py), a Chromium page that receives both, and another one, which
floods. The crowd and whoever floods run on the same cores as the server: what they take, it lacks.
"""

import argparse
import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.browser import ChromiumTab, chromium
from harness.child import cpu_seconds
from harness.crowd import Crush, crowd
from harness.data_guest import DataGuest, build_data_page
from harness.guest import Guest
from harness.probe import Phase, Probe, probe
from harness.server import Server, serve
from harness.torrent import torrent

CALL = "call"
QUIET = "quiet"
"""The calmer of the two quiet phases is what the others are compared with."""
ROOMS = 20
MESSAGE_BYTES = 1024
FLOOD = """async (id, seconds, bytes) => {
  const message = new Uint8Array(bytes);
  const end = performance.now() + seconds * 1000;
  let sent = 0;
  const { limits } = data;
  limits.length = 0;
  while (performance.now() < end) {
    for (; data.buffered(id) < 1 << 18; sent++) data.send(id, message);
    await new Promise((resume) => setTimeout(resume, 1));
  }
  return {
    accepted: sent - data.buffered(id) / bytes,
    told: limits.length,
    refused: limits.reduce((sum, { refusedDatagrams }) => sum + refusedDatagrams, 0),
  };
}"""
DRAINED = """async (id) => {
  while (data.buffered(id) > 0) await new Promise((resume) => setTimeout(resume, 50));
}"""


@dataclass(frozen=True, slots=True)
class Row:
    """One phase. `cpu` is the server's share of one core, `note` what else was seen."""

    title: str
    phase: Phase
    cpu: float
    note: str

    def text(self, quiet: Phase) -> str:
        phase = self.phase
        delays = " | ".join(f"{each:.2f}" for each in (phase.p50, phase.p99, phase.max))
        added = f"{phase.p50 - quiet.p50:+.2f}, {phase.p99 - quiet.p99:+.2f}"
        counts = f"{phase.sent} | {phase.lost}"
        return f"| {self.title} | {counts} | {delays} | {added} | {self.cpu:.0%} | {self.note} |"


class Bench:
    """A server with its call, and the phases that were measured so far, the first of them quiet."""

    def __init__(self, server: Server, call: Probe, page: DataGuest, seconds: float) -> None:
        self.rows: list[Row] = []
        self._server = server
        self._call = call
        self._page = page
        self._seconds = seconds

    async def quiet(self) -> None:
        await self._begin()
        await asyncio.sleep(self._seconds)
        await self._end(QUIET, "")
        await self._rest()

    async def joins(self, people: int, rooms: list[str], where: str) -> None:
        await self._begin()
        async with crowd(self._server.url, people, 1, rooms) as crush:
            await self._end(f"{people} joins, {where}", describe(crush))
        await self._rest()

    async def data(self, title: str, **reliability: Any) -> None:
        """The page floods a channel."""
        producer = await self._page.produce(label=title, **reliability)
        await self._begin()
        seen = await self._page.tab.call(FLOOD, producer, self._seconds, MESSAGE_BYTES)
        note = (
            f"{seen['accepted'] / self._seconds:.0f} messages/s went through, "
            f"told {seen['told']} times that {seen['refused']} datagrams were refused"
        )
        await self._end(title, note)
        await self._page.tab.call(DRAINED, producer)
        await self._rest()

    async def torrent(self) -> None:
        await self._begin()
        async with torrent(self._server.url, CALL, self._seconds) as seen:
            note = (
                f"{seen.sent / self._seconds:.0f} datagrams/s sent, "
                f"told {seen.told} times that {seen.refused} were refused"
            )
            await self._end("data without congestion control", note)
        await self._rest()

    async def _rest(self) -> None:
        """Lets what a phase left behind run out before the next."""
        await asyncio.sleep(self._seconds / 2)

    async def _begin(self) -> None:
        await self._call.phase()
        self._began = asyncio.get_running_loop().time()
        self._cpu = cpu_seconds(self._server.process.pid)

    async def _end(self, title: str, note: str) -> None:
        taken = asyncio.get_running_loop().time() - self._began
        cpu = (cpu_seconds(self._server.process.pid) - self._cpu) / taken
        self.rows.append(Row(title, await self._call.phase(), cpu, note))


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10, help="of every phase but the joins")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            serve(Path(folder) / "log", {"ROTUNDA_MAX_PARTICIPANTS": "500"}) as server,
            probe(server.url, CALL) as call,
            chromium() as browser,
        ):
            listener = Guest("Page", await ChromiumTab.open(browser))
            await listener.enter(server.url, CALL, camera_on=False)
            built = await build_data_page(Path(folder) / "page")
            page = await DataGuest.enter(browser, built, server.url, CALL, "Flood")
            bench = Bench(server, call, page, arguments.seconds)
            await bench.quiet()
            await bench.joins(arguments.people, [f"room-{n}" for n in range(ROOMS)], f"{ROOMS} other rooms")
            await bench.joins(arguments.people, [CALL], "the call's own room")
            await bench.data("unreliable data", ordered=False, maxRetransmits=0)
            await bench.data("reliable data", ordered=True)
            await bench.torrent()
            await bench.quiet()
    print("| phase | packets | lost | delay p50 ms | p99 | max | added p50, p99 | server CPU | |")
    print("|---|---|---|---|---|---|---|---|---|")
    quiet = min((row.phase for row in bench.rows if row.title == QUIET), key=lambda phase: phase.p99)
    print("\n".join(row.text(quiet) for row in bench.rows))


def describe(crush: Crush) -> str:
    refused = f", refused {crush.refused}" if crush.refused else ""
    return (
        f"{crush.joined} in{refused}; the last click at {crush.last_click:.2f} s, everybody in at "
        f"{crush.everybody_in:.2f} s; a join's p50 {crush.p50:.2f} s, max {crush.max:.2f} s"
    )


if __name__ == "__main__":
    asyncio.run(main())
