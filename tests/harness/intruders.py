"""Strangers on the TCP ports of media: they connect and say nothing, or nonsense, or next to nothing."""

import asyncio
import itertools
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

HOST = "127.0.0.1"
PATIENCE_SECONDS = 120
TRICKLE_SECONDS = 0.5
GARBAGE = (
    b"GET / HTTP/1.1\r\nHost: media\r\n\r\n",
    struct.pack("!H", 0),
    struct.pack("!H", 0xFFFF) + bytes(100),
    struct.pack("!H", 13) + b"\x16\xfe\xfd" + bytes(10),
    struct.pack("!H", 12) + b"\x80\x60" + bytes(10),
    struct.pack("!H", 4) + b"\xff" * 4,
)


class Intruders:
    """Connections of one kind, until the server has closed them."""

    def __init__(self) -> None:
        self.connections: list[asyncio.Task[None]] = []

    async def until_given_up(self) -> int:
        """Waits until the server has closed all of them; how many that were."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*self.connections)
        return len(self.connections)

    async def end(self) -> None:
        for connection in self.connections:
            connection.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)


@asynccontextmanager
async def crowd_the_port(ports: Sequence[int], count: int) -> AsyncIterator[Intruders]:
    """So many connections that say nothing, spread over the ports; all have been opened."""
    async with _intruders() as intruders:
        for port in itertools.islice(itertools.cycle(ports), count):
            reader, writer = await asyncio.open_connection(HOST, port)
            intruders.connections.append(asyncio.create_task(_until_closed(reader, writer)))
        yield intruders


@asynccontextmanager
async def trickle(ports: Sequence[int], count: int) -> AsyncIterator[Intruders]:
    """So many connections on which a check never comes to its end."""
    async with _intruders() as intruders:
        for port in itertools.islice(itertools.cycle(ports), count):
            reader, writer = await asyncio.open_connection(HOST, port)
            intruders.connections.append(asyncio.create_task(_trickle(reader, writer)))
        yield intruders


async def send_garbage(ports: Sequence[int], count: int) -> int:
    """So many connections that each send what is no check; how many the server has closed."""
    kinds = itertools.islice(zip(itertools.cycle(ports), itertools.cycle(GARBAGE), strict=False), count)
    refused = 0
    for port, garbage in kinds:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(garbage)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await _until_closed(reader, writer)
        refused += 1
    return refused


@asynccontextmanager
async def _intruders() -> AsyncIterator[Intruders]:
    intruders = Intruders()
    try:
        yield intruders
    finally:
        await intruders.end()


async def _until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.read(1024):
            pass
    except ConnectionError:
        pass
    finally:
        writer.close()


async def _trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    closed = asyncio.create_task(_until_closed(reader, writer))
    # The length says that more is to come than ever does.
    for byte in struct.pack("!H", 4000) + bytes(3990):
        writer.write(bytes([byte]))
        done, _ = await asyncio.wait([closed], timeout=TRICKLE_SECONDS)
        if done:
            return
    await closed
