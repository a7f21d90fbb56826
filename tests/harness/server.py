"""`rotunda serve`, or another command that serves the web app, as a process of its own on free ports."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

URL = re.compile(rb"http://[\w.:\[\]]+:(\d+)")
START_SECONDS = 120
STOP_SECONDS = 60
ANSWER_SECONDS = 60
SERVE = ("serve", "--port", "0", "--media-port", "0")
SIGNALING = ("signaling", "--port", "0")


@dataclass(slots=True)
class Server:
    """A running server: `port` of HTTP on 127.0.0.1, `log` of everything it wrote."""

    process: asyncio.subprocess.Process
    port: int
    log: bytearray
    killed: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, timeout=ANSWER_SECONDS) as client:
            return await client.get(path)

    async def kill(self) -> None:
        """As a crash does it."""
        self.killed = True
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Sends SIGTERM and returns the exit status; raises TimeoutError where it does not end."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def serve(
    log_file: Path,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = SERVE,
    python: str = sys.executable,
) -> AsyncIterator[Server]:
    """Starts a server, waits until it says it is ready, and ends it; what it wrote is in `log_file`.

    `python` may be another checkout's, whose server it then is.
    """
    process = await asyncio.create_subprocess_exec(
        *(python, "-P", "-m", "rotunda", *command),  # -P: not the rotunda of the working directory
        env=os.environ | dict(environment or {}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    log = bytearray()
    said: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    reading = asyncio.create_task(_read(process, log, said))
    try:
        async with asyncio.timeout(START_SECONDS):
            server = Server(process, await said, log)
            while (await server.get("/readyz")).status_code != 200:  # noqa: ASYNC110 -- another process
                await asyncio.sleep(0.1)
        yield server
        if (status := await server.stop()) and not server.killed:
            raise RuntimeError(
                f"rotunda {command[0]} ended with status {status} when told to stop; see {log_file}"
            )
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
        log_file.write_bytes(log)


async def _read(process: asyncio.subprocess.Process, log: bytearray, said: asyncio.Future[int]) -> None:
    """Keeps all output, and finds the port in the line that tells people where to go."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        log += line
        if not said.done() and (found := URL.search(line)):
            said.set_result(int(found[1]))
    if not said.done():
        said.set_exception(RuntimeError(f"the server ended before it listened:\n{log.decode()}"))
