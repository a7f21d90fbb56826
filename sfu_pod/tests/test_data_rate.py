"""The rate cap: like a narrow link, it delays and then loses, in virtual time."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiortc import RTCDataChannel

from rotunda_contract.ids import DataProducerId
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_sfu.data.channels import DataConsumer
from rotunda_sfu.dtls import SessionLimits
from rotunda_sfu.dtls.engine import Scheduler
from rotunda_sfu.dtls.loopback import LoopbackEnd, sfu_end
from rotunda_sfu.dtls.plain_peer import PlainPeer
from rotunda_sfu.virtual_time import run_virtual, until

PRODUCER = DataProducerId("producer")
MESSAGE_BYTES = 16_000
MESSAGES = 60
RATE = 64 * 1024
BURST = 128 * 1024


class Sink(DataConsumer):
    """Takes messages without sending them anywhere."""

    def __init__(self) -> None:
        self.id = "sink"  # type: ignore[assignment]
        self.received: list[bytes] = []

    def admit(self, size: int) -> bool:
        return True

    async def send(self, ppid: int, payload: bytes) -> None:
        self.received.append(payload)


@dataclass
class Flood:
    """A client at a session that admits `RATE`, what the client may send on, and what arrives."""

    end: LoopbackEnd
    client: PlainPeer
    channel: RTCDataChannel
    sink: Sink


@asynccontextmanager
async def flood(
    stream: SctpStreamParameters, cpu_time: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[Flood]:
    scheduler, sink = Scheduler(), Sink()
    turns = asyncio.get_running_loop().create_task(scheduler.run())
    limits = SessionLimits(data_rate=RATE, data_burst=BURST)
    async with sfu_end(scheduler=scheduler, limits=limits, cpu_time=cpu_time) as end:
        client = PlainPeer(end)
        await client.connected()
        await client.start_sctp()
        end.engine.add_data_producer(PRODUCER, stream.stream_id)
        scheduler.router.subscribe(PRODUCER, sink)
        channel, _ = client.channel(stream)
        await until(lambda: channel.readyState == "open")
        yield Flood(end, client, channel, sink)
        await client.sctp.stop()
        await client.dtls.stop()
    turns.cancel()


def test_a_reliable_sender_is_slowed_and_loses_nothing() -> None:
    async def story() -> None:
        async with flood(SctpStreamParameters(stream_id=1)) as it:
            start = asyncio.get_running_loop().time()
            for number in range(MESSAGES):
                it.channel.send(number.to_bytes(2, "big") + bytes(MESSAGE_BYTES - 2))
            await until(lambda: len(it.sink.received) == MESSAGES, seconds=300)
            took = asyncio.get_running_loop().time() - start
            assert [int.from_bytes(each[:2], "big") for each in it.sink.received] == list(range(MESSAGES))
            assert took > (MESSAGES * MESSAGE_BYTES - BURST) / RATE

    run_virtual(story())


def test_messages_that_cost_cpu_time_are_slowed_though_they_are_small() -> None:
    """A session may keep its thread busy for a tenth of the time: what takes 10 ms counts as 100 ms of the
    rate."""
    busy_seconds, cpu_share = 0.01, 0.1
    readings = itertools.count()

    async def story() -> None:
        stream = SctpStreamParameters(stream_id=1)
        async with flood(stream, cpu_time=lambda: next(readings) * busy_seconds) as it:
            start = asyncio.get_running_loop().time()
            for _ in range(MESSAGES):
                it.channel.send("small")
            await until(lambda: len(it.sink.received) == MESSAGES, seconds=300)
            took = asyncio.get_running_loop().time() - start
            assert took > MESSAGES * busy_seconds / cpu_share - BURST / RATE

    run_virtual(story())


def test_an_unreliable_flood_is_lost_in_part_and_told_once_a_second() -> None:
    async def story() -> None:
        async with flood(SctpStreamParameters(stream_id=1, ordered=False, max_retransmits=0)) as it:
            for number in range(1000):
                it.client.sctp._cwnd = 10**9  # A sender without manners.
                it.channel.send(number.to_bytes(2, "big") + bytes(998))
                await asyncio.sleep(0.005)
            await asyncio.sleep(3)
            assert BURST // 1100 < len(it.sink.received) < 1000
            times = [time for time, _ in it.end.refused]
            assert len(times) >= 3
            assert all(later - earlier > 0.999 for earlier, later in itertools.pairwise(times))
            assert sum(refused for _, refused in it.end.refused) == it.end.port.dropped()

    run_virtual(story())


def test_a_short_burst_is_no_flood() -> None:
    """More at once than the port holds but less than the rate allows: lost, and no news."""

    async def story() -> None:
        async with flood(SctpStreamParameters(stream_id=1)) as it:
            for _ in range(200):
                it.end.port.arrive(bytes(20))
            assert it.end.port.dropped() > 0
            it.channel.send("after the burst")
            await until(lambda: bool(it.sink.received))
            await asyncio.sleep(5)
            assert it.end.refused == []

    run_virtual(story())


def test_a_flood_instead_of_a_handshake_is_slowed_too() -> None:
    async def story() -> None:
        limits = SessionLimits(data_rate=RATE, data_burst=BURST, handshake_deadline=6)
        async with sfu_end(limits=limits) as end:
            end.engine.connect(end.parameters("client"))
            for _ in range(1000):
                end.port.arrive(bytes(1000))
                await asyncio.sleep(0.005)
            taken = 1000 - end.port.dropped()
            assert taken < (BURST + 5 * RATE) / 1000 + 70
            await end.done.wait()
            assert end.closed == "the DTLS handshake was not done within 6 s"
            assert end.refused == []

    run_virtual(story())
