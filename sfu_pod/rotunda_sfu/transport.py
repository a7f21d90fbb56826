"""A WebRTC transport: one participant's ICE, DTLS and what runs over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotunda_contract.errors import BadRequest, InvalidState, LimitExceeded
from rotunda_contract.ids import (
    ConsumerId,
    DataConsumerId,
    DataProducerId,
    ParticipantId,
    ProducerId,
    TransportId,
)
from rotunda_contract.rtp import DtlsParameters, IceCandidate, IceParameters, SctpParameters
from rotunda_contract.signaling.common import TransportDirection
from rotunda_sfu.clock import Timer
from rotunda_sfu.context import RoomContext
from rotunda_sfu.dtls import SrtpKeys
from rotunda_sfu.ice import ice_candidates
from rotunda_sfu.sessions import WorkerPort

if TYPE_CHECKING:
    from rotunda_sfu.consumer import Consumer
    from rotunda_sfu.data_channel import DataConsumer, DataProducer
    from rotunda_sfu.participant import Participant
    from rotunda_sfu.producer import Producer


_AUDIO_KBPS = 128
"""What a limit on video leaves for sound: the congestion control that obeys it has one budget for both."""


class WebRtcTransport:
    """One transport, in the direction that its client sees: it sends on `send`, receives on `recv`.

    Listens to its DTLS session and to its ICE. A failed session closes it and tells its owner; so does
    a client that does not come to connect it.
    """

    def __init__(self, room: RoomContext, owner: Participant, direction: TransportDirection) -> None:
        self.room = room
        self.owner = owner
        self.direction = direction
        self.id = TransportId(room.randomness.identifier())
        self.number = room.worker.next_number()
        self.ice_parameters = room.randomness.ice_parameters()
        self.closed = False
        self.producers: dict[ProducerId, Producer] = {}
        self.consumers: dict[ConsumerId, Consumer] = {}
        self.data_producers: dict[DataProducerId, DataProducer] = {}
        self.data_consumers: dict[DataConsumerId, DataConsumer] = {}
        self._connected = False
        self._next_mid = 0
        self._ssrcs: set[int] = set()
        self._log = room.log.bind(participant=owner.id, transport=self.id)
        room.worker.add_transport(self.number, self.ice_parameters, self)
        if direction == "send" and room.max_video_kbps:
            limit = (room.max_video_kbps + _AUDIO_KBPS) * 1000
            room.worker.set_max_incoming_bitrate(self.number, limit)
        port = WorkerPort(room.worker, self.number)
        self.session = room.sessions.open(self.number, port, self, room.session_limits)
        self._waiting = self._wait_for_connect()

    @classmethod
    def create(cls, room: RoomContext, owner: Participant, direction: TransportDirection) -> WebRtcTransport:
        """Opens one. Raises LimitExceeded."""
        if len(owner.transports) >= room.limits.transports:
            raise LimitExceeded(
                f"a participant has at most {room.limits.transports} transports; close one first"
            )
        transport = cls(room, owner, direction)
        owner.transports[transport.id] = transport
        return transport

    @property
    def ice_candidates(self) -> tuple[IceCandidate, ...]:
        return ice_candidates(self.room.worker.addresses)

    @property
    def dtls_parameters(self) -> DtlsParameters:
        return self.room.sessions.dtls_parameters

    @property
    def sctp_parameters(self) -> SctpParameters:
        return self.room.sessions.sctp_parameters

    def connect(self, remote: DtlsParameters) -> None:
        """Starts the handshake. Raises InvalidState the second time, BadRequest for no usable hash."""
        if self._connected:
            raise InvalidState("the transport is connected already")
        self.session.connect(remote)
        self._connected = True
        self._waiting.cancel()  # From here on the handshake has a deadline of its own.

    def restart_ice(self) -> IceParameters:
        """New credentials; the old ones work until the first valid check with the new."""
        self.ice_parameters = self.room.randomness.ice_parameters()
        self.room.worker.restart_ice(self.number, self.ice_parameters)
        if not self._connected:
            self._waiting.cancel()
            self._waiting = self._wait_for_connect()
        return self.ice_parameters

    def require(self, direction: TransportDirection) -> None:
        """Raises InvalidState unless this is the transport's direction."""
        if self.direction != direction:
            raise InvalidState(
                f"this needs a transport of direction {direction}, this one's is {self.direction}"
            )

    def next_mid(self) -> str:
        """A media id that this transport has never had."""
        mid = str(self._next_mid)
        self._next_mid += 1
        return mid

    def next_ssrc(self) -> int:
        """An SSRC that this transport has never had."""
        while (ssrc := self.room.randomness.ssrc()) in self._ssrcs:
            pass
        self._ssrcs.add(ssrc)
        return ssrc

    def check_incoming(self, mid: str | None, ssrcs: set[int]) -> None:
        """Raises BadRequest where a producer to be would be mistaken for another of this transport."""
        for producer in self.producers.values():
            if mid is not None and producer.mid == mid:
                raise BadRequest(f"{mid} is another producer's on this transport", field="rtpParameters.mid")
            if clash := ssrcs & producer.ssrcs:
                raise BadRequest(
                    f"ssrc {min(clash)} is another producer's on this transport",
                    field="rtpParameters.encodings",
                )

    def close(self, *, cause: ParticipantId | None, reason: str | None = None, announce: bool = True) -> None:
        """Closes it and everything on it. Twice is allowed.

        Without `announce` the others are not told of each producer, because they are told that its
        owner left.
        """
        if self.closed:
            return
        self._end(cause, reason, announce)
        # The worker's side stays until the peer has been sent its close_notify.
        self.session.close(lambda: self.room.worker.remove_transport(self.number))

    def on_keys(self, keys: SrtpKeys) -> None:
        self._log.info("dtls_connected", profile=keys.profile)
        self.room.worker.set_srtp(self.number, keys)

    def on_closed(self, reason: str) -> None:
        if self.closed:
            return
        self._log.info("transport_ended", reason=reason)
        self.room.events.transport_closed(self.owner.id, self.id, reason)
        self._end(None, reason, announce=True)
        self.room.worker.remove_transport(self.number)

    def on_data_limited(self, refused: int) -> None:
        self._log.warning("data_limited", refused_datagrams=refused)
        self.room.events.data_limited(self.owner.id, self.id, refused, self.room.session_limits.data_rate)

    def on_media_limited(self, refused: int) -> None:
        self._log.warning("media_limited", refused_packets=refused)
        self.room.events.media_limited(self.owner.id, self.id, refused, self.room.max_video_kbps)

    def on_data_consumer_closed(self, data_consumer: DataConsumerId, reason: str) -> None:
        if (closed := self.data_consumers.get(data_consumer)) is not None:
            closed.close(cause=None, reason=reason)

    def on_ice_connected(self, remote_ip: str, remote_port: int, protocol: str) -> None:
        self._log.info("ice_connected", remote_ip=remote_ip, remote_port=remote_port, protocol=protocol)

    def on_ice_disconnected(self) -> None:
        self._log.info("ice_disconnected")

    def on_dtls_readable(self) -> None:
        self.session.readable()

    def on_srtp_received(self) -> None:
        self.session.peer_has_keys()

    def _wait_for_connect(self) -> Timer:
        return self.room.clock.call_later(self.room.connect_deadline, self._never_connected)

    def _never_connected(self) -> None:
        reason = f"the transport was not connected within {self.room.connect_deadline:g} s"
        self._log.info("transport_ended", reason=reason)
        self.room.events.transport_closed(self.owner.id, self.id, reason)
        self.close(cause=None, reason=reason)

    def _end(self, cause: ParticipantId | None, reason: str | None, announce: bool) -> None:
        self.closed = True
        self._waiting.cancel()
        for consumer in list(self.consumers.values()):
            consumer.close(cause=cause, reason=reason)
        for producer in list(self.producers.values()):
            producer.close(cause=cause, reason=reason, announce=announce)
        for data_consumer in list(self.data_consumers.values()):
            data_consumer.close(cause=cause, reason=reason)
        for data_producer in list(self.data_producers.values()):
            data_producer.close(cause=cause, reason=reason, announce=announce)
        del self.owner.transports[self.id]
