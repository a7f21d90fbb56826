"""Requests about transports, producers, consumers and data channels: asked of the media node."""

from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import rtp_pb2, transport_pb2
from rotunda_contract.rtp import (
    DtlsParameters,
    IceCandidate,
    IceParameters,
    RtpParameters,
    SctpParameters,
    SctpStreamParameters,
)
from rotunda_contract.signaling import answers, requests
from rotunda_contract.signaling.answers import EmptyAnswer
from rotunda_contract.wire import from_message, from_struct, to_message, to_struct
from rotunda_signaling.service.session import Session


async def create_web_rtc_transport(
    session: Session, request: requests.CreateWebRtcTransportRequest
) -> answers.CreateWebRtcTransportAnswer:
    session.require("publish" if request.direction == "send" else "subscribe")
    made = await session.node.create_web_rtc_transport(
        pb.CreateWebRtcTransportRequest(actor=session.actor, direction=request.direction)
    )
    return answers.CreateWebRtcTransportAnswer(
        id=made.id,
        ice_parameters=from_message(IceParameters, made.ice_parameters),
        ice_candidates=tuple(from_message(IceCandidate, item) for item in made.ice_candidates),
        dtls_parameters=from_message(DtlsParameters, made.dtls_parameters),
        sctp_parameters=from_message(SctpParameters, made.sctp_parameters),
    )


async def connect_web_rtc_transport(
    session: Session, request: requests.ConnectWebRtcTransportRequest
) -> EmptyAnswer:
    await session.node.connect_web_rtc_transport(
        pb.ConnectWebRtcTransportRequest(
            actor=session.actor,
            transport_id=request.transport_id,
            dtls_parameters=to_message(request.dtls_parameters, transport_pb2.DtlsParameters),
        )
    )
    return EmptyAnswer()


async def restart_ice(session: Session, request: requests.TransportRequest) -> answers.RestartIceAnswer:
    restarted = await session.node.restart_ice(
        pb.RestartIceRequest(actor=session.actor, transport_id=request.transport_id)
    )
    return answers.RestartIceAnswer(
        ice_parameters=from_message(IceParameters, restarted.ice_parameters),
        ice_servers=session.ice_servers(session.participant_id) or None,
    )


async def close_transport(session: Session, request: requests.TransportRequest) -> EmptyAnswer:
    await session.node.close_transport(
        pb.CloseTransportRequest(actor=session.actor, transport_id=request.transport_id)
    )
    return EmptyAnswer()


async def produce(session: Session, request: requests.ProduceRequest) -> answers.CreatedAnswer:
    made = await session.node.produce(
        pb.ProduceRequest(
            actor=session.actor,
            transport_id=request.transport_id,
            kind=request.kind,
            rtp_parameters=to_message(request.rtp_parameters, rtp_pb2.RtpParameters),
            paused=request.paused,
            source=request.source,
            app_data=to_struct(request.app_data),
        )
    )
    return answers.CreatedAnswer(id=made.id)


async def pause_producer(session: Session, request: requests.ProducerRequest) -> EmptyAnswer:
    await session.node.pause_producer(_producer(session, request))
    return EmptyAnswer()


async def resume_producer(session: Session, request: requests.ProducerRequest) -> EmptyAnswer:
    await session.node.resume_producer(_producer(session, request))
    return EmptyAnswer()


async def close_producer(session: Session, request: requests.ProducerRequest) -> EmptyAnswer:
    await session.node.close_producer(_producer(session, request))
    return EmptyAnswer()


async def consume(session: Session, request: requests.ConsumeRequest) -> answers.ConsumeAnswer:
    made = await session.node.consume(
        pb.ConsumeRequest(
            actor=session.actor,
            transport_id=request.transport_id,
            producer_id=request.producer_id,
            rtp_capabilities=to_message(request.rtp_capabilities, rtp_pb2.RtpCapabilities),
        )
    )
    return answers.ConsumeAnswer.model_validate(
        {
            "id": made.id,
            "producerId": made.producer_id,
            "participantId": made.participant_id,
            "kind": made.kind,
            "rtpParameters": from_message(RtpParameters, made.rtp_parameters),
            "type": made.type,
            "producerPaused": made.producer_paused,
            "appData": from_struct(made.app_data),
        }
    )


async def pause_consumer(session: Session, request: requests.ConsumerRequest) -> EmptyAnswer:
    await session.node.pause_consumer(_consumer(session, request))
    return EmptyAnswer()


async def resume_consumer(session: Session, request: requests.ConsumerRequest) -> EmptyAnswer:
    await session.node.resume_consumer(_consumer(session, request))
    return EmptyAnswer()


async def close_consumer(session: Session, request: requests.ConsumerRequest) -> EmptyAnswer:
    await session.node.close_consumer(_consumer(session, request))
    return EmptyAnswer()


async def request_key_frame(session: Session, request: requests.ConsumerRequest) -> EmptyAnswer:
    await session.node.request_key_frame(_consumer(session, request))
    return EmptyAnswer()


async def set_consumer_preferred_layers(
    session: Session, request: requests.SetConsumerPreferredLayersRequest
) -> EmptyAnswer:
    await session.node.set_consumer_preferred_layers(
        pb.SetConsumerPreferredLayersRequest(
            actor=session.actor,
            consumer_id=request.consumer_id,
            spatial_layer=request.spatial_layer,
            temporal_layer=request.temporal_layer,
        )
    )
    return EmptyAnswer()


async def produce_data(session: Session, request: requests.ProduceDataRequest) -> answers.CreatedAnswer:
    made = await session.node.produce_data(
        pb.ProduceDataRequest(
            actor=session.actor,
            transport_id=request.transport_id,
            sctp_stream_parameters=to_message(request.sctp_stream_parameters, rtp_pb2.SctpStreamParameters),
            label=request.label,
            protocol=request.protocol,
            app_data=to_struct(request.app_data),
        )
    )
    return answers.CreatedAnswer(id=made.id)


async def consume_data(session: Session, request: requests.ConsumeDataRequest) -> answers.ConsumeDataAnswer:
    made = await session.node.consume_data(
        pb.ConsumeDataRequest(
            actor=session.actor,
            transport_id=request.transport_id,
            data_producer_id=request.data_producer_id,
        )
    )
    return answers.ConsumeDataAnswer(
        id=made.id,
        data_producer_id=made.data_producer_id,
        sctp_stream_parameters=from_message(SctpStreamParameters, made.sctp_stream_parameters),
        label=made.label,
        protocol=made.protocol,
        app_data=from_struct(made.app_data),
    )


async def close_data_producer(session: Session, request: requests.DataProducerRequest) -> EmptyAnswer:
    await session.node.close_data_producer(
        pb.DataProducerRequest(actor=session.actor, data_producer_id=request.data_producer_id)
    )
    return EmptyAnswer()


async def close_data_consumer(session: Session, request: requests.DataConsumerRequest) -> EmptyAnswer:
    await session.node.close_data_consumer(
        pb.DataConsumerRequest(actor=session.actor, data_consumer_id=request.data_consumer_id)
    )
    return EmptyAnswer()


def _producer(session: Session, request: requests.ProducerRequest) -> pb.ProducerRequest:
    return pb.ProducerRequest(actor=session.actor, producer_id=request.producer_id)


def _consumer(session: Session, request: requests.ConsumerRequest) -> pb.ConsumerRequest:
    return pb.ConsumerRequest(actor=session.actor, consumer_id=request.consumer_id)
