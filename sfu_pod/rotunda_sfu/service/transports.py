"""WebRTC transports."""

from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import transport_pb2
from rotunda_contract.rtp import DtlsParameters
from rotunda_contract.wire import from_message, to_message
from rotunda_sfu.node import Node
from rotunda_sfu.service import lookup
from rotunda_sfu.transports.webrtc import WebRtcTransport


def create(node: Node, request: pb.CreateWebRtcTransportRequest) -> pb.CreateWebRtcTransportResponse:
    transport = lookup.participant(node, request.actor).create_transport(request.direction)
    return pb.CreateWebRtcTransportResponse(
        id=transport.id,
        ice_parameters=to_message(transport.ice_parameters, transport_pb2.IceParameters),
        ice_candidates=[to_message(each, transport_pb2.IceCandidate) for each in transport.ice_candidates],
        dtls_parameters=to_message(transport.dtls_parameters, transport_pb2.DtlsParameters),
        sctp_parameters=to_message(transport.sctp_parameters, transport_pb2.SctpParameters),
    )


def connect(node: Node, request: pb.ConnectWebRtcTransportRequest) -> pb.ConnectWebRtcTransportResponse:
    transport = _transport(node, request.actor, request.transport_id)
    transport.connect(from_message(DtlsParameters, request.dtls_parameters, field="dtlsParameters"))
    return pb.ConnectWebRtcTransportResponse()


def restart_ice(node: Node, request: pb.RestartIceRequest) -> pb.RestartIceResponse:
    ice = _transport(node, request.actor, request.transport_id).restart_ice()
    return pb.RestartIceResponse(ice_parameters=to_message(ice, transport_pb2.IceParameters))


def close(node: Node, request: pb.CloseTransportRequest) -> pb.CloseTransportResponse:
    participant = lookup.participant(node, request.actor)
    transport = participant.transport(request.transport_id)
    participant.room.relations.end_transport(transport, cause=participant.id)
    return pb.CloseTransportResponse()


def _transport(node: Node, actor: pb.Actor, transport_id: str) -> WebRtcTransport:
    return lookup.participant(node, actor).webrtc_transport(transport_id)
