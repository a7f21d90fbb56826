"""Consumers."""

from functools import lru_cache

from rotunda_contract.ids import ProducerId
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import rtp_pb2
from rotunda_contract.rtp import RtpCapabilities
from rotunda_contract.wire import from_message, to_message
from rotunda_sfu import subscribing
from rotunda_sfu.consumer import Consumer
from rotunda_sfu.node import Node
from rotunda_sfu.service import lookup


def consume(node: Node, request: pb.ConsumeRequest) -> pb.ConsumeResponse:
    participant = lookup.participant(node, request.actor)
    transport = participant.transport(request.transport_id)
    capabilities = _capabilities(request.rtp_capabilities.SerializeToString(deterministic=True))
    consumer = subscribing.consume(participant.room, transport, ProducerId(request.producer_id), capabilities)
    producers = participant.room.relations.producers
    producer = producers[consumer.producer_id]
    return pb.ConsumeResponse(
        id=consumer.id,
        producer_id=producer.id,
        participant_id=producers.origin(producer).id,
        kind=producer.kind,
        rtp_parameters=to_message(consumer.rtp_parameters, rtp_pb2.RtpParameters),
        type=producer.type,
        producer_paused=producer.paused,
        app_data=producer.app_data,
    )


def pause(node: Node, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
    _own(node, request.actor, request.consumer_id).pause()
    return pb.ConsumerResponse()


def resume(node: Node, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
    _own(node, request.actor, request.consumer_id).resume()
    return pb.ConsumerResponse()


def close(node: Node, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
    participant = lookup.participant(node, request.actor)
    consumer = participant.consumer(request.consumer_id)
    participant.room.relations.end_consumer(consumer, cause=participant.id)
    return pb.ConsumerResponse()


def request_key_frame(node: Node, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
    _own(node, request.actor, request.consumer_id).request_key_frame()
    return pb.ConsumerResponse()


def set_preferred_layers(node: Node, request: pb.SetConsumerPreferredLayersRequest) -> pb.ConsumerResponse:
    consumer = _own(node, request.actor, request.consumer_id)
    temporal = request.temporal_layer if request.HasField("temporal_layer") else None
    consumer.set_preferred_layers(request.spatial_layer, temporal)
    return pb.ConsumerResponse()


@lru_cache(maxsize=256)
def _capabilities(serialized: bytes) -> RtpCapabilities:
    """A client sends the same ones with each request, and reading them is half of the work."""
    message = rtp_pb2.RtpCapabilities.FromString(serialized)
    return from_message(RtpCapabilities, message, field="rtpCapabilities")


def _own(node: Node, actor: pb.Actor, consumer_id: str) -> Consumer:
    return lookup.participant(node, actor).consumer(consumer_id)
