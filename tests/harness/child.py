"""A module of this harness run as a process of its own, which speaks by lines."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

HARNESS = Path(__file__).resolve().parent.parent
END_SECONDS = 60


class Child:
    """A running module. It ends by itself once its standard input ends."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def read(self) -> str:
        """The next line of its standard output. Raises RuntimeError where it has ended instead."""
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the child ended with status {await self.process.wait()}")
        return line.decode().strip()

    def write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())


@asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[Child]:
    """Starts `python -m MODULE ARGUMENTS`; at the end of the context it is let go and awaited."""
    paths = [str(HARNESS), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Child(process)
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of all of a process's threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
