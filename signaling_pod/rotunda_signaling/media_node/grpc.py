"""Media nodes over gRPC: a deadline on every call, retries where they are safe, a breaker for each node."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import TypeVar
from weakref import WeakValueDictionary

import grpc
import grpc.aio
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from rotunda_contract import grpc_client
from rotunda_contract.errors import CODE_KEY, Unavailable
from rotunda_contract.pb import events_pb2
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_signaling.directory import Assignment
from rotunda_signaling.media_node.channel import RenewedChannel
from rotunda_signaling.media_node.tls import Dial, PlainDial

DEADLINE = 5.0
"""Seconds that a call may take; a retry has as many of its own."""
BREAKER_THRESHOLD = 5
"""Failures in a row after which a node is left alone."""
RECENT_NODES = 64
"""Channels that are kept while nobody uses them: a room that opens soon needs no new connection."""
BREAKER_SECONDS = 2.0
"""How long it is left alone before one call may try again."""

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class GrpcMediaNodes:
    """Implements MediaNodes: one channel and one breaker for each node address.

    A node lives as long as somebody holds it, and the latest few longer. The channel of one that is
    forgotten is closed with it.
    """

    def __init__(self, *, deadline: float = DEADLINE, dial: Dial | None = None) -> None:
        """Without `dial` there is no TLS."""
        self._deadline = deadline
        self._dial = dial or PlainDial()
        self._nodes: WeakValueDictionary[str, GrpcMediaNode] = WeakValueDictionary()
        self._recent: OrderedDict[str, GrpcMediaNode] = OrderedDict()

    def at(self, assignment: Assignment) -> "GrpcMediaNode":
        return self.at_address(assignment.address)

    def at_address(self, address: str) -> "GrpcMediaNode":
        """The node whose gRPC server listens there."""
        node = self._nodes.get(address)
        if node is None:
            node = self._nodes[address] = GrpcMediaNode(address, deadline=self._deadline, dial=self._dial)
        self._recent[address] = node
        self._recent.move_to_end(address)
        if len(self._recent) > RECENT_NODES:
            self._recent.popitem(last=False)
        return node

    async def close(self) -> None:
        """Ends all calls and channels."""
        await asyncio.gather(*(node.close() for node in list(self._nodes.values())))
        self._nodes.clear()
        self._recent.clear()


class GrpcMediaNode:
    """Implements MediaNode."""

    def __init__(self, address: str, *, deadline: float, dial: Dial) -> None:
        self._address = address
        self._deadline = deadline
        self._channel = RenewedChannel(address, dial)
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=BREAKER_THRESHOLD,
            default_ttl=BREAKER_SECONDS,
            exclude=[(BaseException, lambda error: not _is_node_failure(error))],
        )

    async def close(self) -> None:
        await self._channel.close()

    async def describe(self) -> pb.DescribeResponse:
        return await self._repeat(self._channel.stub.Describe, pb.DescribeRequest())

    async def open_room(self, request: pb.OpenRoomRequest) -> pb.OpenRoomResponse:
        return await self._repeat(self._channel.stub.OpenRoom, request)

    async def close_room(self, request: pb.CloseRoomRequest) -> pb.CloseRoomResponse:
        return await self._repeat(self._channel.stub.CloseRoom, request)

    def watch_room(self, request: pb.WatchRoomRequest) -> AsyncIterator[events_pb2.RoomEvent]:
        return grpc_client.watch_room(self._channel.stub, request)

    async def join(self, request: pb.JoinRequest) -> pb.JoinResponse:
        return await self._repeat(self._channel.stub.Join, request)

    async def disconnect(self, request: pb.DisconnectRequest) -> pb.DisconnectResponse:
        return await self._repeat(self._channel.stub.Disconnect, request)

    async def leave(self, request: pb.LeaveRequest) -> pb.LeaveResponse:
        return await self._repeat(self._channel.stub.Leave, request)

    async def set_attributes(self, request: pb.SetAttributesRequest) -> pb.SetAttributesResponse:
        return await self._repeat(self._channel.stub.SetAttributes, request)

    async def react(self, request: pb.ReactRequest) -> pb.ReactResponse:
        return await self._call(self._channel.stub.React, request)

    async def remove_participant(self, request: pb.RemoveParticipantRequest) -> pb.RemoveParticipantResponse:
        return await self._call(self._channel.stub.RemoveParticipant, request)

    async def create_web_rtc_transport(
        self, request: pb.CreateWebRtcTransportRequest
    ) -> pb.CreateWebRtcTransportResponse:
        return await self._call(self._channel.stub.CreateWebRtcTransport, request)

    async def connect_web_rtc_transport(
        self, request: pb.ConnectWebRtcTransportRequest
    ) -> pb.ConnectWebRtcTransportResponse:
        return await self._call(self._channel.stub.ConnectWebRtcTransport, request)

    async def restart_ice(self, request: pb.RestartIceRequest) -> pb.RestartIceResponse:
        return await self._call(self._channel.stub.RestartIce, request)

    async def close_transport(self, request: pb.CloseTransportRequest) -> pb.CloseTransportResponse:
        return await self._call(self._channel.stub.CloseTransport, request)

    async def produce(self, request: pb.ProduceRequest) -> pb.ProduceResponse:
        return await self._call(self._channel.stub.Produce, request)

    async def pause_producer(self, request: pb.ProducerRequest) -> pb.ProducerResponse:
        return await self._repeat(self._channel.stub.PauseProducer, request)

    async def resume_producer(self, request: pb.ProducerRequest) -> pb.ProducerResponse:
        return await self._repeat(self._channel.stub.ResumeProducer, request)

    async def close_producer(self, request: pb.ProducerRequest) -> pb.ProducerResponse:
        return await self._call(self._channel.stub.CloseProducer, request)

    async def mute_producer(self, request: pb.MuteProducerRequest) -> pb.ProducerResponse:
        return await self._repeat(self._channel.stub.MuteProducer, request)

    async def consume(self, request: pb.ConsumeRequest) -> pb.ConsumeResponse:
        return await self._call(self._channel.stub.Consume, request)

    async def pause_consumer(self, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
        return await self._repeat(self._channel.stub.PauseConsumer, request)

    async def resume_consumer(self, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
        return await self._repeat(self._channel.stub.ResumeConsumer, request)

    async def close_consumer(self, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
        return await self._call(self._channel.stub.CloseConsumer, request)

    async def request_key_frame(self, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
        return await self._repeat(self._channel.stub.RequestKeyFrame, request)

    async def set_consumer_preferred_layers(
        self, request: pb.SetConsumerPreferredLayersRequest
    ) -> pb.ConsumerResponse:
        return await self._repeat(self._channel.stub.SetConsumerPreferredLayers, request)

    async def produce_data(self, request: pb.ProduceDataRequest) -> pb.ProduceDataResponse:
        return await self._call(self._channel.stub.ProduceData, request)

    async def consume_data(self, request: pb.ConsumeDataRequest) -> pb.ConsumeDataResponse:
        return await self._call(self._channel.stub.ConsumeData, request)

    async def close_data_producer(self, request: pb.DataProducerRequest) -> pb.DataProducerResponse:
        return await self._call(self._channel.stub.CloseDataProducer, request)

    async def close_data_consumer(self, request: pb.DataConsumerRequest) -> pb.DataConsumerResponse:
        return await self._call(self._channel.stub.CloseDataConsumer, request)

    async def _repeat(
        self, method: grpc_client.UnaryMethod[_Request, _Response], request: _Request
    ) -> _Response:
        """For calls that are idempotent: a connection that broke under the first gets a second."""
        try:
            return await self._call(method, request)
        except Unavailable as error:
            if not _is_node_failure(error):
                raise
        return await self._call(method, request)

    async def _call(
        self, method: grpc_client.UnaryMethod[_Request, _Response], request: _Request
    ) -> _Response:
        breaker = await self._breakers.get_breaker(self._address)
        try:
            async with breaker:
                return await grpc_client.call(method, request, timeout=self._deadline)
        except OpenedState as error:
            raise Unavailable(
                "the media node does not answer", retry_after_ms=round(BREAKER_SECONDS * 1000)
            ) from error


def _is_node_failure(error: BaseException) -> bool:
    """The node did not answer, as against: it answered with an error."""
    cause = error.__cause__
    if not isinstance(error, Unavailable) or not isinstance(cause, grpc.aio.AioRpcError):
        return False
    return all(key != CODE_KEY for key, _ in cause.trailing_metadata() or ())
