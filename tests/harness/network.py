"""Bad networks between a browser and the server: a lossy UDP path and a TCP line that can be cut.

`Path` decides and owns no clock, so that it can be tested by itself; `UdpProxy` and `TcpLine` carry.
"""

import asyncio
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import cast


@dataclass(frozen=True, slots=True)
class Weather:
    """What a path does to datagrams: shares of one, and seconds."""

    loss: float = 0.02
    jitter: float = 0.030
    reordering: float = 0.02


class Path:
    """One direction of a bad path. Datagrams keep their order but for the share that may overtake."""

    def __init__(self, weather: Weather, seed: int) -> None:
        self._weather = weather
        self._random = random.Random(seed)
        self._last = 0.0

    def arrival(self, now: float) -> float | None:
        """When a datagram sent at `now` arrives, in seconds of the same clock; None when it is lost."""
        if self._random.random() < self._weather.loss:
            return None
        arrival = now + self._random.uniform(0, self._weather.jitter)
        if self._random.random() < self._weather.reordering:
            return arrival
        # Never the same instant twice: an event loop gives no order among equals.
        self._last = max(self._last + 1e-6, arrival)
        return self._last


@dataclass(slots=True)
class Counters:
    """Datagrams of both directions together."""

    carried: int = 0
    lost: int = 0


@dataclass
class UdpProxy:
    """Carries datagrams between whoever writes to its ports and the targets behind them."""

    weather: Weather
    seed: int
    counters: Counters = field(default_factory=Counters)
    _ports: dict[tuple[str, int], int] = field(default_factory=dict)
    _transports: list[asyncio.DatagramTransport] = field(default_factory=list)
    _ways: list["_Way"] = field(default_factory=list)

    async def rebind(self) -> None:
        """From now on datagrams reach the targets from other ports, as behind a NAT that forgot the old.

        What the targets still send to the old ports is lost.
        """
        await asyncio.gather(*(way.rebind() for way in self._ways))

    async def port_for(self, address: str, port: int) -> int:
        """The port that leads to this target, opened at the first call.

        It is at the target's own address: Firefox sends to loopback only from loopback.
        """
        target = (address, port)
        if target not in self._ports:
            front = await self.open(_Front(self, target), local=(address, 0))
            self._ports[target] = front.get_extra_info("sockname")[1]
        return self._ports[target]

    def close(self) -> None:
        for transport in self._transports:
            transport.close()

    def path(self) -> Path:
        """A new direction, with a seed of its own."""
        self.seed += 1
        return Path(self.weather, self.seed)

    async def open(
        self,
        protocol: asyncio.DatagramProtocol,
        *,
        local: tuple[str, int] | None = None,
        remote: tuple[str, int] | None = None,
    ) -> asyncio.DatagramTransport:
        """A socket with a buffer that holds a burst of video; it closes with the proxy."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: protocol, local_addr=local, remote_addr=remote
        )
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self._transports.append(transport)
        return transport

    def carry(self, path: Path, datagram: bytes, deliver: Callable[[bytes], None]) -> None:
        """Hands the datagram over at its time of arrival, or never."""
        loop = asyncio.get_running_loop()
        arrival = path.arrival(loop.time())
        if arrival is None:
            self.counters.lost += 1
            return
        self.counters.carried += 1
        loop.call_at(arrival, deliver, datagram)


class _Front(asyncio.DatagramProtocol):
    """The browser's side of one target: a way for each source address."""

    def __init__(self, proxy: UdpProxy, target: tuple[str, int]) -> None:
        self._proxy = proxy
        self._target = target
        self._ways: dict[tuple[str, int], _Way] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr not in self._ways:
            answer = partial(self._transport.sendto, addr=addr)
            self._ways[addr] = _Way(self._proxy, self._target, answer)
        self._ways[addr].send(data)


class _Way:
    """From one source address to the target and back, by a socket of its own."""

    def __init__(self, proxy: UdpProxy, target: tuple[str, int], answer: Callable[[bytes], None]) -> None:
        self._proxy = proxy
        self._answer = answer
        self._there, self._back = proxy.path(), proxy.path()
        self._transport: asyncio.DatagramTransport | None = None
        self._port: _Port | None = None
        self._early: list[bytes] = []
        self._target = target
        self._opening = asyncio.create_task(self._open())
        proxy._ways.append(self)

    async def rebind(self) -> None:
        """Takes another socket; the old one stays open and nobody listens to it."""
        await self._opening
        await self._open()

    async def _open(self) -> None:
        port = _Port(self)
        self._transport = await self._proxy.open(port, remote=self._target)
        self._port = port
        for data in self._early:
            self._transport.sendto(data)
        self._early.clear()

    def arrived(self, port: "_Port", data: bytes) -> None:
        """A datagram of the target came to one of the way's sockets."""
        if port is self._port:
            self._proxy.carry(self._back, data, self._answer)

    def send(self, data: bytes) -> None:
        self._proxy.carry(self._there, data, self._forward)

    def _forward(self, data: bytes) -> None:
        if self._transport is None:
            self._early.append(data)
        else:
            self._transport.sendto(data)


class _Port(asyncio.DatagramProtocol):
    """One socket of a way."""

    def __init__(self, way: _Way) -> None:
        self._way = way

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._way.arrived(self, data)


class TcpLine:
    """A TCP port that leads to another one, until it is cut; after `mend` new connections pass again."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Starts to listen on 127.0.0.1 and returns the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Breaks every connection at once and refuses new ones."""
        self._cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self._cut = False

    async def close(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self._writers -= {writer, far_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies until either end is gone, then closes the other."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
