"""DTLS and data channels of all transports of a process, on one thread with its own event loop.

So neither handshakes nor data floods delay whoever owns the transports. `SessionThread` is the
thread; `DtlsSession` is the owner's handle on one transport. The owner is one asyncio event loop:
it calls the handles and is the one on which listeners are called. The handles only post to the
thread and never wait for it; what they can refuse, they refuse at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress

from rotunda_contract.errors import BadRequest, InvalidState, LimitExceeded, NotFound
from rotunda_contract.ids import DataConsumerId, DataProducerId
from rotunda_contract.rtp import DtlsParameters, SctpParameters, SctpStreamParameters
from rotunda_sfu.data.association import SCTP_PARAMETERS, STREAMS
from rotunda_sfu.dtls.certificate import USABLE_ALGORITHMS, Certificate
from rotunda_sfu.dtls.engine import Engine, EngineCallbacks, Scheduler
from rotunda_sfu.dtls.port import DatagramPort
from rotunda_sfu.dtls.settings import SessionLimits, SessionListener

CONSUMER_STREAMS = STREAMS - 1
"""Data consumers of one transport: some browsers refuse the highest stream."""


class SessionThread:
    """The thread. The owner calls `start` once, then `open` as it likes, then `stop`."""

    def __init__(self) -> None:
        self._certificate = Certificate.generate()
        self._streams: dict[DataProducerId, SctpStreamParameters] = {}
        self._sessions: set[DtlsSession] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._main()), name="sessions", daemon=True
        )
        self._started = threading.Event()
        self._owner: asyncio.AbstractEventLoop
        self._loop: asyncio.AbstractEventLoop
        self._scheduler: Scheduler
        self._stopping: asyncio.Event

    def start(self) -> None:
        """Starts the thread. The running event loop becomes the owner: listeners are called there."""
        self._owner = asyncio.get_running_loop()
        self._thread.start()
        self._started.wait()

    async def stop(self) -> None:
        """Closes all sessions (peers get close_notify) and joins the thread. Twice is allowed."""
        if not self._thread.is_alive():
            return
        for session in list(self._sessions):
            session.close()
        self._post(lambda: self._stopping.set())
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    @property
    def dtls_parameters(self) -> DtlsParameters:
        """Ours, for every transport: role `auto` and the sha-256 fingerprint."""
        return self._certificate.parameters

    @property
    def sctp_parameters(self) -> SctpParameters:
        """Ours, for every transport: port 5000, 1024 streams each way, 262144-byte messages."""
        return SCTP_PARAMETERS

    def open(
        self,
        transport: int,
        port: DatagramPort,
        listener: SessionListener,
        limits: SessionLimits | None = None,
    ) -> DtlsSession:
        """A session that waits for `connect`. `transport` is its number in logs."""
        session = DtlsSession(self, transport, listener)
        self._sessions.add(session)
        self._post(self._make_engine, session, port, limits or SessionLimits())
        return session

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._scheduler = Scheduler()
        self._stopping = asyncio.Event()
        scheduling = self._loop.create_task(self._scheduler.run())
        self._started.set()
        await self._stopping.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        scheduling.cancel()

    def _make_engine(self, session: DtlsSession, port: DatagramPort, limits: SessionLimits) -> None:
        session._engine = Engine(self._scheduler, self._certificate, port, limits, session._callbacks())

    def _post(self, call: Callable[..., object], *args: object) -> None:
        """Has something done on the session thread, in the order of the calls."""
        with suppress(RuntimeError):  # The thread has ended, and all sessions with it.
            self._loop.call_soon_threadsafe(call, *args)

    def _post_to_owner(self, call: Callable[..., object], *args: object) -> None:
        with suppress(RuntimeError):  # The owner's loop has ended: nobody is left to be called.
            self._owner.call_soon_threadsafe(call, *args)

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        """On the session thread: a task that `stop` waits for."""
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class DtlsSession:
    """The owner's handle on one transport's DTLS and data channels. Made by `SessionThread.open`."""

    _engine: Engine
    """Set and used on the session thread only."""

    def __init__(self, thread: SessionThread, transport: int, listener: SessionListener) -> None:
        self.transport = transport
        self._thread = thread
        self._listener = listener
        self._connecting = False
        self._closed = False
        self._data_producers: dict[DataProducerId, int] = {}
        self._data_consumers: dict[DataConsumerId, int] = {}
        self._next_stream = 0

    def connect(self, remote: DtlsParameters) -> None:
        """Starts the handshake. `remote` is the peer's: role `client` makes us server, else client.

        Datagrams that came before stay in the port's queue until now. Raises BadRequest where no
        fingerprint is sha-256, sha-384 or sha-512; InvalidState when called twice or after close.
        """
        if self._closed or self._connecting:
            raise InvalidState(
                "the transport is closed" if self._closed else "the transport is connected already"
            )
        if not any(each.algorithm.lower() in USABLE_ALGORITHMS for each in remote.fingerprints):
            accepted = ", ".join(sorted(USABLE_ALGORITHMS))
            raise BadRequest(f"none is {accepted}", field="dtlsParameters.fingerprints")
        self._connecting = True
        self._thread._post(lambda: self._engine.connect(remote))

    def readable(self) -> None:
        """The port's queue went from empty to non-empty. May be called from any thread."""
        self._thread._post(lambda: self._engine.readable())

    def peer_has_keys(self) -> None:
        """The peer sent media with the keys of the handshake: its last flight need not go out again."""
        self._thread._post(lambda: self._engine.peer_has_keys())

    def close(self, done: Callable[[], None] | None = None) -> None:
        """Says close_notify, drops all data producers and consumers. Twice is allowed.

        `done` is called on the owner's loop once the port is not used any more: a transport that is
        removed before could not send close_notify. It is not called where the session was closed already.
        """
        if not self._closed:
            self._forget()
            self._thread._post(lambda: self._thread._spawn(self._close_engine(done)))

    def add_data_producer(self, data_producer: DataProducerId, stream: SctpStreamParameters) -> None:
        """Messages of that stream belong to the producer from now on, earlier ones within bounds too.

        Raises BadRequest for a stream outside of 0–1023 or one that another producer here uses.
        """
        self._must_be_open()
        field = "sctpStreamParameters.streamId"
        if stream.stream_id >= STREAMS:
            raise BadRequest(f"{stream.stream_id} is none of 0 to {STREAMS - 1}", field=field)
        if stream.stream_id in self._data_producers.values():
            raise BadRequest(f"{stream.stream_id} is another data producer's", field=field)
        self._data_producers[data_producer] = stream.stream_id
        self._thread._streams[data_producer] = stream
        self._thread._post(lambda: self._engine.add_data_producer(data_producer, stream.stream_id))

    def remove_data_producer(self, data_producer: DataProducerId) -> None:
        """Ends it (unknown ids are ignored). Its consumers stay until they are removed."""
        if self._data_producers.pop(data_producer, None) is not None:
            self._thread._streams.pop(data_producer, None)
            self._thread._post(lambda: self._engine.remove_data_producer(data_producer))

    def add_data_consumer(
        self, data_consumer: DataConsumerId, data_producer: DataProducerId
    ) -> SctpStreamParameters:
        """Sends the producer's messages to this peer, with the producer's reliability.

        The answer is a free stream of this transport and that reliability. The producer may live on
        any session of the same thread. Raises NotFound for an unknown producer and LimitExceeded
        when all streams are in use.
        """
        self._must_be_open()
        source = self._thread._streams.get(data_producer)
        if source is None:
            raise NotFound("no such data producer")
        stream = _with_stream(source, self._free_stream())
        self._data_consumers[data_consumer] = stream.stream_id
        self._thread._post(lambda: self._engine.add_data_consumer(data_consumer, data_producer, stream))
        return stream

    def remove_data_consumer(self, data_consumer: DataConsumerId) -> None:
        """Ends it and resets its stream (unknown ids are ignored)."""
        if self._data_consumers.pop(data_consumer, None) is not None:
            self._thread._post(lambda: self._engine.remove_data_consumer(data_consumer))

    async def _close_engine(self, done: Callable[[], None] | None) -> None:
        try:
            await self._engine.close()
        finally:
            if done is not None:
                self._thread._post_to_owner(done)

    def _must_be_open(self) -> None:
        if self._closed:
            raise InvalidState("the transport is closed")

    def _free_stream(self) -> int:
        """Going round, so that a stream whose reset is on its way is not used again at once."""
        used = set(self._data_consumers.values())
        for step in range(CONSUMER_STREAMS):
            stream = (self._next_stream + step) % CONSUMER_STREAMS
            if stream not in used:
                self._next_stream = stream + 1
                return stream
        raise LimitExceeded(f"the transport has {CONSUMER_STREAMS} data consumers, close some first")

    def _forget(self) -> None:
        self._closed = True
        self._thread._sessions.discard(self)
        for data_producer in self._data_producers:
            self._thread._streams.pop(data_producer, None)
        self._data_producers.clear()
        self._data_consumers.clear()

    def _callbacks(self) -> EngineCallbacks:
        """For the engine: each becomes a call of the listener on the owner's loop."""

        def relay(method: Callable[..., None]) -> Callable[..., None]:
            def from_session_thread(*args: object) -> None:
                self._thread._post_to_owner(on_owner, *args)

            def on_owner(*args: object) -> None:
                if not self._closed:
                    method(*args)

            return from_session_thread

        return EngineCallbacks(
            on_keys=relay(self._listener.on_keys),
            on_closed=relay(self._peer_closed),
            on_data_limited=relay(self._listener.on_data_limited),
            on_data_consumer_closed=relay(self._data_consumer_closed),
        )

    def _peer_closed(self, reason: str) -> None:
        self._forget()
        self._listener.on_closed(reason)

    def _data_consumer_closed(self, data_consumer: DataConsumerId, reason: str) -> None:
        if self._data_consumers.pop(data_consumer, None) is not None:
            self._listener.on_data_consumer_closed(data_consumer, reason)


def _with_stream(source: SctpStreamParameters, stream: int) -> SctpStreamParameters:
    """A producer's reliability on another stream. A limited lifetime makes unordered the default."""
    limited = source.max_packet_life_time is not None or source.max_retransmits is not None
    ordered = source.ordered if source.ordered is not None else not limited
    return source.model_copy(update={"stream_id": stream, "ordered": ordered})
