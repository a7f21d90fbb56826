"""A consumer: one producer's stream on its way to another origin."""

from __future__ import annotations

from typing import Protocol

from rotunda_contract.ids import ConsumerId
from rotunda_contract.rtp import RtpCapabilities
from rotunda_sfu import ortc
from rotunda_sfu.media_worker import ConsumerMedia, Layers, MediaWorker
from rotunda_sfu.producer import Producer
from rotunda_sfu.scalability import layers_of
from rotunda_sfu.transports.transport import MediaNumbers


class ConsumerListener(Protocol):
    """Whoever keeps consumers."""

    def on_layers_changed(self, consumer: Consumer) -> None:
        """`layers` is another one than before. Of video only."""


class Consumer:
    """One consumer, known to nobody before `start`. Starts paused, and only its origin resumes it."""

    def __init__(
        self,
        worker: MediaWorker,
        consumer_id: ConsumerId,
        producer: Producer,
        *,
        capabilities: RtpCapabilities,
        numbers: MediaNumbers,
        listener: ConsumerListener,
    ) -> None:
        """`capabilities` are the receiver's, `numbers` those of the transport that it goes out by."""
        self.id = consumer_id
        self.number = worker.next_number()
        self.producer_id = producer.id
        self.kind = producer.kind
        self.paused = True
        self.layers: Layers | None = None
        self.ssrc = numbers.next_ssrc()
        self.rtp_parameters = ortc.consumer_parameters(
            producer.consumable,
            capabilities,
            mid=numbers.next_mid(),
            ssrc=self.ssrc,
            rtx_ssrc=numbers.next_ssrc(),
            cname=producer.cname,
        )
        rtx = self.rtp_parameters.encodings[0].rtx
        self.rtx_ssrc = rtx.ssrc if rtx is not None else None
        self._worker = worker
        self._listener = listener

    def start(self, *, producer: int, transport: int) -> None:
        """Forwards what the producer of this number sends to the transport of that number."""
        mapping = ortc.consumer_mapping(self.rtp_parameters)
        cname = self.rtp_parameters.rtcp.cname or ""
        media = ConsumerMedia(self.rtp_parameters.mid or "", self.ssrc, self.rtx_ssrc, mapping, cname)
        self._worker.add_consumer(
            self.number, transport=transport, producer=producer, media=media, listener=self
        )

    def pause(self) -> None:
        """Independent of the producer's pause. Paused already: nothing happens."""
        if not self.paused:
            self.paused = True
            self._worker.set_consumer_paused(self.number, True)

    def resume(self) -> None:
        """Video starts with a key frame. Not paused: nothing happens."""
        if self.paused:
            self.paused = False
            self._worker.set_consumer_paused(self.number, False)

    def set_preferred_layers(self, spatial: int, temporal: int | None) -> Layers:
        """The highest layers that its origin wants, clamped to what there is, which is the answer."""
        counts = layers_of(self.rtp_parameters.encodings[0].scalability_mode)
        highest = Layers(counts.spatial - 1, counts.temporal - 1)
        wanted = highest.temporal if temporal is None else temporal
        chosen = Layers(min(spatial, highest.spatial), min(wanted, highest.temporal))
        self._worker.set_preferred_layers(self.number, chosen.spatial, chosen.temporal)
        return chosen

    def request_key_frame(self) -> None:
        """Asks the producer for a key frame, throttled. Of audio: nothing happens."""
        if self.kind == "video":
            self._worker.request_key_frame(self.number)

    def close(self) -> None:
        self._worker.remove_consumer(self.number)

    def on_layers_changed(self, layers: Layers | None) -> None:
        """From the media worker."""
        if self.kind == "video" and layers != self.layers:
            self.layers = layers
            self._listener.on_layers_changed(self)
