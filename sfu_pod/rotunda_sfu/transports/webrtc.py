"""A WebRTC transport: one peer's ICE, DTLS and what runs over them."""

from __future__ import annotations

from typing import Protocol

import structlog

from rotunda_contract.errors import InvalidState
from rotunda_contract.ids import DataConsumerId, TransportId
from rotunda_contract.rtp import DtlsParameters, IceCandidate, IceParameters, SctpParameters
from rotunda_contract.signaling.common import TransportDirection
from rotunda_sfu.clock import Clock, Timer
from rotunda_sfu.dtls import SessionLimits, SrtpKeys
from rotunda_sfu.ice import ice_candidates
from rotunda_sfu.media_worker import MediaWorker
from rotunda_sfu.randomness import Randomness
from rotunda_sfu.sessions import Session, Sessions, WorkerPort
from rotunda_sfu.transports.transport import MediaNumbers, TransportListener, limit_video


class WebRtcContext(Protocol):
    """What a WebRTC transport needs of its room: see `context.RoomContext`."""

    @property
    def worker(self) -> MediaWorker: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def session_limits(self) -> SessionLimits: ...
    @property
    def randomness(self) -> Randomness: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def connect_deadline(self) -> float: ...
    @property
    def max_video_kbps(self) -> int: ...


class WebRtcTransport:
    """A `Transport`. Listens to its DTLS session and to its ICE.

    A failed session ends it, and so does a client that does not come to connect it.
    """

    def __init__(
        self,
        room: WebRtcContext,
        direction: TransportDirection,
        listener: TransportListener,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self.direction = direction
        self.id = TransportId(room.randomness.identifier())
        self.number = room.worker.next_number()
        self.numbers = MediaNumbers(room.randomness)
        self.ice_parameters = room.randomness.ice_parameters()
        self.closed = False
        self._room = room
        self._listener = listener
        self._connected = False
        self._session_ended = False
        self._log = log.bind(transport=self.id)
        room.worker.add_transport(self.number, self.ice_parameters, self)
        limit_video(self, room.worker, room.max_video_kbps)
        port = WorkerPort(room.worker, self.number)
        self._session = room.sessions.open(self.number, port, self, room.session_limits)
        self._waiting = self._wait_for_connect()

    @property
    def data_streams(self) -> Session:
        return self._session

    @property
    def ice_candidates(self) -> tuple[IceCandidate, ...]:
        return ice_candidates(self._room.worker.addresses)

    @property
    def dtls_parameters(self) -> DtlsParameters:
        return self._room.sessions.dtls_parameters

    @property
    def sctp_parameters(self) -> SctpParameters:
        return self._room.sessions.sctp_parameters

    def connect(self, remote: DtlsParameters) -> None:
        """Starts the handshake. Raises InvalidState the second time, BadRequest for no usable hash."""
        if self._connected:
            raise InvalidState("the transport is connected already")
        self._session.connect(remote)
        self._connected = True
        self._waiting.cancel()  # From here on the handshake has a deadline of its own.

    def restart_ice(self) -> IceParameters:
        """New credentials; the old ones work until the first valid check with the new."""
        self.ice_parameters = self._room.randomness.ice_parameters()
        self._room.worker.restart_ice(self.number, self.ice_parameters)
        if not self._connected:
            self._waiting.cancel()
            self._waiting = self._wait_for_connect()
        return self.ice_parameters

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._waiting.cancel()
        if self._session_ended:
            self._room.worker.remove_transport(self.number)
        else:
            # The worker's side stays until the peer has been sent its close_notify.
            self._session.close(lambda: self._room.worker.remove_transport(self.number))

    def on_keys(self, keys: SrtpKeys) -> None:
        self._log.info("dtls_connected", profile=keys.profile)
        self._room.worker.set_srtp(self.number, keys)

    def on_closed(self, reason: str) -> None:
        self._session_ended = True
        self._end(reason)

    def on_data_limited(self, refused: int) -> None:
        self._log.warning("data_limited", refused_datagrams=refused)
        self._listener.on_data_limited(self, refused, self._room.session_limits.data_rate)

    def on_media_limited(self, refused: int) -> None:
        self._log.warning("media_limited", refused_packets=refused)
        self._listener.on_media_limited(self, refused, self._room.max_video_kbps)

    def on_data_consumer_closed(self, data_consumer: DataConsumerId, reason: str) -> None:
        self._listener.on_data_consumer_ended(data_consumer, reason)

    def on_ice_connected(self, remote_ip: str, remote_port: int, protocol: str) -> None:
        self._log.info("ice_connected", remote_ip=remote_ip, remote_port=remote_port, protocol=protocol)

    def on_ice_disconnected(self) -> None:
        self._log.info("ice_disconnected")

    def on_dtls_readable(self) -> None:
        self._session.readable()

    def on_srtp_received(self) -> None:
        self._session.peer_has_keys()

    def _wait_for_connect(self) -> Timer:
        return self._room.clock.call_later(self._room.connect_deadline, self._never_connected)

    def _never_connected(self) -> None:
        self._end(f"the transport was not connected within {self._room.connect_deadline:g} s")

    def _end(self, reason: str) -> None:
        if self.closed:
            return
        self._log.info("transport_ended", reason=reason)
        self._listener.on_transport_ended(self, reason)
