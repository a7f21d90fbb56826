"""Rooms and who is in them."""

from rotunda_contract.errors import BadRequest
from rotunda_contract.ids import ConnectionId, SeatToken, WatcherId
from rotunda_contract.kinds import parse_kind
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import rtp_pb2
from rotunda_contract.rtp import RtpCapabilities
from rotunda_contract.signaling.requests import ReactRequest, SetAttributesRequest
from rotunda_contract.wire import parse, to_message
from rotunda_sfu.node import Node, RoomOptions
from rotunda_sfu.participant import Connection, Participant
from rotunda_sfu.room import JoinOptions
from rotunda_sfu.service import lookup


def describe(node: Node, request: pb.DescribeRequest) -> pb.DescribeResponse:
    return pb.DescribeResponse(
        process_id=node.process_id,
        node_name=node.settings.node_name,
        router_rtp_capabilities=_capabilities(node.capabilities),
    )


def open_room(node: Node, request: pb.OpenRoomRequest) -> pb.OpenRoomResponse:
    settings = request.settings
    options = RoomOptions(
        settings.max_participants,
        tuple(settings.video_codecs),
        max_video_kbps=settings.max_video_kbps,
        uid=request.room_uid,
    )
    room = node.open_room(lookup.assignment(request.room_key), options)
    return pb.OpenRoomResponse(router_rtp_capabilities=_capabilities(room.context.capabilities))


def close_room(node: Node, request: pb.CloseRoomRequest) -> pb.CloseRoomResponse:
    reason = request.reason or "closed"
    node.close_room(lookup.assignment(request.room_key), reason, rejoin=request.rejoin)
    return pb.CloseRoomResponse()


def join(node: Node, request: pb.JoinRequest) -> pb.JoinResponse:
    room = lookup.room(node, request.room_key)
    if not request.connection_id:
        raise BadRequest("must not be empty", field="connectionId")
    connection = Connection(ConnectionId(request.connection_id), WatcherId(request.watcher_id))
    options = JoinOptions(
        request.display_name,
        tuple(request.permissions),
        SeatToken(request.seat) or None,
        identity=request.identity,
        token_id=request.token_id,
        resume_only=request.resume_only,
        kind=parse_kind(request.kind),
    )
    joined = room.join(connection, options)
    return pb.JoinResponse(
        participant_id=joined.participant.id,
        seat=joined.participant.seat,
        resumed=joined.resumed,
        reconnect_grace_seconds=node.settings.reconnect_grace,
        event_number=joined.event_number,
        participants=joined.others,
        self=_own_state(joined.participant) if joined.resumed else None,
        router_rtp_capabilities=_capabilities(room.context.capabilities),
        permissions=sorted(joined.participant.permissions),
        identity=joined.participant.identity,
    )


def disconnect(node: Node, request: pb.DisconnectRequest) -> pb.DisconnectResponse:
    room = lookup.room(node, request.actor.room_key)
    room.disconnect(request.actor.participant_id, ConnectionId(request.connection_id))
    return pb.DisconnectResponse()


def leave(node: Node, request: pb.LeaveRequest) -> pb.LeaveResponse:
    lookup.room(node, request.actor.room_key).leave(request.actor.participant_id)
    return pb.LeaveResponse()


def set_attributes(node: Node, request: pb.SetAttributesRequest) -> pb.SetAttributesResponse:
    given = {each.name: each.value if each.HasField("value") else None for each in request.attributes}
    changes = parse(SetAttributesRequest, {"attributes": given}).attributes
    lookup.room(node, request.actor.room_key).set_attributes(request.actor.participant_id, changes)
    return pb.SetAttributesResponse()


def react(node: Node, request: pb.ReactRequest) -> pb.ReactResponse:
    name = parse(ReactRequest, {"name": request.name}).name
    lookup.room(node, request.actor.room_key).react(request.actor.participant_id, name)
    return pb.ReactResponse()


def remove_participant(node: Node, request: pb.RemoveParticipantRequest) -> pb.RemoveParticipantResponse:
    lookup.room(node, request.room_key).remove(request.participant_id, request.reason or "removed")
    return pb.RemoveParticipantResponse()


def _capabilities(capabilities: RtpCapabilities) -> rtp_pb2.RtpCapabilities:
    return to_message(capabilities, rtp_pb2.RtpCapabilities)


def _own_state(participant: Participant) -> pb.OwnState:
    return pb.OwnState(
        transports=[
            pb.OwnTransport(transport_id=transport.id, direction=transport.direction)
            for transport in participant.transports.values()
        ],
        producers=[producer.info for producer in participant.producers.values()],
        consumers=[
            pb.OwnConsumer(consumer_id=consumer.id, producer_id=consumer.producer_id, paused=consumer.paused)
            for consumer in participant.consumers.values()
        ],
        data_producers=[
            pb.OwnDataProducer(data_producer_id=producer.id, label=producer.label)
            for producer in participant.data_producers.values()
        ],
        data_consumers=[
            pb.OwnDataConsumer(data_consumer_id=consumer.id, data_producer_id=consumer.data_producer_id)
            for consumer in participant.data_consumers.values()
        ],
        attributes=participant.attributes,
    )
