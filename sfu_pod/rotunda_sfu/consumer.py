"""A consumer: one producer's stream on its way to one other participant."""

from __future__ import annotations

from rotunda_contract.errors import Forbidden, LimitExceeded, NotFound, Unsupported
from rotunda_contract.ids import ConsumerId, ParticipantId, ProducerId
from rotunda_contract.rtp import RtpCapabilities
from rotunda_sfu import ortc
from rotunda_sfu.media_worker import ConsumerMedia, Layers
from rotunda_sfu.producer import Producer
from rotunda_sfu.scalability import layers_of
from rotunda_sfu.transport import WebRtcTransport


class Consumer:
    """One consumer. Starts paused, and only its owner resumes it."""

    def __init__(self, transport: WebRtcTransport, producer: Producer, capabilities: RtpCapabilities) -> None:
        self.room = transport.room
        self.transport = transport
        self.owner = transport.owner
        self.producer = producer
        self.id = ConsumerId(self.room.randomness.identifier())
        self.number = self.room.worker.next_number()
        self.paused = True
        self.layers: Layers | None = None
        self.ssrc = transport.next_ssrc()
        self.rtp_parameters = ortc.consumer_parameters(
            producer.consumable,
            capabilities,
            mid=transport.next_mid(),
            ssrc=self.ssrc,
            rtx_ssrc=transport.next_ssrc(),
            cname=producer.owner.cname,
        )
        rtx = self.rtp_parameters.encodings[0].rtx
        self.rtx_ssrc = rtx.ssrc if rtx is not None else None

    @classmethod
    def create(
        cls, transport: WebRtcTransport, producer_id: ProducerId, capabilities: RtpCapabilities
    ) -> Consumer:
        """Starts one, paused.

        Raises InvalidState on a sending transport, Forbidden without the permission to subscribe,
        NotFound for a producer that is unknown, one's own or in another room, LimitExceeded, and
        Unsupported where the client cannot take what the producer sends.
        """
        transport.require("recv")
        owner, room = transport.owner, transport.room
        if "subscribe" not in owner.permissions:
            raise Forbidden("this participant may not subscribe")
        producer = room.producers.get(producer_id)
        if producer is None or producer.owner is owner:
            raise NotFound("no such producer of another participant")
        if len(owner.consumers) >= room.limits.consumers:
            raise LimitExceeded(
                f"a participant has at most {room.limits.consumers} consumers; close one first"
            )
        if not ortc.can_consume(producer.consumable, capabilities):
            raise Unsupported("rtpCapabilities: no codec that this producer sends")
        consumer = cls(transport, producer, capabilities)
        consumer._start()
        return consumer

    def pause(self) -> None:
        """Independent of the producer's pause. Paused already: nothing happens."""
        if not self.paused:
            self.paused = True
            self.room.worker.set_consumer_paused(self.number, True)

    def resume(self) -> None:
        """Video starts with a key frame. Not paused: nothing happens."""
        if self.paused:
            self.paused = False
            self.room.worker.set_consumer_paused(self.number, False)

    def set_preferred_layers(self, spatial: int, temporal: int | None) -> Layers:
        """The highest layers that its owner wants, clamped to what there is, which is the answer."""
        counts = layers_of(self.rtp_parameters.encodings[0].scalability_mode)
        highest = Layers(counts.spatial - 1, counts.temporal - 1)
        wanted = highest.temporal if temporal is None else temporal
        chosen = Layers(min(spatial, highest.spatial), min(wanted, highest.temporal))
        self.room.worker.set_preferred_layers(self.number, chosen.spatial, chosen.temporal)
        return chosen

    def request_key_frame(self) -> None:
        """Asks the producer for a key frame, throttled. Of audio: nothing happens."""
        if self.producer.kind == "video":
            self.room.worker.request_key_frame(self.number)

    def close(self, *, cause: ParticipantId | None, reason: str | None = None) -> None:
        """Ends it; its owner is told unless it asked for it."""
        del self.transport.consumers[self.id]
        del self.owner.consumers[self.id]
        del self.producer.consumers[self.id]
        self.room.worker.remove_consumer(self.number)
        if cause != self.owner.id:
            self.room.events.consumer_closed(self.owner.id, self.id, self.producer.id, cause, reason)

    def on_layers_changed(self, layers: Layers | None) -> None:
        if self.producer.kind == "video" and layers != self.layers:
            self.layers = layers
            self.room.events.consumer_layers_changed(self.owner.id, self.id, layers)

    def _start(self) -> None:
        mapping = ortc.consumer_mapping(self.rtp_parameters)
        mid = self.rtp_parameters.mid or ""
        media = ConsumerMedia(mid, self.ssrc, self.rtx_ssrc, mapping, self.producer.owner.cname)
        self.room.worker.add_consumer(
            self.number,
            transport=self.transport.number,
            producer=self.producer.number,
            media=media,
            listener=self,
        )
        self.transport.consumers[self.id] = self
        self.owner.consumers[self.id] = self
        self.producer.consumers[self.id] = self
