"""A media worker as the rooms see it. `native_worker` is the real one, `fake_worker` the one of tests.

Ids inside of a worker are positive numbers which the worker's owner draws with `next_number` and
never uses twice. Commands do not wait; what they lead to comes back through listeners, on the event
loop of the owner. `send_dtls`, `receive_dtls` and `dtls_dropped` may be called from any thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from rotunda_contract.rtp import IceParameters, Kind
from rotunda_sfu.dtls import SrtpKeys
from rotunda_sfu.rtp_mapping import ConsumerMapping, ProducerMapping


@dataclass(frozen=True, slots=True)
class MediaAddress:
    """One socket of a worker. `announced` is what clients are told instead of `ip`."""

    ip: str
    port: int
    announced: str
    protocol: Literal["udp", "tcp"] = "udp"


@dataclass(frozen=True, slots=True)
class PlainPeer:
    """Where the peer of a plain transport is. Port 0: that of the first packet from `ip` with a known SSRC.

    `local_ip` is the one of our `addresses` that it sends to, by default the first of the same family. RTCP
    takes the port of RTP, or `rtcp_port`.
    """

    ip: str
    port: int
    local_ip: str | None = None
    rtcp_port: int | None = None


@dataclass(frozen=True, slots=True)
class ProducerMedia:
    """How a producer's packets look when they arrive."""

    kind: Kind
    mid: str | None
    mapping: ProducerMapping
    cname: str


@dataclass(frozen=True, slots=True)
class ConsumerMedia:
    """How a consumer's packets shall look when they leave."""

    mid: str
    ssrc: int
    rtx_ssrc: int | None
    mapping: ConsumerMapping
    cname: str


@dataclass(frozen=True, slots=True, order=True)
class Layers:
    """Which of a producer's layers: 0 is the lowest."""

    spatial: int
    temporal: int


class TransportStats(Protocol):
    """Counters since the transport was made; the round trip in seconds."""

    @property
    def transport(self) -> int: ...
    @property
    def round_trip_time(self) -> float | None: ...


class ProducerStats(Protocol):
    """Counters since the producer was made; jitter in seconds."""

    @property
    def producer(self) -> int: ...
    @property
    def packets_received(self) -> int: ...
    @property
    def packets_lost(self) -> int: ...
    @property
    def rtx_received(self) -> int: ...
    @property
    def nacks_sent(self) -> int: ...
    @property
    def jitter(self) -> float: ...


class ConsumerStats(Protocol):
    """Counters since the consumer was made; `fraction_lost` and `jitter` by the peer's last report."""

    @property
    def consumer(self) -> int: ...
    @property
    def packets_sent(self) -> int: ...
    @property
    def fraction_lost(self) -> float: ...
    @property
    def jitter(self) -> float: ...


class WorkerStats(Protocol):
    """Everything that a worker counts, at one time."""

    @property
    def transports(self) -> Sequence[TransportStats]: ...
    @property
    def producers(self) -> Sequence[ProducerStats]: ...
    @property
    def consumers(self) -> Sequence[ConsumerStats]: ...


class WorkerLoad(Protocol):
    """Counters since the worker was made, and what waits for it now."""

    @property
    def busy_seconds(self) -> float:
        """CPU time of its thread."""

    @property
    def bytes_sent(self) -> int: ...
    @property
    def packets_forwarded(self) -> int: ...
    @property
    def packets_dropped(self) -> int: ...
    @property
    def packets_overflowed(self) -> int:
        """Dropped by the kernel before they were received: a socket's buffer was full."""

    @property
    def backlog_bytes(self) -> int:
        """What waits in its UDP sockets to be received, in bytes of kernel memory."""

    @property
    def backlog_share(self) -> float:
        """The share of its receive buffer that this fills in the fullest socket, 0 to 1."""

    @property
    def commands_waiting(self) -> int:
        """What we posted and its thread has not taken."""

    @property
    def packets_refused(self) -> int:
        """Received video packets beyond what their senders may send."""


class RouterListener(Protocol):
    """A room, as its worker sees it."""

    def on_active_speaker(self, producer: int | None) -> None: ...

    def on_worker_failed(self, message: str) -> None:
        """The worker is gone and everything on it. Nothing more will come."""


class TransportListener(Protocol):
    def on_ice_connected(self, remote_ip: str, remote_port: int, protocol: str) -> None: ...

    def on_ice_disconnected(self) -> None: ...

    def on_dtls_readable(self) -> None: ...

    def on_srtp_received(self) -> None:
        """The peer uses the keys of `set_srtp`. Called once for each of them."""

    def on_media_limited(self, refused: int) -> None:
        """`refused` more video packets were beyond the limit: at most once a second."""


class PlainListener(Protocol):
    def on_peer_active(self, ip: str, port: int) -> None:
        """Its first packet came, or the first after a pause."""

    def on_peer_inactive(self) -> None:
        """Nothing came for so long that nothing is sent until something comes. Never for loopback."""

    def on_media_limited(self, refused: int) -> None:
        """As above."""


class ConsumerListener(Protocol):
    def on_layers_changed(self, layers: Layers | None) -> None:
        """What is forwarded changed; None: nothing."""


class MediaWorker(Protocol):
    """One media thread. Consumers are removed before their producer, both before their transport;
    a command that names nothing known is a defect of ours and ends in the log."""

    @property
    def index(self) -> int: ...
    @property
    def addresses(self) -> tuple[MediaAddress, ...]: ...
    @property
    def consumer_count(self) -> int:
        """How much the worker has to do, as far as placing rooms is concerned."""

    @property
    def failed(self) -> bool: ...

    def next_number(self) -> int: ...

    def open_router(self, router: int, listener: RouterListener) -> None: ...
    def close_router(self, router: int) -> None: ...

    def add_transport(self, transport: int, ice: IceParameters, listener: TransportListener) -> None: ...
    def add_plain_transport(self, transport: int, peer: PlainPeer, listener: PlainListener) -> None:
        """Raises BadRequest for an address that cannot be one peer's or that no socket reaches."""

    def restart_ice(self, transport: int, ice: IceParameters) -> None: ...
    def set_srtp(self, transport: int, keys: SrtpKeys) -> None: ...
    def set_max_incoming_bitrate(self, transport: int, bits_per_second: int) -> None:
        """What the peer is told to send at most, all its media together, as soon as it sends video.

        Video that goes on beyond 1.5 times that is refused.
        """

    def send_dtls(self, transport: int, datagram: bytes) -> None: ...
    def receive_dtls(self, transport: int, limit: int) -> list[bytes]: ...
    def dtls_dropped(self, transport: int) -> int: ...
    def remove_transport(self, transport: int) -> None: ...

    def add_producer(
        self, producer: int, *, router: int, transport: int, media: ProducerMedia, paused: bool
    ) -> None: ...
    def set_producer_paused(self, producer: int, paused: bool) -> None: ...
    def remove_producer(self, producer: int) -> None: ...

    def add_consumer(
        self,
        consumer: int,
        *,
        transport: int,
        producer: int,
        media: ConsumerMedia,
        listener: ConsumerListener,
    ) -> None:
        """Starts paused."""

    def set_consumer_paused(self, consumer: int, paused: bool) -> None: ...
    def set_preferred_layers(self, consumer: int, spatial: int, temporal: int | None) -> None: ...
    def request_key_frame(self, consumer: int) -> None: ...
    def remove_consumer(self, consumer: int) -> None: ...

    async def collect_stats(self) -> WorkerStats:
        """Raises Unavailable when the worker fails before it has answered."""

    def load(self) -> WorkerLoad:
        """Totals, without asking the thread."""

    def close(self) -> None:
        """Stops the thread and closes the sockets. Twice is allowed."""
