"""DTLS and data channels as transports see them: what `dtls.SessionThread` offers, and its fake."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rotunda_contract.errors import InvalidState, NotFound
from rotunda_contract.ids import DataConsumerId, DataProducerId
from rotunda_contract.rtp import DtlsFingerprint, DtlsParameters, SctpParameters, SctpStreamParameters
from rotunda_sfu.dtls import DatagramPort, SessionLimits, SessionListener
from rotunda_sfu.media_worker import MediaWorker


class Session(Protocol):
    """See `dtls.DtlsSession`."""

    def connect(self, remote: DtlsParameters) -> None: ...
    def readable(self) -> None: ...
    def peer_has_keys(self) -> None: ...
    def close(self, done: Callable[[], None] | None = None) -> None: ...
    def add_data_producer(self, data_producer: DataProducerId, stream: SctpStreamParameters) -> None: ...
    def remove_data_producer(self, data_producer: DataProducerId) -> None: ...
    def add_data_consumer(
        self, data_consumer: DataConsumerId, data_producer: DataProducerId
    ) -> SctpStreamParameters: ...
    def remove_data_consumer(self, data_consumer: DataConsumerId) -> None: ...


class Sessions(Protocol):
    """See `dtls.SessionThread`."""

    @property
    def dtls_parameters(self) -> DtlsParameters: ...
    @property
    def sctp_parameters(self) -> SctpParameters: ...
    def open(
        self,
        transport: int,
        port: DatagramPort,
        listener: SessionListener,
        limits: SessionLimits | None = None,
    ) -> Session: ...


class WorkerPort:
    """A transport's DTLS datagrams, through its media worker."""

    def __init__(self, worker: MediaWorker, transport: int) -> None:
        self._worker = worker
        self._transport = transport

    def send(self, datagram: bytes) -> None:
        self._worker.send_dtls(self._transport, datagram)

    def receive(self, limit: int) -> list[bytes]:
        return self._worker.receive_dtls(self._transport, limit)

    def dropped(self) -> int:
        return self._worker.dtls_dropped(self._transport)


@dataclass(slots=True)
class FakeSession:
    """A session that remembers; tests call its `listener`."""

    owner: "FakeSessions"
    listener: SessionListener
    limits: SessionLimits | None
    remote: DtlsParameters | None = None
    closed: bool = False
    times_readable: int = 0
    handshake_confirmed: bool = False
    data_producers: dict[DataProducerId, SctpStreamParameters] = field(default_factory=dict)
    data_consumers: dict[DataConsumerId, DataProducerId] = field(default_factory=dict)

    def connect(self, remote: DtlsParameters) -> None:
        if self.remote is not None or self.closed:
            raise InvalidState("connected already")
        self.remote = remote

    def readable(self) -> None:
        self.times_readable += 1

    def peer_has_keys(self) -> None:
        self.handshake_confirmed = True

    def close(self, done: Callable[[], None] | None = None) -> None:
        if self.closed:
            return
        self.closed = True
        self.data_producers.clear()
        self.data_consumers.clear()
        if done is not None:
            done()

    def fail(self, reason: str) -> None:
        """The handshake fails or the peer closes the association."""
        self.closed = True
        self.listener.on_closed(reason)

    def add_data_producer(self, data_producer: DataProducerId, stream: SctpStreamParameters) -> None:
        self.data_producers[data_producer] = stream

    def remove_data_producer(self, data_producer: DataProducerId) -> None:
        self.data_producers.pop(data_producer, None)

    def add_data_consumer(
        self, data_consumer: DataConsumerId, data_producer: DataProducerId
    ) -> SctpStreamParameters:
        stream = self.owner.stream_of(data_producer)
        self.data_consumers[data_consumer] = data_producer
        return stream.model_copy(update={"stream_id": len(self.data_consumers) - 1})

    def remove_data_consumer(self, data_consumer: DataConsumerId) -> None:
        self.data_consumers.pop(data_consumer, None)


class FakeSessions:
    """Opens fake sessions; `opened` has them by the transport's number."""

    def __init__(self) -> None:
        self.opened: dict[int, FakeSession] = {}
        self.dtls_parameters = DtlsParameters(
            fingerprints=(DtlsFingerprint(algorithm="sha-256", value=":".join(["AB"] * 32)),)
        )
        self.sctp_parameters = SctpParameters(
            port=5000,
            OS=1024,
            MIS=1024,
            max_message_size=262144,
            max_send_message_size=262144,
            max_receive_message_size=262144,
        )

    def open(
        self,
        transport: int,
        port: DatagramPort,
        listener: SessionListener,
        limits: SessionLimits | None = None,
    ) -> FakeSession:
        self.opened[transport] = FakeSession(self, listener, limits)
        return self.opened[transport]

    def stream_of(self, data_producer: DataProducerId) -> SctpStreamParameters:
        for session in self.opened.values():
            if data_producer in session.data_producers:
                return session.data_producers[data_producer]
        raise NotFound("no such data producer")
