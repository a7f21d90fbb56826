"""The media core: one `Worker` is one thread with its own sockets that moves packets.

Methods never block and never wait for the thread: ids and credentials are the caller's choice.
They raise `ValueError` for arguments that could never be right. What the thread finds wrong
(an unknown id) comes back as a `CommandFailed` event. All ids are positive integers that the
caller never uses twice in one worker.
"""

from collections.abc import Sequence
from typing import Literal, Self, final

Kind = Literal["audio", "video"]
Protocol = Literal["udp", "tcp"]
Codec = Literal["opus", "vp8", "h264", "vp9", "av1"]
SrtpProfileName = Literal["AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_HMAC_SHA1_80"]

__version__: str

@final
class ListenAddress:
    """One socket to open. `port` 0 lets the kernel choose; `announced` is what clients are told.

    With `tcp` port 0 is the port of the `udp` socket with the same `ip`.
    """
    def __new__(
        cls, ip: str, port: int, *, protocol: Protocol = "udp", announced: str | None = None
    ) -> Self: ...
    @property
    def ip(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def protocol(self) -> Protocol: ...
    @property
    def announced(self) -> str: ...

@final
class ExtensionIds:
    """Header extension ids of one end (RFC 8285); None where not negotiated."""
    def __new__(
        cls,
        *,
        mid: int | None = None,
        rid: int | None = None,
        repaired_rid: int | None = None,
        abs_send_time: int | None = None,
        transport_cc: int | None = None,
        audio_level: int | None = None,
        video_orientation: int | None = None,
        dependency_descriptor: int | None = None,
    ) -> Self: ...

@final
class PayloadMapping:
    """One codec as its producer numbers it; `clock_rate` in Hz."""
    def __new__(
        cls,
        codec: Codec,
        payload_type: int,
        *,
        clock_rate: int,
        rtx_payload_type: int | None = None,
        nack: bool = False,
    ) -> Self: ...

@final
class Encoding:
    """One encoding of a producer."""
    def __new__(
        cls, *, rid: str | None = None, ssrc: int | None = None, rtx_ssrc: int | None = None
    ) -> Self: ...

@final
class ConsumerPayload:
    """One codec as a consumer numbers it."""
    def __new__(cls, codec: Codec, payload_type: int, *, rtx_payload_type: int | None = None) -> Self: ...

@final
class Worker:
    """One media thread. Closes itself when collected; `close` does it at once."""
    def __new__(
        cls,
        listen: Sequence[ListenAddress],
        *,
        name: str = "media",
        segmentation_offload: bool = True,
        dtls_queue_datagrams: int = 64,
        tcp_connections: int = 1000,
        tcp_connections_per_address: int = 200,
    ) -> Self:
        """Opens the sockets and starts the thread.

        Raises OSError naming the address where a socket cannot be opened. Without
        `segmentation_offload`, or where the kernel lacks it, datagrams are sent one by one.
        `dtls_queue_datagrams` bounds each transport's queue of received DTLS datagrams. Where there are
        too many TCP connections, in all or of one address (a /64 of IPv6), one that has not brought a
        valid check gives way; such a one is closed after 10 s in any case.
        """
    @property
    def addresses(self) -> list[ListenAddress]:
        """What was opened, with the real ports, in the order asked for."""
    def fileno(self) -> int:
        """Readable whenever `take_events` would return something: for an event loop's reader."""
    def take_events(self) -> list[Event]: ...
    def close(self) -> None:
        """Stops and joins the thread, closes the sockets. Twice is allowed.

        Commands lead nowhere from then on; queued events can still be taken.
        """

    def add_transport(self, transport: int, *, ufrag: str, password: str) -> None: ...
    def add_plain_transport(
        self,
        transport: int,
        remote_address: str,
        remote_port: int,
        local_address: str | None = None,
        *,
        remote_rtcp_port: int | None = None,
    ) -> None:
        """Takes RTP and RTCP from one address only, and sends there, in the clear unless `set_srtp` follows.

        `remote_port` 0: the first packet from `remote_address` with an SSRC that a producer of this
        transport was added with tells the port; until then nothing is sent. `local_address` is the `ip`
        of one of the `udp` sockets of `addresses`; None: the first of the same family. RTCP goes to and
        comes from `remote_port` as well, or `remote_rtcp_port`. `RemoteHeard` tells when the first packet
        came. An address that is not a loopback one gets 2 MiB before it is heard, and nothing after 30 s
        of silence: `RemoteSilent` tells.
        """
    def restart_ice(self, transport: int, *, ufrag: str, password: str) -> None: ...
    def set_srtp(self, transport: int, profile: SrtpProfileName, *, send: bytes, receive: bytes) -> None:
        """Key and salt of each direction, concatenated (28, 44 or 30 bytes by profile)."""
    def set_max_incoming_bitrate(self, transport: int, bits_per_second: int) -> None:
        """Tells the peer to send no more than that (at least 1), all its media together.

        By REMB (draft-alvestrand-rmcat-remb-03), once a second while it has video on this transport,
        also where transport-wide feedback guides it. Video beyond 1.5 times that, after a burst of two
        seconds, is refused as if it were lost, and `MediaLimited` tells.
        """
    def send_dtls(self, transport: int, datagram: bytes) -> None: ...
    def receive_dtls(self, transport: int, limit: int = 64) -> list[bytes]:
        """Takes up to `limit` queued datagrams, oldest first. Empty for an unknown transport.

        `DtlsReadable` comes again only after the queue was empty.
        """
    def dtls_dropped(self, transport: int) -> int:
        """Datagrams dropped since the transport was made because its queue was full."""
    def remove_transport(self, transport: int) -> None: ...
    def add_producer(
        self,
        producer: int,
        *,
        router: int,
        transport: int,
        kind: Kind,
        mid: str | None,
        payloads: Sequence[PayloadMapping],
        extensions: ExtensionIds,
        encodings: Sequence[Encoding],
        cname: str,
        paused: bool = False,
    ) -> None: ...
    def set_producer_paused(self, producer: int, paused: bool) -> None: ...
    def remove_producer(self, producer: int) -> None: ...
    def add_consumer(
        self,
        consumer: int,
        *,
        transport: int,
        producer: int,
        mid: str,
        ssrc: int,
        rtx_ssrc: int | None,
        payloads: Sequence[ConsumerPayload],
        extensions: ExtensionIds,
        cname: str,
        preferred_spatial: int | None = None,
        paused: bool = True,
    ) -> None: ...
    def set_consumer_paused(self, consumer: int, paused: bool) -> None: ...
    def set_preferred_layers(self, consumer: int, spatial: int, temporal: int | None = None) -> None: ...
    def request_key_frame(self, consumer: int) -> None: ...
    def remove_consumer(self, consumer: int) -> None: ...
    def collect_stats(self, token: int) -> None:
        """Answered by a `Stats` event with the same token."""
    def load(self) -> WorkerLoad:
        """Totals and what waits, read without asking the thread."""

@final
class WorkerLoad:
    """Counters since the start, and what waits now; seconds and bytes."""
    @property
    def busy_seconds(self) -> float:
        """CPU time of the thread."""
    @property
    def bytes_sent(self) -> int: ...
    @property
    def bytes_received(self) -> int: ...
    @property
    def packets_forwarded(self) -> int: ...
    @property
    def packets_dropped(self) -> int: ...
    @property
    def packets_overflowed(self) -> int:
        """Datagrams that the kernel dropped before they were received: a socket's buffer was full."""
    @property
    def packets_refused(self) -> int:
        """Video packets beyond `set_max_incoming_bitrate`."""
    @property
    def send_calls(self) -> int:
        """System calls that sent."""
    @property
    def messages_sent(self) -> int:
        """What was handed to the kernel: one message may carry many segments."""
    @property
    def segments_sent(self) -> int:
        """Datagrams sent."""
    @property
    def padding_bytes(self) -> int:
        """RTP padding sent so that packets fit one message."""
    @property
    def tcp_connections(self) -> int:
        """Open now."""
    @property
    def backlog_bytes(self) -> int:
        """What waits in the UDP sockets to be received, in bytes of kernel memory."""
    @property
    def backlog_share(self) -> float:
        """The share of its receive buffer that this fills in the fullest of them, 0 to 1."""
    @property
    def commands_waiting(self) -> int:
        """Posted, and not taken by the thread."""

@final
class DtlsReadable:
    __match_args__ = ("transport",)
    @property
    def transport(self) -> int: ...

@final
class IceConnected:
    __match_args__ = ("transport", "remote_ip", "remote_port", "protocol")
    @property
    def transport(self) -> int: ...
    @property
    def remote_ip(self) -> str: ...
    @property
    def remote_port(self) -> int: ...
    @property
    def protocol(self) -> Protocol: ...

@final
class SrtpReceived:
    """The first packet that the peer protected with the keys of `set_srtp`."""

    __match_args__ = ("transport",)
    @property
    def transport(self) -> int: ...

@final
class IceDisconnected:
    __match_args__ = ("transport",)
    @property
    def transport(self) -> int: ...

@final
class RemoteHeard:
    """The first packet from the address of a plain transport, or the first after `RemoteSilent`."""

    __match_args__ = ("transport", "remote_ip", "remote_port")
    @property
    def transport(self) -> int: ...
    @property
    def remote_ip(self) -> str: ...
    @property
    def remote_port(self) -> int: ...

@final
class RemoteSilent:
    """Nothing is sent to the address of a plain transport any more, until it is heard."""

    __match_args__ = ("transport",)
    @property
    def transport(self) -> int: ...

@final
class MediaLimited:
    """`refused` video packets since the last one of this transport: at most once a second."""

    __match_args__ = ("transport", "refused")
    @property
    def transport(self) -> int: ...
    @property
    def refused(self) -> int: ...

@final
class ProducerStarted:
    __match_args__ = ("producer", "encoding")
    @property
    def producer(self) -> int: ...
    @property
    def encoding(self) -> int: ...

@final
class LayersChanged:
    """`spatial` and `temporal` are both None when nothing is forwarded."""

    __match_args__ = ("consumer", "spatial", "temporal")
    @property
    def consumer(self) -> int: ...
    @property
    def spatial(self) -> int | None: ...
    @property
    def temporal(self) -> int | None: ...

@final
class ActiveSpeaker:
    __match_args__ = ("router", "producer")
    @property
    def router(self) -> int: ...
    @property
    def producer(self) -> int | None: ...

@final
class CommandFailed:
    __match_args__ = ("message",)
    @property
    def message(self) -> str: ...

@final
class WorkerFailed:
    """The thread ended by a defect; nothing more will come."""

    __match_args__ = ("message",)
    @property
    def message(self) -> str: ...

@final
class TransportStats:
    @property
    def transport(self) -> int: ...
    @property
    def bytes_received(self) -> int: ...
    @property
    def bytes_sent(self) -> int: ...
    @property
    def srtp_rejected(self) -> int: ...
    @property
    def packets_refused(self) -> int:
        """Video packets beyond `set_max_incoming_bitrate`."""
    @property
    def available_outgoing_bitrate(self) -> int | None: ...
    @property
    def round_trip_time(self) -> float | None: ...

@final
class ProducerStats:
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
    def plis_sent(self) -> int: ...
    @property
    def jitter(self) -> float: ...
    @property
    def bitrates(self) -> list[int]: ...
    @property
    def audio_level(self) -> int | None: ...

@final
class ConsumerStats:
    @property
    def consumer(self) -> int: ...
    @property
    def packets_sent(self) -> int: ...
    @property
    def bytes_sent(self) -> int: ...
    @property
    def rtx_sent(self) -> int: ...
    @property
    def nacks_received(self) -> int: ...
    @property
    def plis_received(self) -> int: ...
    @property
    def fraction_lost(self) -> float: ...
    @property
    def jitter(self) -> float: ...
    @property
    def spatial(self) -> int | None: ...
    @property
    def temporal(self) -> int | None: ...

@final
class Stats:
    __match_args__ = ("token", "transports", "producers", "consumers")
    @property
    def token(self) -> int: ...
    @property
    def transports(self) -> list[TransportStats]: ...
    @property
    def producers(self) -> list[ProducerStats]: ...
    @property
    def consumers(self) -> list[ConsumerStats]: ...

Event = (
    DtlsReadable
    | IceConnected
    | SrtpReceived
    | IceDisconnected
    | RemoteHeard
    | RemoteSilent
    | MediaLimited
    | ProducerStarted
    | LayersChanged
    | ActiveSpeaker
    | Stats
    | CommandFailed
    | WorkerFailed
)
