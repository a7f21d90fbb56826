"""A producer: one audio or video stream that its origin sends to the room."""

from __future__ import annotations

from google.protobuf.struct_pb2 import Struct

from rotunda_contract.ids import ProducerId
from rotunda_contract.pb.events_pb2 import ProducerInfo
from rotunda_contract.rtp import Kind, RtpCapabilities, RtpParameters
from rotunda_contract.signaling.common import Source
from rotunda_sfu import ortc
from rotunda_sfu.media_worker import MediaWorker, ProducerMedia


class Producer:
    """One producer, known to nobody before `start`. Its pause says nothing of its consumers' own pauses."""

    def __init__(
        self,
        worker: MediaWorker,
        producer_id: ProducerId,
        *,
        kind: Kind,
        source: Source,
        rtp_parameters: RtpParameters,
        capabilities: RtpCapabilities,
        cname: str,
        paused: bool,
        app_data: Struct | None,
    ) -> None:
        """`capabilities` are the room's. Raises Unsupported for codecs unknown there."""
        self.id = producer_id
        self.number = worker.next_number()
        self.kind = kind
        self.source = source
        self.paused = paused
        self.app_data = Struct(fields=app_data.fields if app_data else None)
        self.cname = cname
        self.mid = rtp_parameters.mid
        self.ssrcs = ssrcs_of(rtp_parameters)
        self.mapping = ortc.producer_mapping(rtp_parameters, capabilities)
        self.consumable = ortc.consumable_parameters(kind, rtp_parameters, capabilities, self.mapping)
        self.type = ortc.producer_type(rtp_parameters)
        self._worker = worker

    @property
    def info(self) -> ProducerInfo:
        return ProducerInfo(
            producer_id=self.id,
            kind=self.kind,
            source=self.source,
            paused=self.paused,
            app_data=self.app_data,
        )

    def start(self, *, router: int, transport: int) -> None:
        """Takes what arrives on the transport of this number."""
        media = ProducerMedia(self.kind, self.mid, self.mapping, self.cname)
        self._worker.add_producer(
            self.number, router=router, transport=transport, media=media, paused=self.paused
        )

    def pause(self) -> bool:
        """Nothing of it is forwarded until it resumes. False where it was paused already."""
        return self._set_paused(True)

    def resume(self) -> bool:
        """False where it was not paused."""
        return self._set_paused(False)

    def close(self) -> None:
        """Its consumers have ended before."""
        self._worker.remove_producer(self.number)

    def _set_paused(self, paused: bool) -> bool:
        if self.paused is paused:
            return False
        self.paused = paused
        self._worker.set_producer_paused(self.number, paused)
        return True


def ssrcs_of(parameters: RtpParameters) -> set[int]:
    """Those that a producer says it sends with; none where its encodings have ids instead."""
    found = {encoding.ssrc for encoding in parameters.encodings}
    found |= {encoding.rtx.ssrc for encoding in parameters.encodings if encoding.rtx is not None}
    return {ssrc for ssrc in found if ssrc is not None}
