"""Producers."""

from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.rtp import RtpParameters
from rotunda_contract.wire import from_message
from rotunda_sfu.node import Node
from rotunda_sfu.producer import ProduceOptions, Producer
from rotunda_sfu.service import lookup


def produce(node: Node, request: pb.ProduceRequest) -> pb.ProduceResponse:
    transport = lookup.participant(node, request.actor).transport(request.transport_id)
    options = ProduceOptions(
        kind=request.kind,
        rtp_parameters=from_message(RtpParameters, request.rtp_parameters, field="rtpParameters"),
        paused=request.paused,
        source=request.source,
        app_data=request.app_data,
    )
    return pb.ProduceResponse(id=Producer.create(transport, options).id)


def pause(node: Node, request: pb.ProducerRequest) -> pb.ProducerResponse:
    producer = _own(node, request)
    producer.pause(cause=producer.owner.id)
    return pb.ProducerResponse()


def resume(node: Node, request: pb.ProducerRequest) -> pb.ProducerResponse:
    _own(node, request).resume()
    return pb.ProducerResponse()


def close(node: Node, request: pb.ProducerRequest) -> pb.ProducerResponse:
    producer = _own(node, request)
    producer.close(cause=producer.owner.id)
    return pb.ProducerResponse()


def mute(node: Node, request: pb.MuteProducerRequest) -> pb.ProducerResponse:
    producer = lookup.room(node, request.room_key).producer(request.producer_id)
    producer.pause(cause=None, reason=request.reason or "muted")
    return pb.ProducerResponse()


def _own(node: Node, request: pb.ProducerRequest) -> Producer:
    return lookup.participant(node, request.actor).producer(request.producer_id)
