"""The bad networks of the harness do what the stories rely on."""

import asyncio
import itertools
import statistics
from typing import cast

import pytest
from harness.network import Path, TcpLine, UdpProxy, Weather


def arrivals(weather: Weather, *, seed: int, count: int = 20_000) -> list[float | None]:
    path = Path(weather, seed)
    return [path.arrival(index * 0.001) for index in range(count)]


def test_loses_the_share_asked_for() -> None:
    lost = arrivals(Weather(loss=0.02), seed=1).count(None)
    assert 300 < lost < 500


def test_delays_within_the_jitter_and_spreads() -> None:
    weather = Weather(loss=0, jitter=0.030, reordering=0)
    delays = [
        arrival - index * 0.001
        for index, arrival in enumerate(arrivals(weather, seed=2))
        if arrival is not None
    ]
    assert min(delays) >= 0
    assert max(delays) <= 0.031
    assert statistics.pstdev(delays) > 0.002


def test_keeps_the_order_but_for_the_share_that_overtakes() -> None:
    ordered = [a for a in arrivals(Weather(loss=0, reordering=0), seed=3) if a is not None]
    assert ordered == sorted(ordered)
    mixed = [a for a in arrivals(Weather(loss=0, reordering=0.02), seed=3) if a is not None]
    overtaken = sum(later < earlier for earlier, later in itertools.pairwise(mixed))
    assert 100 < overtaken < 500


def test_the_same_seed_gives_the_same_path() -> None:
    assert arrivals(Weather(), seed=4) == arrivals(Weather(), seed=4)
    assert arrivals(Weather(), seed=4) != arrivals(Weather(), seed=5)


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data, addr)


class Inbox(asyncio.DatagramProtocol):
    def __init__(self, wanted: int) -> None:
        self.received: list[bytes] = []
        self.complete = asyncio.Event()
        self._wanted = wanted

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received.append(data)
        if len(self.received) == self._wanted:
            self.complete.set()


class Target(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait((data, addr))


async def test_the_udp_proxy_carries_both_ways() -> None:
    loop = asyncio.get_running_loop()
    echo, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    proxy = UdpProxy(Weather(loss=0, jitter=0.005, reordering=0), seed=6)
    port = await proxy.port_for(*echo.get_extra_info("sockname"))
    assert await proxy.port_for(*echo.get_extra_info("sockname")) == port
    inbox = Inbox(wanted=20)
    client, _ = await loop.create_datagram_endpoint(lambda: inbox, remote_addr=("127.0.0.1", port))
    sent = [bytes([number]) for number in range(20)]
    for datagram in sent:
        client.sendto(datagram)
    await inbox.complete.wait()
    assert inbox.received == sent
    assert (proxy.counters.carried, proxy.counters.lost) == (40, 0)
    for transport in (client, echo):
        transport.close()
    proxy.close()


async def test_behind_a_nat_that_forgets_the_target_hears_from_another_port() -> None:
    loop = asyncio.get_running_loop()
    target = Target()
    listening, _ = await loop.create_datagram_endpoint(lambda: target, local_addr=("127.0.0.1", 0))
    proxy = UdpProxy(Weather(loss=0, jitter=0, reordering=0), seed=6)
    port = await proxy.port_for(*listening.get_extra_info("sockname"))
    inbox = Inbox(wanted=1)
    client, _ = await loop.create_datagram_endpoint(lambda: inbox, remote_addr=("127.0.0.1", port))
    client.sendto(b"before")
    _, old = await target.heard.get()
    await proxy.rebind()
    client.sendto(b"after")
    data, new = await target.heard.get()
    assert data == b"after"
    assert new != old
    listening.sendto(b"to the old port", old)
    listening.sendto(b"to the new port", new)
    await inbox.complete.wait()
    assert inbox.received == [b"to the new port"]
    for transport in (client, listening):
        transport.close()
    proxy.close()


async def test_a_cut_line_breaks_and_refuses_until_mended() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    line = TcpLine(*server.sockets[0].getsockname())
    port = await line.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"before")
    assert await reader.readexactly(6) == b"before"

    line.cut()
    assert await read_to_end(reader) == b""
    refused, _ = await asyncio.open_connection("127.0.0.1", port)
    assert await read_to_end(refused) == b""

    line.mend()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"after")
    assert await reader.readexactly(5) == b"after"
    writer.close()
    await line.close()
    server.close()


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_extreme_losses(share: float) -> None:
    kept = [a for a in arrivals(Weather(loss=share), seed=7, count=100) if a is not None]
    assert len(kept) == (0 if share else 100)
