"""One address in front of several servers, as a Kubernetes Service is: whoever takes a connection has it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from harness.server import Server

_CHUNK = 65_536


class Balancer:
    """`first` is who new connections are offered to before the others."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.first = servers[0]
        self.port = 0
        self._servers = servers

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either end closes it."""
        try:
            there = await self._connect()
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        others = [server for server in self._servers if server is not self.first]
        for server in (self.first, *others):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", server.port)
        raise OSError("no server takes connections")


@asynccontextmanager
async def balancer(*servers: Server) -> AsyncIterator[Balancer]:
    balancer = Balancer(servers)
    listening = await asyncio.start_server(balancer.serve, "127.0.0.1", 0)
    balancer.port = listening.sockets[0].getsockname()[1]
    try:
        yield balancer
    finally:
        listening.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What breaks here breaks there."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()
