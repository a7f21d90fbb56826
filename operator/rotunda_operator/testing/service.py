"""A fake of the Service in front of the operator: connections go to the process that holds the lease."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

POLL_SECONDS = 0.2


class LeaderService:
    """`ports`: by identity. `holder`: answers with the identity that holds the lease now."""

    def __init__(self, ports: dict[str, int], holder: Callable[[], Awaitable[str]]) -> None:
        self._ports = ports
        self._holder = holder
        self._target: int | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Answers with the port that it listens on."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        task = asyncio.create_task(self._follow())
        self._tasks.add(task)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _follow(self) -> None:
        """When the holder changes, connections to the process before are closed."""
        while True:
            with suppress(Exception):
                target = self._ports.get(await self._holder())
                if target != self._target:
                    self._target = target
                    for writer in list(self._open):
                        writer.transport.abort()
            await asyncio.sleep(POLL_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._target is None:
            writer.transport.abort()
            return
        try:
            theirs, out = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, out}
        try:
            await asyncio.gather(_copy(reader, out), _copy(theirs, writer), return_exceptions=True)
        finally:
            for end in (writer, out):
                self._open.discard(end)
                end.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.transport.abort()
