"""What an origin sends: who may send what, and the events about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from google.protobuf.struct_pb2 import Struct

from rotunda_contract.errors import BadRequest, LimitExceeded
from rotunda_contract.ids import DataProducerId, ParticipantId, ProducerId
from rotunda_contract.rtp import Kind, RtpParameters, SctpStreamParameters
from rotunda_contract.signaling.common import SOURCES, Source
from rotunda_sfu import ortc
from rotunda_sfu.context import RoomContext
from rotunda_sfu.data_channel import DataProducer
from rotunda_sfu.producer import Producer, ssrcs_of
from rotunda_sfu.transports.transport import Transport


@dataclass(frozen=True, slots=True)
class ProduceOptions:
    """What a client asks for. An empty `source` is the usual one of the kind."""

    kind: str
    rtp_parameters: RtpParameters
    paused: bool = False
    source: str = ""
    app_data: Struct | None = None


@dataclass(frozen=True, slots=True)
class ProduceDataOptions:
    """What a client asks for."""

    stream: SctpStreamParameters
    label: str
    protocol: str
    app_data: Struct | None = None


def produce(room: RoomContext, transport: Transport, options: ProduceOptions) -> Producer:
    """Starts a producer and emits the event.

    Raises InvalidState on a receiving transport, Forbidden without the permission to publish,
    LimitExceeded, BadRequest for contradictory parameters, Unsupported for codecs unknown here.
    """
    origin = room.relations.origin_that_may("publish", transport, "send")
    most = origin.limits.producers
    if len(room.relations.producers.of(origin)) >= most:
        raise LimitExceeded(f"a participant has at most {most} producers; close one first")
    kind = _kind(options.kind)
    source = _source(kind, options.source)
    ortc.validate_producer_parameters(kind, options.rtp_parameters)
    _check_distinct(room, transport, options.rtp_parameters)
    producer = Producer(
        room.worker,
        ProducerId(room.randomness.identifier()),
        kind=kind,
        source=source,
        rtp_parameters=options.rtp_parameters,
        capabilities=room.capabilities,
        cname=origin.cname,
        paused=options.paused,
        app_data=options.app_data,
    )
    producer.start(router=room.router, transport=transport.number)
    room.relations.producers.add(producer, origin, transport)
    room.events.producer_added(origin.id, producer.info)
    return producer


def pause(
    room: RoomContext, producer: Producer, *, cause: ParticipantId | None, reason: str | None = None
) -> None:
    """Pauses it and emits the event, if it was not paused."""
    if producer.pause():
        origin = room.relations.producers.origin(producer)
        room.events.producer_paused(origin.id, producer.id, cause, reason)


def resume(room: RoomContext, producer: Producer) -> None:
    """At the wish of its origin, which alone may. Emits the event, if it was paused."""
    if producer.resume():
        origin = room.relations.producers.origin(producer)
        room.events.producer_resumed(origin.id, producer.id, origin.id)


def produce_data(room: RoomContext, transport: Transport, options: ProduceDataOptions) -> DataProducer:
    """Starts a data producer and emits the event.

    Raises InvalidState on a receiving transport, Forbidden without the permission to publish,
    LimitExceeded, and BadRequest for a stream that is out of range or in use.
    """
    origin = room.relations.origin_that_may("publish", transport, "send")
    most = origin.limits.data_producers
    if len(room.relations.data_producers.of(origin)) >= most:
        raise LimitExceeded(f"a participant has at most {most} data producers")
    producer = DataProducer(
        transport.data_streams,
        DataProducerId(room.randomness.identifier()),
        options.stream,
        label=options.label,
        protocol=options.protocol,
        app_data=options.app_data,
    )
    room.relations.data_producers.add(producer, origin, transport)
    room.events.data_producer_added(origin.id, producer.info)
    return producer


def _check_distinct(room: RoomContext, transport: Transport, parameters: RtpParameters) -> None:
    """Raises BadRequest where a producer to be would be mistaken for another of this transport."""
    ssrcs = ssrcs_of(parameters)
    for producer in room.relations.producers.of(transport).values():
        if parameters.mid is not None and producer.mid == parameters.mid:
            raise BadRequest(
                f"{parameters.mid} is another producer's on this transport", field="rtpParameters.mid"
            )
        if clash := ssrcs & producer.ssrcs:
            raise BadRequest(
                f"ssrc {min(clash)} is another producer's on this transport",
                field="rtpParameters.encodings",
            )


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
