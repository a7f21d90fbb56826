"""Data producers and consumers."""

from rotunda_contract.ids import DataProducerId
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import rtp_pb2
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_contract.wire import from_message, to_message
from rotunda_sfu import publishing, subscribing
from rotunda_sfu.node import Node
from rotunda_sfu.publishing import ProduceDataOptions
from rotunda_sfu.service import lookup


def produce(node: Node, request: pb.ProduceDataRequest) -> pb.ProduceDataResponse:
    participant = lookup.participant(node, request.actor)
    transport = participant.transport(request.transport_id)
    stream = from_message(SctpStreamParameters, request.sctp_stream_parameters, field="sctpStreamParameters")
    options = ProduceDataOptions(stream, request.label, request.protocol, request.app_data)
    return pb.ProduceDataResponse(id=publishing.produce_data(participant.room, transport, options).id)


def consume(node: Node, request: pb.ConsumeDataRequest) -> pb.ConsumeDataResponse:
    participant = lookup.participant(node, request.actor)
    transport = participant.transport(request.transport_id)
    producer_id = DataProducerId(request.data_producer_id)
    consumer = subscribing.consume_data(participant.room, transport, producer_id)
    producer = participant.room.relations.data_producers[consumer.data_producer_id]
    return pb.ConsumeDataResponse(
        id=consumer.id,
        data_producer_id=producer.id,
        sctp_stream_parameters=to_message(consumer.stream, rtp_pb2.SctpStreamParameters),
        label=producer.label,
        protocol=producer.protocol,
        app_data=producer.app_data,
    )


def close_producer(node: Node, request: pb.DataProducerRequest) -> pb.DataProducerResponse:
    participant = lookup.participant(node, request.actor)
    producer = participant.data_producer(request.data_producer_id)
    participant.room.relations.end_data_producer(producer, cause=participant.id)
    return pb.DataProducerResponse()


def close_consumer(node: Node, request: pb.DataConsumerRequest) -> pb.DataConsumerResponse:
    participant = lookup.participant(node, request.actor)
    consumer = participant.data_consumer(request.data_consumer_id)
    participant.room.relations.end_data_consumer(consumer, cause=participant.id)
    return pb.DataConsumerResponse()
