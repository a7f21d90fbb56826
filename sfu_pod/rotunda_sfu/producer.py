"""A producer: one audio or video stream that a participant sends to the room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from google.protobuf.struct_pb2 import Struct

from rotunda_contract.errors import BadRequest, Forbidden, LimitExceeded
from rotunda_contract.ids import ConsumerId, ParticipantId, ProducerId
from rotunda_contract.pb.events_pb2 import ProducerInfo
from rotunda_contract.rtp import Kind, RtpParameters
from rotunda_contract.signaling.common import SOURCES, Source
from rotunda_sfu import ortc
from rotunda_sfu.media_worker import ProducerMedia
from rotunda_sfu.transport import WebRtcTransport

if TYPE_CHECKING:
    from rotunda_sfu.consumer import Consumer


@dataclass(frozen=True, slots=True)
class ProduceOptions:
    """What a client asks for. An empty `source` is the usual one of the kind."""

    kind: str
    rtp_parameters: RtpParameters
    paused: bool = False
    source: str = ""
    app_data: Struct | None = None


class Producer:
    """One producer. Its pause says nothing of its consumers' own pauses."""

    def __init__(
        self, transport: WebRtcTransport, kind: Kind, source: Source, options: ProduceOptions
    ) -> None:
        self.room = transport.room
        self.transport = transport
        self.owner = transport.owner
        self.id = ProducerId(self.room.randomness.identifier())
        self.number = self.room.worker.next_number()
        self.kind = kind
        self.source = source
        self.paused = options.paused
        self.app_data = Struct(fields=options.app_data.fields if options.app_data else None)
        self.mid = options.rtp_parameters.mid
        self.ssrcs = _ssrcs(options.rtp_parameters)
        self.consumers: dict[ConsumerId, Consumer] = {}
        self.mapping = ortc.producer_mapping(options.rtp_parameters, self.room.capabilities)
        self.consumable = ortc.consumable_parameters(
            kind, options.rtp_parameters, self.room.capabilities, self.mapping
        )
        self.type = ortc.producer_type(options.rtp_parameters)

    @classmethod
    def create(cls, transport: WebRtcTransport, options: ProduceOptions) -> Producer:
        """Starts one and tells the others.

        Raises InvalidState on a receiving transport, Forbidden without the permission to publish,
        LimitExceeded, BadRequest for contradictory parameters, Unsupported for codecs unknown here.
        """
        transport.require("send")
        owner, room = transport.owner, transport.room
        if "publish" not in owner.permissions:
            raise Forbidden("this participant may not publish")
        if len(owner.producers) >= room.limits.producers:
            raise LimitExceeded(
                f"a participant has at most {room.limits.producers} producers; close one first"
            )
        kind = _kind(options.kind)
        source = _source(kind, options.source)
        ortc.validate_producer_parameters(kind, options.rtp_parameters)
        transport.check_incoming(options.rtp_parameters.mid, _ssrcs(options.rtp_parameters))
        producer = cls(transport, kind, source, options)
        producer._start()
        return producer

    @property
    def info(self) -> ProducerInfo:
        return ProducerInfo(
            producer_id=self.id,
            kind=self.kind,
            source=self.source,
            paused=self.paused,
            app_data=self.app_data,
        )

    def pause(self, *, cause: ParticipantId | None, reason: str | None = None) -> None:
        """Nothing of it is forwarded until it resumes. Paused already: nothing happens."""
        if self.paused:
            return
        self.paused = True
        self.room.worker.set_producer_paused(self.number, True)
        self.room.events.producer_paused(self.owner.id, self.id, cause, reason)

    def resume(self) -> None:
        """Only its owner may. Not paused: nothing happens."""
        if not self.paused:
            return
        self.paused = False
        self.room.worker.set_producer_paused(self.number, False)
        self.room.events.producer_resumed(self.owner.id, self.id, self.owner.id)

    def close(self, *, cause: ParticipantId | None, reason: str | None = None, announce: bool = True) -> None:
        """Ends it and all its consumers, whose owners are told."""
        del self.transport.producers[self.id]
        del self.owner.producers[self.id]
        del self.room.producers[self.id]
        if announce:
            self.room.events.producer_closed(self.owner.id, self.id, cause, reason)
        for consumer in list(self.consumers.values()):
            consumer.close(cause=cause, reason=reason)
        self.room.worker.remove_producer(self.number)

    def _start(self) -> None:
        media = ProducerMedia(self.kind, self.mid, self.mapping, self.owner.cname)
        self.room.worker.add_producer(
            self.number,
            router=self.room.router,
            transport=self.transport.number,
            media=media,
            paused=self.paused,
        )
        self.transport.producers[self.id] = self
        self.owner.producers[self.id] = self
        self.room.producers[self.id] = self
        self.room.events.producer_added(self.owner.id, self.info)


def _kind(text: str) -> Kind:
    if text == "audio":
        return "audio"
    if text == "video":
        return "video"
    raise BadRequest(f"must be one of {', '.join(get_args(Kind))}, not {text!r}", field="kind")


def _source(kind: Kind, text: str) -> Source:
    fitting = SOURCES[kind]
    if not text:
        return fitting[0]
    for source in fitting:
        if source == text:
            return source
    raise BadRequest(
        f"{text!r} does not fit {kind}, which takes {' or '.join(fitting)}", field="appData.source"
    )


def _ssrcs(parameters: RtpParameters) -> set[int]:
    found = {encoding.ssrc for encoding in parameters.encodings}
    found |= {encoding.rtx.ssrc for encoding in parameters.encodings if encoding.rtx is not None}
    return {ssrc for ssrc in found if ssrc is not None}
