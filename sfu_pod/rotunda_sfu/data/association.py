"""The seam over aiortc's SCTP: an association that sends and receives messages with their PPIDs.

Peers open their data channels as negotiated (no DCEP), so streams are all there is. Private names of
aiortc stay in here. What it trusts a peer with and should not is bounded in the overrides: the cost
of a gap, of a fragment and of a SACK, and the size of what waits to be put together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, cast

from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCSctpTransport
from aiortc.rtcsctptransport import (
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    InitChunk,
    RTCSctpCapabilities,
    SackChunk,
    tsn_minus_one,
)
from aiortc.utils import uint32_gt

from rotunda_contract.rtp import SctpParameters, SctpStreamParameters
from rotunda_sfu.data.packet_check import is_sound

PORT = 5000
STREAMS = 1024
MAX_MESSAGE_BYTES = 262144
TEXT, BINARY, EMPTY_TEXT, EMPTY_BINARY = 51, 53, 56, 57
MESSAGE_PPIDS = frozenset((TEXT, BINARY, EMPTY_TEXT, EMPTY_BINARY))
"""Payload protocol identifiers of RFC 8831 section 8 that carry messages."""

SCTP_PARAMETERS = SctpParameters(
    port=PORT,
    os=STREAMS,
    mis=STREAMS,
    max_message_size=MAX_MESSAGE_BYTES,
    max_send_message_size=MAX_MESSAGE_BYTES,
    max_receive_message_size=MAX_MESSAGE_BYTES,
)

_WINDOW_BYTES = 1024 * 1024
_MAX_FRAGMENTS = 2048
_MAX_BEYOND_GAP = 256
_INITIAL_TIMEOUT_SECONDS = 1.0


class PeerMisbehaved(Exception):
    """The peer exceeds a limit of ours; `str(error)` says which. The association has to end."""


class Association(RTCSctpTransport):
    """One SCTP association over DTLS (RFC 8261). All on one event loop.

    It answers a peer that initiates. `initiate` does so from our side, which must wait until the peer
    knows of data channels. `on_message` gets stream, PPID and payload of every whole message.
    """

    def __init__(
        self,
        role: Literal["client", "server"],
        *,
        send: Callable[[bytes], Awaitable[None]],
        on_message: Callable[[int, int, bytes], None],
    ) -> None:
        super().__init__(cast(Any, _Lower(role, send)), PORT)
        self._inbound_streams_max = STREAMS
        self._outbound_streams_count = STREAMS
        self._rto = _INITIAL_TIMEOUT_SECONDS
        self._on_message = on_message
        self._fragments = 0
        self.refused_chunks = 0

    @property
    def established(self) -> bool:
        return self._association_state is self.State.ESTABLISHED

    async def listen(self) -> None:
        """Ready for the peer's INIT. Call it once, before anything else."""
        await self.start(RTCSctpCapabilities(maxMessageSize=MAX_MESSAGE_BYTES), PORT)

    async def initiate(self) -> None:
        """Sends INIT unless an association is there or on its way."""
        if self._association_state is self.State.CLOSED:
            await super()._init()

    async def receive(self, packet: bytes) -> None:
        """One SCTP packet. What makes no sense is counted and left out. Raises PeerMisbehaved."""
        if not is_sound(packet):
            self.refused_chunks += 1
            return
        try:
            await self._handle_data(packet)
        except PeerMisbehaved:
            raise
        except Exception:
            # aiortc asserts what peers should do, and unpacks chunks without checking their length.
            self.refused_chunks += 1

    def open_stream(self, stream: SctpStreamParameters) -> RTCDataChannel:
        """A stream to send on, with its reliability. Raises ValueError when it is open already."""
        lifetime = stream.max_packet_life_time
        parameters = RTCDataChannelParameters(
            negotiated=True,
            id=stream.stream_id,
            ordered=stream.ordered is not False,
            # aiortc takes 0 for absent.
            maxPacketLifeTime=None if lifetime is None else max(1, lifetime),
            maxRetransmits=stream.max_retransmits,
        )
        return RTCDataChannel(self, parameters)

    async def send_message(self, channel: RTCDataChannel, ppid: int, payload: bytes) -> None:
        """Queues one message; `channel.bufferedAmount` is how much waits. Lost when it is closed."""
        if channel.readyState in ("connecting", "open"):
            channel._addBufferedAmount(len(payload))
            self._data_channel_queue.append((channel, ppid, payload))
            await self._data_channel_flush()

    async def _init(self) -> None:
        """`start` would initiate at once, and give up before a slow client is ready."""

    def _t1_expired(self) -> None:
        self._t1_failures = 0
        super()._t1_expired()

    async def _receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        self._on_message(stream_id, pp_id, data)

    async def _receive_chunk(self, chunk: Chunk) -> None:
        if isinstance(chunk, InitChunk) and self.established:
            return  # A repeated INIT; aiortc would start to count from the beginning again.
        await super()._receive_chunk(chunk)

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        if not self.established or chunk.stream_id >= STREAMS or self._beyond_bounds(chunk):
            self.refused_chunks += 1
            return
        stream = self._get_inbound_stream(chunk.stream_id)
        before = len(stream.reassembly)
        await super()._receive_data_chunk(chunk)
        self._fragments += len(stream.reassembly) - before
        if self._fragments > _MAX_FRAGMENTS:
            # Whole messages leave at once and whoever skips TSNs prunes: count again before the verdict.
            self._fragments = sum(len(each.reassembly) for each in self._inbound_streams.values())
        if self._fragments > _MAX_FRAGMENTS:
            raise PeerMisbehaved("too many fragments of unfinished messages")
        if not self._sack_misordered and _WINDOW_BYTES - self._advertised_rwnd > MAX_MESSAGE_BYTES:
            raise PeerMisbehaved(f"a message is larger than {MAX_MESSAGE_BYTES} bytes")

    def _beyond_bounds(self, chunk: DataChunk) -> bool:
        """Whether a chunk has to be refused because too much waits behind a gap in the sequence numbers.

        A chunk that comes before all that waits helps to fill the gap and is always taken. One that is
        refused is not acknowledged, so the peer sends it again later.
        """
        waiting = self._sack_misordered
        full = len(waiting) >= _MAX_BEYOND_GAP or self._advertised_rwnd < len(chunk.user_data)
        return bool(waiting) and full and all(uint32_gt(chunk.tsn, tsn) for tsn in waiting)

    async def _receive_forward_tsn_chunk(self, chunk: ForwardTsnChunk) -> None:
        if self.established:
            chunk.streams = [each for each in chunk.streams if each[0] < STREAMS]
            await super()._receive_forward_tsn_chunk(chunk)

    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        if self._is_plausible(chunk):
            await super()._receive_sack_chunk(chunk)
        else:
            self.refused_chunks += 1

    async def _reset_deferred_streams(self) -> None:
        """Answers a peer's reset by one of ours, also where the stream is one that we only receive on.

        The peer's channel is closed once both directions are reset (RFC 8831 section 6.7); aiortc
        does so only for channels that it opened itself.
        """
        request = self._reconfig_deferred
        await super()._reset_deferred_streams()
        if request is None or self._reconfig_deferred is not None:
            return
        under_way = self._reconfig_request.streams if self._reconfig_request else []
        for stream in request.streams:
            known = stream in self._data_channels or stream in self._reconfig_queue or stream in under_way
            if stream < STREAMS and not known:
                self._reconfig_queue.append(stream)
        await self._transmit_reconfig()

    def _data_channel_reset(self, stream_id: int) -> None:
        if stream_id in self._data_channels:
            super()._data_channel_reset(stream_id)
        else:
            self._data_channel_outbound_reset.discard(stream_id)

    def _data_channel_closed(self, stream_id: int) -> None:
        if stream_id in self._data_channels:
            super()._data_channel_closed(stream_id)

    def _is_plausible(self, chunk: SackChunk) -> bool:
        """Acknowledges only what was sent: aiortc walks through every TSN that a gap block names."""
        highest = tsn_minus_one(self._local_tsn)
        if uint32_gt(chunk.cumulative_tsn, highest):
            return False
        outstanding = (highest - chunk.cumulative_tsn) % 2**32
        previous_end = 0
        for start, end in chunk.gaps:
            if not previous_end < start <= end <= outstanding:
                return False
            previous_end = end
        return True


class _Lower:
    """What aiortc's SCTP asks of its DTLS transport."""

    state = "connected"

    def __init__(self, role: str, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._role = role
        self._send_data = send

    def _register_data_receiver(self, receiver: object) -> None:
        """Packets come through `Association.receive`."""

    def _unregister_data_receiver(self, receiver: object) -> None:
        """Nothing was registered."""
