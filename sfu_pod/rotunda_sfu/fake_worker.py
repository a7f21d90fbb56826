"""A media worker without media: it remembers what there is, and tests say what happens.

It is stricter than the real one: a command that names nothing known, or removes a thing before what
depends on it, fails the test at once.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rotunda_contract.errors import Unavailable
from rotunda_contract.rtp import IceParameters
from rotunda_sfu.dtls import SrtpKeys
from rotunda_sfu.media_worker import (
    ConsumerListener,
    ConsumerMedia,
    Layers,
    MediaAddress,
    PlainListener,
    PlainPeer,
    ProducerMedia,
    RouterListener,
    TransportListener,
)


@dataclass(slots=True)
class FakeTransport:
    """`ice` has the newest credentials last."""

    ice: list[IceParameters]
    listener: TransportListener
    keys: SrtpKeys | None = None
    max_incoming_bitrate: int | None = None
    sent: list[bytes] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class FakePlainTransport:
    peer: PlainPeer
    listener: PlainListener
    max_incoming_bitrate: int | None = None


@dataclass(slots=True)
class FakeProducer:
    router: int
    transport: int
    media: ProducerMedia
    paused: bool


@dataclass(slots=True)
class FakeConsumer:
    transport: int
    producer: int
    media: ConsumerMedia
    listener: ConsumerListener
    paused: bool = True
    preferred: tuple[int, int | None] | None = None
    key_frames_asked: int = 0


@dataclass(frozen=True, slots=True)
class FakeTransportStats:
    transport: int
    round_trip_time: float | None = None


@dataclass(frozen=True, slots=True)
class FakeProducerStats:
    producer: int
    packets_received: int = 0
    packets_lost: int = 0
    rtx_received: int = 0
    nacks_sent: int = 0
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class FakeConsumerStats:
    consumer: int
    packets_sent: int = 0
    fraction_lost: float = 0.0
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class FakeStats:
    transports: Sequence[FakeTransportStats] = ()
    producers: Sequence[FakeProducerStats] = ()
    consumers: Sequence[FakeConsumerStats] = ()


@dataclass(frozen=True, slots=True)
class FakeLoad:
    busy_seconds: float = 0.0
    bytes_sent: int = 0
    packets_forwarded: int = 0
    packets_dropped: int = 0
    packets_overflowed: int = 0
    backlog_bytes: int = 0
    backlog_share: float = 0.0
    commands_waiting: int = 0
    packets_refused: int = 0


class FakeMediaWorker:
    """A `MediaWorker` whose routers, transports, producers and consumers can be looked at."""

    def __init__(self, index: int = 0, addresses: tuple[MediaAddress, ...] = ()) -> None:
        self.index = index
        self.addresses = addresses or (MediaAddress("127.0.0.1", 40000 + index, "127.0.0.1"),)
        self.failed = False
        self.closed = False
        self.stats = FakeStats()
        self.totals = FakeLoad()
        self.routers: dict[int, RouterListener] = {}
        self.transports: dict[int, FakeTransport] = {}
        self.plain_transports: dict[int, FakePlainTransport] = {}
        self.producers: dict[int, FakeProducer] = {}
        self.consumers: dict[int, FakeConsumer] = {}
        self._numbers = itertools.count(1)

    @property
    def consumer_count(self) -> int:
        return len(self.consumers)

    @property
    def _any_transport(self) -> Mapping[int, FakeTransport | FakePlainTransport]:
        return {**self.transports, **self.plain_transports}

    @property
    def is_empty(self) -> bool:
        """Nothing is left."""
        transports = self.transports or self.plain_transports
        return not (self.routers or transports or self.producers or self.consumers)

    def next_number(self) -> int:
        return next(self._numbers)

    def fail(self, message: str) -> None:
        """The thread dies."""
        self.failed = True
        for listener in list(self.routers.values()):
            listener.on_worker_failed(message)

    def speak(self, router: int, producer: int | None) -> None:
        """The loudest producer of a router changes."""
        self.routers[router].on_active_speaker(producer)

    def limit_media(self, transport: int, refused: int) -> None:
        """A transport's peer sends more video than it may."""
        self._any_transport[transport].listener.on_media_limited(refused)

    def change_layers(self, consumer: int, layers: Layers | None) -> None:
        """What a consumer is forwarded changes."""
        self.consumers[consumer].listener.on_layers_changed(layers)

    def open_router(self, router: int, listener: RouterListener) -> None:
        assert router not in self.routers
        self.routers[router] = listener

    def close_router(self, router: int) -> None:
        assert not any(producer.router == router for producer in self.producers.values())
        del self.routers[router]

    def add_transport(self, transport: int, ice: IceParameters, listener: TransportListener) -> None:
        assert transport not in self._any_transport
        self.transports[transport] = FakeTransport([ice], listener)

    def add_plain_transport(self, transport: int, peer: PlainPeer, listener: PlainListener) -> None:
        assert transport not in self._any_transport
        self.plain_transports[transport] = FakePlainTransport(peer, listener)

    def restart_ice(self, transport: int, ice: IceParameters) -> None:
        self.transports[transport].ice.append(ice)

    def set_srtp(self, transport: int, keys: SrtpKeys) -> None:
        self.transports[transport].keys = keys

    def set_max_incoming_bitrate(self, transport: int, bits_per_second: int) -> None:
        self._any_transport[transport].max_incoming_bitrate = bits_per_second

    def send_dtls(self, transport: int, datagram: bytes) -> None:
        self.transports[transport].sent.append(datagram)

    def receive_dtls(self, transport: int, limit: int) -> list[bytes]:
        queue = self.transports[transport].received
        taken, queue[:limit] = queue[:limit], []
        return taken

    def dtls_dropped(self, transport: int) -> int:
        return 0

    def remove_transport(self, transport: int) -> None:
        assert not any(producer.transport == transport for producer in self.producers.values())
        assert not any(consumer.transport == transport for consumer in self.consumers.values())
        del (self.transports if transport in self.transports else self.plain_transports)[transport]

    def add_producer(
        self, producer: int, *, router: int, transport: int, media: ProducerMedia, paused: bool
    ) -> None:
        assert router in self.routers
        assert transport in self._any_transport
        assert producer not in self.producers
        self.producers[producer] = FakeProducer(router, transport, media, paused)

    def set_producer_paused(self, producer: int, paused: bool) -> None:
        self.producers[producer].paused = paused

    def remove_producer(self, producer: int) -> None:
        assert not any(consumer.producer == producer for consumer in self.consumers.values())
        del self.producers[producer]

    def add_consumer(
        self,
        consumer: int,
        *,
        transport: int,
        producer: int,
        media: ConsumerMedia,
        listener: ConsumerListener,
    ) -> None:
        assert transport in self._any_transport
        assert producer in self.producers
        assert consumer not in self.consumers
        self.consumers[consumer] = FakeConsumer(transport, producer, media, listener)

    def set_consumer_paused(self, consumer: int, paused: bool) -> None:
        self.consumers[consumer].paused = paused

    def set_preferred_layers(self, consumer: int, spatial: int, temporal: int | None) -> None:
        self.consumers[consumer].preferred = (spatial, temporal)

    def request_key_frame(self, consumer: int) -> None:
        self.consumers[consumer].key_frames_asked += 1

    def remove_consumer(self, consumer: int) -> None:
        del self.consumers[consumer]

    async def collect_stats(self) -> FakeStats:
        if self.failed:
            raise Unavailable("the media worker has failed")
        return self.stats

    def load(self) -> FakeLoad:
        return self.totals

    def close(self) -> None:
        self.closed = True
