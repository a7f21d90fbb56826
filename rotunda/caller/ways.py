"""Ways that datagrams take to a media node: UDP, TCP with frames (RFC 4571), or a TURN relay (RFC 8656)."""

import asyncio
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, cast

from aioice.stun import TransactionError
from aioice.turn import create_turn_endpoint

from rotunda.caller.errors import NoWay

WayKind = Literal["udp", "tcp", "relay"]
OnDatagram = Callable[[bytes, int], None]
"""Given a datagram and when it arrived: nanoseconds of the real-time clock, by the kernel where it tells."""

OPEN_SECONDS = 10.0
MAX_DATAGRAM = 2048
READ_BATCH = 256
"""Datagrams that are read at once; others than this way have their turn after that."""
RECEIVE_BUFFER_BYTES = 1 << 22
SEND_BACKLOG_BYTES = 1 << 20
"""What may wait to be written to a TCP connection; what comes on top is lost, as in any network."""
_SO_TIMESTAMPNS = 35
"""Of Linux; Python's socket module does not name it."""
_TURN_PORTS = {"turn": 3478, "turns": 5349}


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


class Way:
    """An open way to one address. `name` tells it apart for people, such as `udp 192.0.2.1:40000`.

    Whoever uses it sets what is called: `on_datagram`, `on_error` for what the network says of a datagram
    that was sent, and `on_lost` once nothing can be sent any more.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.on_datagram: OnDatagram = lambda datagram, at: None
        self.on_error: Callable[[OSError], None] = lambda error: None
        self.on_lost: Callable[[], None] = lambda: None

    def send(self, datagram: bytes) -> None:
        """As any network, it may lose it."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is called any more."""
        raise NotImplementedError


async def open_udp(host: str, port: int) -> Way:
    """Raises NoWay where the address cannot be sent to at all."""
    name = f"udp {host}:{port}"
    loop = asyncio.get_running_loop()
    try:
        (family, _, _, _, address), *_ = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            if sys.platform == "linux":
                opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            opened.connect(address)
        except BaseException:
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


class _UdpWay(Way):
    def __init__(self, name: str, connected: socket.socket) -> None:
        super().__init__(name)
        self._socket = connected
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connected, self._readable)

    def send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except BlockingIOError:
            pass
        except OSError as error:
            self.on_error(error)

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        for _ in range(READ_BATCH):
            if self._socket.fileno() < 0:  # whoever was called has closed this way
                return
            try:
                datagram, ancillary, _, _ = self._socket.recvmsg(MAX_DATAGRAM, 64)
            except BlockingIOError:
                return
            except OSError as error:
                self.on_error(error)
                continue
            self.on_datagram(datagram, _arrival(ancillary))


class _TcpWay(Way):
    def __init__(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(name)
        self._reader = reader
        self._writer = writer
        self._reading = asyncio.create_task(self._read())

    def send(self, datagram: bytes) -> None:
        if self._writer.transport.get_write_buffer_size() < SEND_BACKLOG_BYTES:
            self._writer.write(struct.pack("!H", len(datagram)) + datagram)

    def close(self) -> None:
        self._reading.cancel()
        self._writer.close()

    async def _read(self) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                (length,) = struct.unpack("!H", await self._reader.readexactly(2))
                self.on_datagram(await self._reader.readexactly(length), time.time_ns())
        self.on_lost()


class _Inbox(asyncio.DatagramProtocol):
    """What a relay brings goes to the way that it belongs to, once there is one."""

    way: "_RelayWay | None" = None

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.way is not None:
            self.way.on_datagram(data, time.time_ns())

    def connection_lost(self, exc: Exception | None) -> None:
        if self.way is not None:
            self.way.on_lost()


class _RelayWay(Way):
    def __init__(
        self, name: str, transport: asyncio.DatagramTransport, inbox: _Inbox, peer: tuple[str, int]
    ) -> None:
        super().__init__(name)
        self._transport = transport
        self._inbox = inbox
        self._peer = peer
        inbox.way = self

    def send(self, datagram: bytes) -> None:
        self._transport.sendto(datagram, self._peer)

    def close(self) -> None:
        self._inbox.way = None
        self._transport.close()


def _arrival(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The kernel's stamp in nanoseconds, where there is one."""
    for level, kind, stamp in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("qq", stamp)
            return int(seconds * 10**9 + nanoseconds)
    return time.time_ns()
