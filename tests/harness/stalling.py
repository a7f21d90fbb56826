"""A TCP path that falls silent: it stays open and takes connections, and nothing comes through."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65_536


class StallingPath:
    """Leads to a port of this machine. `stall` and `go_on` hold for open connections and for new ones."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._there = port
        self._flows = asyncio.Event()
        self._flows.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def stall(self) -> None:
        self._flows.clear()

    def go_on(self) -> None:
        self._flows.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either end closes it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there: asyncio.StreamWriter | None = None
        try:
            await self._flows.wait()
            back, there = await asyncio.open_connection("127.0.0.1", self._there)
            await asyncio.gather(self._copy(reader, there), self._copy(back, writer))
        finally:
            self._tasks.discard(task)
            for end in (writer, there):
                if end is not None:
                    end.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        await self._flows.wait()  # an end does not come through either
        writer.close()


@asynccontextmanager
async def stalling_path(port: int) -> AsyncIterator[StallingPath]:
    """Listens on 127.0.0.1 in front of the port."""
    path = StallingPath(port)
    listening = await asyncio.start_server(path.carry, "127.0.0.1", 0)
    path.port = listening.sockets[0].getsockname()[1]
    try:
        yield path
    finally:
        listening.close()
        await path.close()
