"""A plain transport: RTP and RTCP with a peer at an address that is known, without ICE and DTLS.

For encoders and recorders that a media node itself has to do with. Clients are not offered it: what goes over
it is neither encrypted nor authenticated, so the peer has to be in a network that is trusted.
"""

from __future__ import annotations

from typing import Protocol

import structlog

from rotunda_contract.errors import Unsupported
from rotunda_contract.ids import TransportId
from rotunda_contract.signaling.common import TransportDirection
from rotunda_sfu.media_worker import MediaWorker, PlainPeer
from rotunda_sfu.randomness import Randomness
from rotunda_sfu.transports.transport import DataStreams, MediaNumbers, TransportListener, limit_video


class PlainContext(Protocol):
    """What a plain transport needs of its room: see `context.RoomContext`."""

    @property
    def worker(self) -> MediaWorker: ...
    @property
    def randomness(self) -> Randomness: ...
    @property
    def max_video_kbps(self) -> int: ...


class PlainTransport:
    """A `Transport`. A peer's address is that of one transport alone. It lasts until it is closed."""

    def __init__(
        self,
        room: PlainContext,
        direction: TransportDirection,
        peer: PlainPeer,
        listener: TransportListener,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        """Raises BadRequest for an address that the worker cannot reach."""
        self.direction = direction
        self.id = TransportId(room.randomness.identifier())
        self.number = room.worker.next_number()
        self.numbers = MediaNumbers(room.randomness)
        self.closed = False
        self._room = room
        self._listener = listener
        self._log = log.bind(transport=self.id)
        room.worker.add_plain_transport(self.number, peer, self)
        limit_video(self, room.worker, room.max_video_kbps)

    @property
    def data_streams(self) -> DataStreams:
        raise Unsupported("a plain transport carries no data channels")

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._room.worker.remove_transport(self.number)

    def on_peer_active(self, ip: str, port: int) -> None:
        self._log.info("peer_active", ip=ip, port=port)

    def on_peer_inactive(self) -> None:
        self._log.info("peer_inactive")

    def on_media_limited(self, refused: int) -> None:
        self._log.warning("media_limited", refused_packets=refused)
        self._listener.on_media_limited(self, refused, self._room.max_video_kbps)
