"""Data channels between two clients through the SFU, in virtual time. The clients are aiortc's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiortc import RTCDataChannel

from rotunda_contract.ids import DataConsumerId, DataProducerId
from rotunda_contract.rtp import DtlsRole, SctpStreamParameters
from rotunda_sfu.data.association import MAX_MESSAGE_BYTES
from rotunda_sfu.dtls import SessionLimits
from rotunda_sfu.dtls.engine import Scheduler
from rotunda_sfu.dtls.loopback import LoopbackEnd, Loses, sfu_end
from rotunda_sfu.dtls.plain_peer import PlainPeer
from rotunda_sfu.virtual_time import run_virtual, until

PRODUCER = DataProducerId("producer")
CONSUMER = DataConsumerId("consumer")
RELIABLE = SctpStreamParameters(stream_id=3, ordered=True)
UNRELIABLE = SctpStreamParameters(stream_id=3, ordered=False, max_retransmits=0)


@dataclass
class Call:
    """A sender, a receiver, and the two sessions of the SFU between them."""

    sender: PlainPeer
    receiver: PlainPeer
    to_sender: LoopbackEnd
    to_receiver: LoopbackEnd

    def add_consumer(self, stream: SctpStreamParameters) -> None:
        self.to_receiver.engine.add_data_consumer(CONSUMER, PRODUCER, stream)


@asynccontextmanager
async def call(
    limits: SessionLimits | None = None,
    *,
    roles: tuple[DtlsRole, DtlsRole] = ("client", "client"),
    loses: Loses | None = None,
    clients_initiate: bool = True,
) -> AsyncIterator[Call]:
    """Connected. `loses` is asked for what the SFU sends to the receiver."""
    scheduler = Scheduler()
    turns = asyncio.get_running_loop().create_task(scheduler.run())
    async with (
        sfu_end(scheduler=scheduler, limits=limits) as a,
        sfu_end(scheduler=scheduler, limits=limits, loses=loses) as b,
    ):
        result = Call(PlainPeer(a, roles[0]), PlainPeer(b, roles[1]), a, b)
        for peer in (result.sender, result.receiver):
            await peer.connected()
            if clients_initiate:
                await peer.start_sctp()
        yield result
        for peer in (result.sender, result.receiver):
            await peer.sctp.stop()
            await peer.dtls.stop()
    turns.cancel()


def is_open(channel: RTCDataChannel) -> bool:
    return channel.readyState == "open"


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("stream", [RELIABLE, UNRELIABLE])
def test_messages_arrive_as_what_they_were(role: DtlsRole, stream: SctpStreamParameters) -> None:
    messages: list[str | bytes] = ["héllo", b"bytes", "", b"", "x" * 1000, bytes(range(256))]

    async def story() -> None:
        async with call(roles=(role, role)) as between:
            between.to_sender.engine.add_data_producer(PRODUCER, stream.stream_id)
            between.add_consumer(SctpStreamParameters(stream_id=7, **_reliability(stream)))
            channel, _ = between.sender.channel(stream)
            _, received = between.receiver.channel(SctpStreamParameters(stream_id=7, **_reliability(stream)))
            await until(lambda: is_open(channel))
            for message in messages:
                channel.send(message)
            await until(lambda: len(received) == len(messages))
            assert received == messages
            assert [type(each) for each in received] == [type(each) for each in messages]

    run_virtual(story())


def _reliability(stream: SctpStreamParameters) -> dict[str, int | bool]:
    return stream.model_dump(exclude={"stream_id"}, exclude_none=True)


@pytest.mark.parametrize("size", [MAX_MESSAGE_BYTES, 100_000])
def test_large_messages_pass_whole(size: int) -> None:
    async def story() -> None:
        async with call() as between:
            between.to_sender.engine.add_data_producer(PRODUCER, 3)
            between.add_consumer(RELIABLE)
            channel, _ = between.sender.channel(RELIABLE)
            _, received = between.receiver.channel(RELIABLE)
            await until(lambda: is_open(channel))
            message = bytes(number % 251 for number in range(size))
            channel.send(message)
            await until(lambda: bool(received))
            assert received == [message]

    run_virtual(story())


def test_larger_messages_are_refused_and_the_rest_goes_on() -> None:
    async def story() -> None:
        async with call() as between:
            between.to_sender.engine.add_data_producer(PRODUCER, 3)
            between.add_consumer(RELIABLE)
            between.sender.sctp._remote_max_message_size = 0
            channel, _ = between.sender.channel(RELIABLE)
            _, received = between.receiver.channel(RELIABLE)
            await until(lambda: is_open(channel))
            channel.send(bytes(MAX_MESSAGE_BYTES + 1))
            channel.send("after it")
            await until(lambda: bool(received) or between.to_sender.closed is not None)
            assert received == ["after it"]

    run_virtual(story())


def test_a_message_without_an_end_ends_the_session() -> None:
    async def story() -> None:
        async with call() as between:
            between.sender.sctp._remote_max_message_size = 0
            channel, _ = between.sender.channel(RELIABLE)
            await until(lambda: is_open(channel))
            channel.send(bytes(4 * MAX_MESSAGE_BYTES))
            await until(lambda: between.to_sender.closed is not None)
            assert between.to_sender.closed == "data channels: a message is larger than 262144 bytes"

    run_virtual(story())


def test_a_client_that_never_initiates_is_asked() -> None:
    """Older aiortc waits for the other end's INIT; ours comes with the first data producer."""

    async def story() -> None:
        async with call(clients_initiate=False) as between:
            for peer in (between.sender, between.receiver):
                peer.sctp._init = _nothing  # type: ignore[method-assign]
                await peer.start_sctp()
            between.to_sender.engine.add_data_producer(PRODUCER, 3)
            between.add_consumer(RELIABLE)
            channel, _ = between.sender.channel(RELIABLE)
            _, received = between.receiver.channel(RELIABLE)
            await until(lambda: is_open(channel))
            channel.send("hello")
            await until(lambda: received == ["hello"])

    run_virtual(story())


async def _nothing() -> None:
    pass


def test_a_receiver_that_comes_late_gets_what_waited() -> None:
    """Its SCTP starts two minutes after the consumer: longer than aiortc would ask for an answer."""

    async def story() -> None:
        async with call(clients_initiate=False) as between:
            await between.sender.start_sctp()
            between.to_sender.engine.add_data_producer(PRODUCER, 3)
            between.add_consumer(RELIABLE)
            channel, _ = between.sender.channel(RELIABLE)
            await until(lambda: is_open(channel))
            channel.send("early")
            await asyncio.sleep(120)
            _, received = between.receiver.channel(RELIABLE)
            await between.receiver.start_sctp()
            await until(lambda: received == ["early"])
            assert between.to_receiver.consumers_closed == {}

    run_virtual(story())


def test_messages_may_overtake_their_producer() -> None:
    async def story() -> None:
        async with call() as between:
            between.add_consumer(RELIABLE)
            channel, _ = between.sender.channel(RELIABLE)
            _, received = between.receiver.channel(RELIABLE)
            await until(lambda: is_open(channel))
            for number in range(100):
                channel.send(str(number))
            await asyncio.sleep(2)
            between.to_sender.engine.add_data_producer(PRODUCER, 3)
            await until(lambda: len(received) >= 64)
            assert received == [str(number) for number in range(36, 100)]

    run_virtual(story())


def test_early_messages_are_not_kept_for_long() -> None:
    async def story() -> None:
        async with call() as between:
            between.add_consumer(RELIABLE)
            channel, _ = between.sender.channel(RELIABLE)
            _, received = between.receiver.channel(RELIABLE)
            await until(lambda: is_open(channel))
            channel.send("stale")
            await asyncio.sleep(6)
            between.to_sender.engine.add_data_producer(PRODUCER, 3)
            channel.send("fresh")
            await until(lambda: bool(received))
            assert received == ["fresh"]

    run_virtual(story())


def test_removed_ends_get_nothing_and_their_channel_closes() -> None:
    async def story() -> None:
        async with call() as between:
            between.to_sender.engine.add_data_producer(PRODUCER, 3)
            between.add_consumer(RELIABLE)
            channel, _ = between.sender.channel(RELIABLE)
            receiving, received = between.receiver.channel(RELIABLE)
            await until(lambda: is_open(channel) and is_open(receiving))
            channel.send("one")
            await until(lambda: received == ["one"])
            between.to_receiver.engine.remove_data_consumer(CONSUMER)
            await until(lambda: receiving.readyState == "closed")
            channel.send("two")
            await asyncio.sleep(5)
            assert received == ["one"]
            assert between.to_receiver.consumers_closed == {}
            between.add_consumer(RELIABLE)
            _, received = between.receiver.channel(RELIABLE)
            channel.send("three")
            await until(lambda: received == ["three"])

    run_virtual(story())


def test_a_client_that_closes_its_channel_ends_the_consumer() -> None:
    async def story() -> None:
        async with call() as between:
            between.add_consumer(RELIABLE)
            receiving, _ = between.receiver.channel(RELIABLE)
            await until(lambda: is_open(receiving))
            receiving.close()
            await until(lambda: receiving.readyState == "closed")
            assert between.to_receiver.consumers_closed == {CONSUMER: "the client closed the data channel"}

    run_virtual(story())


def test_a_channel_that_its_page_closes_is_closed_at_both_ends_and_its_stream_is_free() -> None:
    """The page waits for a reset of our direction too, though we never sent anything on it."""

    async def story() -> None:
        async with call() as between:
            between.to_sender.engine.add_data_producer(PRODUCER, RELIABLE.stream_id)
            between.add_consumer(SctpStreamParameters(stream_id=0))
            _, received = between.receiver.channel(SctpStreamParameters(stream_id=0))

            async def say(what: str) -> None:
                sending, _ = between.sender.channel(RELIABLE)
                await until(lambda: is_open(sending))
                sending.send(what)
                sending.close()
                await until(lambda: sending.readyState == "closed")

            for what in ("0", "1", "2"):
                await say(what)
            await until(lambda: received == ["0", "1", "2"])
            assert between.to_sender.closed is None

    run_virtual(story())


def test_a_slow_reliable_consumer_is_closed() -> None:
    cut = False

    async def story() -> None:
        nonlocal cut
        limits = SessionLimits(data_rate=10_000_000, data_burst=10_000_000, reliable_backlog=1_000_000)
        async with call(limits, loses=lambda _: cut) as between:
            between.to_sender.engine.add_data_producer(PRODUCER, 3)
            between.add_consumer(RELIABLE)
            channel, _ = between.sender.channel(RELIABLE)
            receiving, _ = between.receiver.channel(RELIABLE)
            await until(lambda: is_open(channel) and is_open(receiving))
            cut = True
            for _ in range(12):
                channel.send(bytes(100_000))
            await until(lambda: bool(between.to_receiver.consumers_closed))
            assert "too slow" in between.to_receiver.consumers_closed[CONSUMER]
            assert between.to_receiver.closed is None

    run_virtual(story())


def test_a_slow_unreliable_consumer_loses_messages_only() -> None:
    cut = False

    async def story() -> None:
        nonlocal cut
        limits = SessionLimits(data_rate=10_000_000, data_burst=10_000_000, unreliable_backlog=50_000)
        async with call(limits, loses=lambda _: cut) as between:
            between.to_sender.engine.add_data_producer(PRODUCER, 3)
            between.add_consumer(UNRELIABLE)
            channel, _ = between.sender.channel(RELIABLE)
            receiving, received = between.receiver.channel(UNRELIABLE)
            await until(lambda: is_open(channel) and is_open(receiving))
            cut = True
            for _ in range(50):
                channel.send(bytes(10_000))
            await until(lambda: channel.bufferedAmount == 0)
            await asyncio.sleep(5)
            cut = False
            while "still here" not in received:
                channel.send("still here")
                await asyncio.sleep(1)
            assert len(received) < 25
            assert between.to_receiver.consumers_closed == {}

    run_virtual(story())
