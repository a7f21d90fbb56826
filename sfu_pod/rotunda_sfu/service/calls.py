"""From plain functions to gRPC methods: errors become statuses, defects go to the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
import grpc.aio
import structlog
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from rotunda_contract.errors import BadRequest, Internal, RotundaError, to_status
from rotunda_contract.ids import WatcherId
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb.events_pb2 import RoomEvent
from rotunda_sfu.node import Node
from rotunda_sfu.service import consumers, data_channels, lookup, producers, rooms, transports

_SERVICE = pb.DESCRIPTOR.services_by_name["MediaNode"]
_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

SERVICE_NAME = _SERVICE.full_name

UNARY: Mapping[str, Callable[[Node, Any], Message]] = {
    "Describe": rooms.describe,
    "OpenRoom": rooms.open_room,
    "CloseRoom": rooms.close_room,
    "Join": rooms.join,
    "Disconnect": rooms.disconnect,
    "Leave": rooms.leave,
    "SetAttributes": rooms.set_attributes,
    "React": rooms.react,
    "RemoveParticipant": rooms.remove_participant,
    "CreateWebRtcTransport": transports.create,
    "ConnectWebRtcTransport": transports.connect,
    "RestartIce": transports.restart_ice,
    "CloseTransport": transports.close,
    "Produce": producers.produce,
    "PauseProducer": producers.pause,
    "ResumeProducer": producers.resume,
    "CloseProducer": producers.close,
    "MuteProducer": producers.mute,
    "Consume": consumers.consume,
    "PauseConsumer": consumers.pause,
    "ResumeConsumer": consumers.resume,
    "CloseConsumer": consumers.close,
    "RequestKeyFrame": consumers.request_key_frame,
    "SetConsumerPreferredLayers": consumers.set_preferred_layers,
    "ProduceData": data_channels.produce,
    "ConsumeData": data_channels.consume,
    "CloseDataProducer": data_channels.close_producer,
    "CloseDataConsumer": data_channels.close_consumer,
}


def media_node_handlers(node: Node) -> grpc.GenericRpcHandler:
    """The whole MediaNode service."""
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        name: _unary(_SERVICE.methods_by_name[name], node, act) for name, act in UNARY.items()
    }
    handlers["WatchRoom"] = _watch(_SERVICE.methods_by_name["WatchRoom"], node)
    return grpc.method_handlers_generic_handler(SERVICE_NAME, handlers)


def _unary(
    method: MethodDescriptor, node: Node, act: Callable[[Node, _Request], _Response]
) -> grpc.RpcMethodHandler[_Request, _Response]:
    async def answer(request: _Request, context: _Context) -> _Response:
        try:
            return act(node, request)
        except Exception as error:
            await _fail(error, method.name, request, context)

    return grpc.unary_unary_rpc_method_handler(answer, **_codec(method))


def _watch(method: MethodDescriptor, node: Node) -> grpc.RpcMethodHandler[pb.WatchRoomRequest, RoomEvent]:
    # A coroutine that writes, no generator: a generator waits for the garbage collector when its stream
    # breaks in the middle of a write, and until then the lost connections would hold their seats.
    async def answer(request: pb.WatchRoomRequest, context: _Context) -> None:
        try:
            room = lookup.room(node, request.room_key)
            if not request.watcher_id:
                raise BadRequest("must not be empty", field="watcherId")
            watch = room.watch(WatcherId(request.watcher_id))
            try:
                async for event in watch:
                    await context.write(event)
            finally:
                room.unwatch(watch)
        except Exception as error:
            await _fail(error, method.name, request, context)

    return grpc.unary_stream_rpc_method_handler(answer, **_codec(method))


def _codec(method: MethodDescriptor) -> dict[str, Any]:
    request = message_factory.GetMessageClass(method.input_type)
    response = message_factory.GetMessageClass(method.output_type)
    return {"request_deserializer": request.FromString, "response_serializer": response.SerializeToString}


async def _fail(error: Exception, method: str, request: Message, context: _Context) -> NoReturn:
    """Ends the call. What is no error of the contract is a defect: logged whole, answered as internal."""
    if not isinstance(error, RotundaError):
        log = structlog.stdlib.get_logger()
        log.error("call_failed", method=method, exc_info=error, **_whose(request))
        error = Internal("the media node has a defect; its log says more")
    status, details, metadata = to_status(error)
    await context.abort(status, details, metadata)


def _whose(request: Any) -> dict[str, str]:
    fields = request.DESCRIPTOR.fields_by_name
    actor = request.actor if "actor" in fields else None
    key = actor.room_key if actor is not None else request.room_key if "room_key" in fields else None
    named = {"room": getattr(key, "room", ""), "participant": getattr(actor, "participant_id", "")}
    return {name: value for name, value in named.items() if value}
