"""Producers."""

from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.rtp import RtpParameters
from rotunda_contract.wire import from_message
from rotunda_sfu import publishing
from rotunda_sfu.node import Node
from rotunda_sfu.publishing import ProduceOptions
from rotunda_sfu.service import lookup


def produce(node: Node, request: pb.ProduceRequest) -> pb.ProduceResponse:
    participant = lookup.participant(node, request.actor)
    transport = participant.transport(request.transport_id)
    options = ProduceOptions(
        kind=request.kind,
        rtp_parameters=from_message(RtpParameters, request.rtp_parameters, field="rtpParameters"),
        paused=request.paused,
        source=request.source,
        app_data=request.app_data,
    )
    return pb.ProduceResponse(id=publishing.produce(participant.room, transport, options).id)


def pause(node: Node, request: pb.ProducerRequest) -> pb.ProducerResponse:
    participant = lookup.participant(node, request.actor)
    producer = participant.producer(request.producer_id)
    publishing.pause(participant.room, producer, cause=participant.id)
    return pb.ProducerResponse()


def resume(node: Node, request: pb.ProducerRequest) -> pb.ProducerResponse:
    participant = lookup.participant(node, request.actor)
    publishing.resume(participant.room, participant.producer(request.producer_id))
    return pb.ProducerResponse()


def close(node: Node, request: pb.ProducerRequest) -> pb.ProducerResponse:
    participant = lookup.participant(node, request.actor)
    producer = participant.producer(request.producer_id)
    participant.room.relations.end_producer(producer, cause=participant.id)
    return pb.ProducerResponse()


def mute(node: Node, request: pb.MuteProducerRequest) -> pb.ProducerResponse:
    room = lookup.room(node, request.room_key)
    producer = room.producer(request.producer_id)
    publishing.pause(room.context, producer, cause=None, reason=request.reason or "muted")
    return pb.ProducerResponse()
