"""Data without congestion control: `python -m harness.torrent URL ROOM SECONDS RATE`, a process of its own.

One person in the room sends RATE DTLS records of a kilobyte a second whatever comes back, as no
browser does; 0 is as many as it can encrypt. It prints one line of JSON: how many it sent, and how
often the server said that this was too much.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

import uvloop
from harness.callers import enter
from harness.child import child

RECORD = bytes(1024)
BURST = 32


@dataclass(frozen=True, slots=True)
class Torrent:
    """`told` counts dataLimited events; `refused` is what they said, in datagrams."""

    sent: int
    told: int
    refused: int


@asynccontextmanager
async def torrent(url: str, room: str, seconds: float, rate: int = 0) -> AsyncIterator[Torrent]:
    """Floods by a process of its own; whoever did it stays until the context ends."""
    async with child(__name__, url, room, str(seconds), str(rate)) as process:
        yield Torrent(**json.loads(await process.read()))


async def main(url: str, room: str, seconds: str, rate: str) -> None:
    guest = await enter(url, room, "Torrent")
    transport = await guest.transport("send")
    loop = asyncio.get_running_loop()
    began = loop.time()
    sent = 0
    while loop.time() < began + float(seconds):
        for _ in range(BURST):
            await transport.send_data(RECORD)
        sent += BURST
        due = began + sent / int(rate) if int(rate) else 0.0
        await asyncio.sleep(due - loop.time())
    limited = [payload for name, payload in guest.events if name == "dataLimited"]
    refused = sum(int(payload["refusedDatagrams"]) for payload in limited)
    print(json.dumps(asdict(Torrent(sent, len(limited), refused))), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    await guest.leave()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
