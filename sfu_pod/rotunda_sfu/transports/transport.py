"""What producers, consumers and their relations need of a transport, whatever its kind."""

from __future__ import annotations

from typing import Protocol

from rotunda_contract.errors import InvalidState
from rotunda_contract.ids import DataConsumerId, DataProducerId, TransportId
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_contract.signaling.common import TransportDirection
from rotunda_sfu.media_worker import MediaWorker
from rotunda_sfu.randomness import Randomness

_AUDIO_KBPS = 128
"""What a limit on video leaves for sound: the congestion control that obeys it has one budget for both."""


class Transport(Protocol):
    """A way for media in one direction, as its peer sees it: the peer sends on `send`, receives on `recv`."""

    @property
    def id(self) -> TransportId: ...
    @property
    def number(self) -> int:
        """The media worker's name for it."""

    @property
    def direction(self) -> TransportDirection: ...
    @property
    def numbers(self) -> MediaNumbers: ...
    @property
    def data_streams(self) -> DataStreams:
        """Raises Unsupported where this kind carries no data channels."""

    def close(self) -> None:
        """Closes it alone: what runs over it has ended before. Twice is allowed."""


class DataStreams(Protocol):
    """The data channels of one transport: see `dtls.DtlsSession`."""

    def add_data_producer(self, data_producer: DataProducerId, stream: SctpStreamParameters) -> None: ...
    def remove_data_producer(self, data_producer: DataProducerId) -> None: ...
    def add_data_consumer(
        self, data_consumer: DataConsumerId, data_producer: DataProducerId
    ) -> SctpStreamParameters: ...
    def remove_data_consumer(self, data_consumer: DataConsumerId) -> None: ...


class TransportListener(Protocol):
    """Whoever keeps transports. Nothing is reported of one that it has closed itself."""

    def on_transport_ended(self, transport: Transport, reason: str) -> None:
        """The peer or a deadline ended it. The listener ends what runs over it and closes it."""

    def on_data_limited(self, transport: Transport, refused: int, bytes_per_second: int) -> None:
        """`refused` more datagrams were beyond the limit."""

    def on_media_limited(self, transport: Transport, refused: int, max_video_kbps: int) -> None:
        """`refused` more video packets were beyond the limit."""

    def on_data_consumer_ended(self, data_consumer: DataConsumerId, reason: str) -> None:
        """A data consumer's stream ended by itself."""


class MediaNumbers:
    """Media ids and SSRCs for the consumers of one transport, none of them used twice."""

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness
        self._next_mid = 0
        self._ssrcs: set[int] = set()

    def next_mid(self) -> str:
        mid = str(self._next_mid)
        self._next_mid += 1
        return mid

    def next_ssrc(self) -> int:
        while (ssrc := self._randomness.ssrc()) in self._ssrcs:
            pass
        self._ssrcs.add(ssrc)
        return ssrc


def limit_video(transport: Transport, worker: MediaWorker, max_video_kbps: int) -> None:
    """Tells the peer, if it sends, what it may send as video; 0: as much as it likes."""
    if transport.direction == "send" and max_video_kbps:
        worker.set_max_incoming_bitrate(transport.number, (max_video_kbps + _AUDIO_KBPS) * 1000)


def require(transport: Transport, direction: TransportDirection) -> None:
    """Raises InvalidState unless this is the transport's direction."""
    if transport.direction != direction:
        raise InvalidState(
            f"this needs a transport of direction {direction}, this one's is {transport.direction}"
        )
