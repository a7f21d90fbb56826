"""Ways that datagrams take to a media node: UDP, TCP with frames (RFC 4571), or a TURN relay (RFC 8656)."""

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, cast

from aioice.stun import TransactionError
from aioice.turn import create_turn_endpoint

from rotunda.caller.errors import NoWay

WayKind = Literal["udp", "tcp", "relay"]
BACKLOG = 1024
"""Datagrams that may wait to be read; those beyond are lost, as in a socket's buffer."""
OPEN_SECONDS = 10.0
MAX_DATAGRAM = 2048
RECEIVE_BUFFER = 1 << 22
SO_TIMESTAMPNS = 35
"""Of Linux; Python's socket module does not name it."""
_TURN_PORTS = {"turn": 3478, "turns": 5349}


class Datagram(NamedTuple):
    """`arrived`: nanoseconds of the real-time clock; of UDP the kernel's own stamp, where it gives one."""

    content: bytes
    arrived: int


class Way(Protocol):
    """An open way to one address. `name` tells it apart for people, such as `udp 192.0.2.1:40000`."""

    name: str

    def send(self, datagram: bytes) -> None:
        """As any network, it may lose it."""

    async def receive(self) -> Datagram:
        """The next datagram. Raises ConnectionError once the way is gone."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class IceServer:
    """One TURN URL (RFC 7065) with its credential."""

    url: str
    username: str
    credential: str

    @classmethod
    def turn_servers(cls, ice_servers: Sequence[dict[str, Any]]) -> list["IceServer"]:
        """Those of an answer to `join` that relay."""
        return [
            cls(url, entry.get("username") or "", entry.get("credential") or "")
            for entry in ice_servers
            for url in entry["urls"]
            if url.partition(":")[0] in _TURN_PORTS
        ]

    @property
    def address(self) -> tuple[str, int]:
        scheme, _, rest = self.url.partition(":")
        host, colon, port = rest.partition("?")[0].rpartition(":")
        if not colon or port.endswith("]"):
            return rest.partition("?")[0].strip("[]"), _TURN_PORTS[scheme]
        return host.strip("[]"), int(port)

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("turns:")

    @property
    def over_tcp(self) -> bool:
        return self.is_secure or self.url.endswith("transport=tcp")


async def open_udp(host: str, port: int) -> Way:
    """Raises NoWay where the address cannot be sent to at all."""
    name = f"udp {host}:{port}"
    loop = asyncio.get_running_loop()
    try:
        (family, _, _, _, address), *_ = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            with suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            opened.connect(address)
        except OSError:
            opened.close()
            raise
    except OSError as error:
        raise NoWay(f"{name}: {error}") from error
    return _UdpWay(name, opened)


async def open_tcp(host: str, port: int) -> Way:
    """Raises NoWay where nobody accepts."""
    name = f"tcp {host}:{port}"
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        raise NoWay(f"{name}: {error or 'nobody accepts'}") from error
    return _TcpWay(name, reader, writer)


async def open_relay(server: IceServer, host: str, port: int, context: ssl.SSLContext | None = None) -> Way:
    """Through a TURN server; `context` checks its certificate. Raises NoWay where it allocates nothing."""
    name = f"relay {server.url} to {host}:{port}"
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            transport, inbox = await create_turn_endpoint(
                _Inbox,
                server.address,
                server.username,
                server.credential,
                ssl=context if server.is_secure else None,
                transport="tcp" if server.over_tcp else "udp",
            )
    except (OSError, TimeoutError, TransactionError, ConnectionError) as error:
        raise NoWay(f"{name}: {error or 'no answer'}") from error
    return _RelayWay(name, cast(asyncio.DatagramTransport, transport), inbox, (host, port))


class _Inbox(asyncio.DatagramProtocol):
    """Keeps what arrives until it is read."""

    def __init__(self) -> None:
        self.datagrams: asyncio.Queue[Datagram | None] = asyncio.Queue(BACKLOG)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self.datagrams.full():
            self.datagrams.put_nowait(Datagram(data, time.time_ns()))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.datagrams.full():
            self.datagrams.get_nowait()
        self.datagrams.put_nowait(None)


class _UdpWay:
    """A connected socket of our own, as asyncio's does not give the kernel's stamps."""

    def __init__(self, name: str, opened: socket.socket) -> None:
        self.name = name
        self._socket = opened
        self._datagrams: asyncio.Queue[Datagram | None] = asyncio.Queue(BACKLOG)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(opened, self._readable)

    def send(self, datagram: bytes) -> None:
        # Full buffers lose it; ICMP's word that nobody is there may be about an earlier one.
        with suppress(BlockingIOError, ConnectionRefusedError):
            self._socket.send(datagram)

    async def receive(self) -> Datagram:
        datagram = await self._datagrams.get()
        if datagram is None:
            raise ConnectionError(f"{self.name} was closed")
        return datagram

    async def close(self) -> None:
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._datagrams.full():
            self._datagrams.get_nowait()
        self._datagrams.put_nowait(None)

    def _readable(self) -> None:
        while True:
            try:
                content, ancillary, _, _ = self._socket.recvmsg(MAX_DATAGRAM, 64)
            except OSError:  # nothing more, or ICMP's word that nobody is there
                return
            if not self._datagrams.full():
                self._datagrams.put_nowait(Datagram(content, _stamp(ancillary)))


def _stamp(ancillary: Sequence[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("qq", data)
            return int(seconds) * 10**9 + int(nanoseconds)
    return time.time_ns()


class _RelayWay:
    def __init__(
        self,
        name: str,
        transport: asyncio.DatagramTransport,
        inbox: _Inbox,
        peer: tuple[str, int],
    ) -> None:
        self.name = name
        self._transport = transport
        self._inbox = inbox
        self._peer = peer

    def send(self, datagram: bytes) -> None:
        self._transport.sendto(datagram, self._peer)

    async def receive(self) -> Datagram:
        datagram = await self._inbox.datagrams.get()
        if datagram is None:
            raise ConnectionError(f"{self.name} was closed")
        return datagram

    async def close(self) -> None:
        self._transport.close()


class _TcpWay:
    def __init__(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.name = name
        self._reader = reader
        self._writer = writer

    def send(self, datagram: bytes) -> None:
        self._writer.write(struct.pack("!H", len(datagram)) + datagram)

    async def receive(self) -> Datagram:
        try:
            (length,) = struct.unpack("!H", await self._reader.readexactly(2))
            return Datagram(await self._reader.readexactly(length), time.time_ns())
        except asyncio.IncompleteReadError as error:
            raise ConnectionError(f"{self.name} was closed") from error

    async def close(self) -> None:
        self._writer.close()
