"""Data producers and consumers."""

from rotunda_contract.ids import DataProducerId
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import rtp_pb2
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_contract.wire import from_message, to_message
from rotunda_sfu.data_channel import DataConsumer, DataProducer
from rotunda_sfu.node import Node
from rotunda_sfu.service import lookup


def produce(node: Node, request: pb.ProduceDataRequest) -> pb.ProduceDataResponse:
    transport = lookup.participant(node, request.actor).transport(request.transport_id)
    stream = from_message(SctpStreamParameters, request.sctp_stream_parameters, field="sctpStreamParameters")
    producer = DataProducer.create(
        transport, stream, label=request.label, protocol=request.protocol, app_data=request.app_data
    )
    return pb.ProduceDataResponse(id=producer.id)


def consume(node: Node, request: pb.ConsumeDataRequest) -> pb.ConsumeDataResponse:
    transport = lookup.participant(node, request.actor).transport(request.transport_id)
    consumer = DataConsumer.create(transport, DataProducerId(request.data_producer_id))
    producer = consumer.producer
    return pb.ConsumeDataResponse(
        id=consumer.id,
        data_producer_id=producer.id,
        sctp_stream_parameters=to_message(consumer.stream, rtp_pb2.SctpStreamParameters),
        label=producer.label,
        protocol=producer.protocol,
        app_data=producer.app_data,
    )


def close_producer(node: Node, request: pb.DataProducerRequest) -> pb.DataProducerResponse:
    producer = lookup.participant(node, request.actor).data_producer(request.data_producer_id)
    producer.close(cause=producer.owner.id)
    return pb.DataProducerResponse()


def close_consumer(node: Node, request: pb.DataConsumerRequest) -> pb.DataConsumerResponse:
    consumer = lookup.participant(node, request.actor).data_consumer(request.data_consumer_id)
    consumer.close(cause=consumer.owner.id)
    return pb.DataConsumerResponse()
