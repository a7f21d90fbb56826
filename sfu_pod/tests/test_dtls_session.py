"""The session thread as its owner sees it: real threads, ports in memory."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rotunda_contract.errors import BadRequest, InvalidState, LimitExceeded, NotFound
from rotunda_contract.ids import DataConsumerId, DataProducerId
from rotunda_contract.rtp import DtlsFingerprint, DtlsParameters, DtlsRole, SctpStreamParameters
from rotunda_sfu.dtls import DtlsSession, MemoryPort, SessionLimits, SessionThread, SrtpKeys, link
from rotunda_sfu.dtls.session import CONSUMER_STREAMS


class Listener:
    """Remembers what it is told, and on which thread."""

    def __init__(self) -> None:
        self.keys: asyncio.Future[SrtpKeys] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.consumers_closed: list[tuple[DataConsumerId, str]] = []
        self.threads: set[int] = set()

    def on_keys(self, keys: SrtpKeys) -> None:
        self.threads.add(threading.get_ident())
        self.keys.set_result(keys)

    def on_closed(self, reason: str) -> None:
        self.threads.add(threading.get_ident())
        self.closed.set_result(reason)

    def on_data_limited(self, refused: int) -> None:
        raise AssertionError("nothing was flooded")

    def on_data_consumer_closed(self, data_consumer: DataConsumerId, reason: str) -> None:
        self.consumers_closed.append((data_consumer, reason))


class Pair:
    """Two sessions of one thread, each the other's peer."""

    def __init__(self, thread: SessionThread, limits: SessionLimits | None = None) -> None:
        self.thread = thread
        self.listeners = Listener(), Listener()
        ports = MemoryPort(), MemoryPort()
        link(*ports)
        self.server, self.client = (
            thread.open(number, port, listener, limits)
            for number, (port, listener) in enumerate(zip(ports, self.listeners, strict=True))
        )
        ports[0].on_readable = self.server.readable
        ports[1].on_readable = self.client.readable

    def parameters(self, role: DtlsRole) -> DtlsParameters:
        return self.thread.dtls_parameters.model_copy(update={"role": role})

    async def connected(self) -> None:
        self.client.connect(self.parameters("server"))
        self.server.connect(self.parameters("client"))
        for listener in self.listeners:
            await listener.keys


@asynccontextmanager
async def session_thread() -> AsyncIterator[SessionThread]:
    thread = SessionThread()
    thread.start()
    try:
        yield thread
    finally:
        await thread.stop()


def producer(name: str) -> DataProducerId:
    return DataProducerId(name)


def consumer(name: str) -> DataConsumerId:
    return DataConsumerId(name)


async def test_listeners_are_called_on_the_owners_thread() -> None:
    async with session_thread() as thread:
        pair = Pair(thread)
        await pair.connected()
        gone = asyncio.Event()
        pair.client.close(gone.set)
        assert await pair.listeners[0].closed == "the peer closed the DTLS association"
        await gone.wait()
        assert pair.listeners[0].threads == pair.listeners[1].threads == {threading.get_ident()}


async def test_two_hundred_handshakes_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    async with session_thread() as thread:
        pairs = [Pair(thread, SessionLimits(handshake_deadline=200)) for _ in range(200)]
        before = time.process_time()
        await asyncio.gather(*(pair.connected() for pair in pairs))
        spent = (time.process_time() - before) / len(pairs)
        for pair in pairs:
            server, client = (listener.keys.result() for listener in pair.listeners)
            assert (server.send, server.receive) == (client.receive, client.send)
        with capsys.disabled():
            print(f" {spent * 1000:.1f} ms of CPU a handshake, both ends")


async def test_stopping_says_goodbye() -> None:
    async with session_thread() as thread, session_thread() as other:
        ports, listeners = (MemoryPort(), MemoryPort()), (Listener(), Listener())
        link(*ports)
        sessions = [
            owner.open(1, port, listener)
            for owner, port, listener in zip((thread, other), ports, listeners, strict=True)
        ]
        for port, session in zip(ports, sessions, strict=True):
            port.on_readable = session.readable
        sessions[0].connect(other.dtls_parameters.model_copy(update={"role": "server"}))
        sessions[1].connect(thread.dtls_parameters.model_copy(update={"role": "client"}))
        await asyncio.gather(*(listener.keys for listener in listeners))
        await other.stop()
        assert await listeners[0].closed == "the peer closed the DTLS association"


async def test_connect_refuses_what_cannot_work() -> None:
    async with session_thread() as thread:
        pair = Pair(thread)
        unknown = DtlsFingerprint(algorithm="sha-1", value="AA")
        with pytest.raises(BadRequest, match="sha-256"):
            pair.server.connect(DtlsParameters(role="client", fingerprints=(unknown,)))
        await pair.connected()
        with pytest.raises(InvalidState, match="connected already"):
            pair.server.connect(pair.parameters("client"))
        pair.server.close()
        pair.server.close()
        with pytest.raises(InvalidState, match="closed"):
            pair.server.connect(pair.parameters("client"))
        with pytest.raises(InvalidState, match="closed"):
            pair.server.add_data_producer(producer("p"), SctpStreamParameters(stream_id=1))


async def test_nobody_is_told_after_close() -> None:
    async with session_thread() as thread:
        pair = Pair(thread)
        await pair.connected()
        pair.server.close()
        pair.client.close()
    await asyncio.sleep(0)
    assert not any(listener.closed.done() for listener in pair.listeners)


async def test_data_producers_need_a_stream_of_their_own() -> None:
    async with session_thread() as thread:
        pair = Pair(thread)
        pair.server.add_data_producer(producer("a"), SctpStreamParameters(stream_id=1023))
        with pytest.raises(BadRequest, match="another data producer"):
            pair.server.add_data_producer(producer("b"), SctpStreamParameters(stream_id=1023))
        with pytest.raises(BadRequest, match="0 to 1023"):
            pair.server.add_data_producer(producer("b"), SctpStreamParameters(stream_id=1024))
        pair.client.add_data_producer(producer("b"), SctpStreamParameters(stream_id=1023))
        pair.server.remove_data_producer(producer("a"))
        pair.server.add_data_producer(producer("c"), SctpStreamParameters(stream_id=1023))


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        (SctpStreamParameters(stream_id=9), True),
        (SctpStreamParameters(stream_id=9, ordered=False), False),
        (SctpStreamParameters(stream_id=9, max_retransmits=0), False),
        (SctpStreamParameters(stream_id=9, ordered=True, max_packet_life_time=50), True),
    ],
)
async def test_a_data_consumer_has_its_producers_reliability(
    given: SctpStreamParameters, ordered: bool
) -> None:
    async with session_thread() as thread:
        pair = Pair(thread)
        pair.server.add_data_producer(producer("p"), given)
        answer = pair.client.add_data_consumer(consumer("c"), producer("p"))
        assert answer == given.model_copy(update={"stream_id": 0, "ordered": ordered})


async def test_streams_of_data_consumers_go_round_and_run_out() -> None:
    async with session_thread() as thread:
        pair = Pair(thread)
        with pytest.raises(NotFound):
            pair.client.add_data_consumer(consumer("c"), producer("p"))
        pair.server.add_data_producer(producer("p"), SctpStreamParameters(stream_id=0))

        def stream(name: str, session: DtlsSession = pair.client) -> int:
            return session.add_data_consumer(consumer(name), producer("p")).stream_id

        assert [stream("a"), stream("b")] == [0, 1]
        pair.client.remove_data_consumer(consumer("a"))
        assert stream("c") == 2
        rest = [stream(str(number)) for number in range(CONSUMER_STREAMS - 2)]
        assert rest[-1] == 0
        with pytest.raises(LimitExceeded, match=str(CONSUMER_STREAMS)):
            stream("too many")
        pair.server.remove_data_producer(producer("p"))
        with pytest.raises(NotFound):
            pair.client.add_data_consumer(consumer("late"), producer("p"))
