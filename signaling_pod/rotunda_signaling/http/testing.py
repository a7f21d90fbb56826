"""For tests: bare connections, and applications to answer them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rotunda_signaling.testing import WAIT

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/v1/rooms HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
UPGRADE = (
    b"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
WEBSOCKET = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" + UPGRADE


class Peer:
    """A bare TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send_often(self, data: bytes, times: int) -> None:
        for _ in range(times):
            await self.send(data)

    async def answer(self) -> tuple[int, bytes]:
        """The status and body of the next answer."""
        async with asyncio.timeout(WAIT):
            head = await self.reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            body = await self.reader.readexactly(int(fields.get(b"content-length", b"0")))
        return int(head.split(b" ")[1]), body

    async def end(self) -> bytes:
        """What comes until the server ends the connection."""
        async with asyncio.timeout(WAIT):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def peer_of(url: str, limit: int = 65_536) -> AsyncIterator[Peer]:
    """`limit`: bytes that are read ahead."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), limit=limit)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():  # noqa: ASYNC110 -- no event tells of it
            await asyncio.sleep(0.01)
