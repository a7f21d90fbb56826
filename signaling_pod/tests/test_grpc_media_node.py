"""The media node over a real gRPC channel: errors, retries, the deadline and the breaker."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio
import pytest

from rotunda_contract.errors import NotFound, RotundaError, Unavailable, to_status
from rotunda_contract.pb import events_pb2, media_node_pb2_grpc
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_signaling.media_node import grpc as media_node
from rotunda_signaling.media_node.grpc import GrpcMediaNode, GrpcMediaNodes

Respond = Callable[[grpc.aio.ServicerContext[Any, Any]], Awaitable[None]]


class Servicer(media_node_pb2_grpc.MediaNodeServicer):
    """Counts calls, and does before each what the test asks for."""

    def __init__(self) -> None:
        self.calls = 0
        self.respond: Respond | None = None

    async def _begin(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self.calls += 1
        if self.respond is not None:
            await self.respond(context)

    async def Describe(self, request: Any, context: Any) -> pb.DescribeResponse:
        await self._begin(context)
        return pb.DescribeResponse(process_id="p")

    async def Produce(self, request: Any, context: Any) -> pb.ProduceResponse:
        await self._begin(context)
        return pb.ProduceResponse(id="made")

    async def WatchRoom(self, request: Any, context: Any) -> AsyncIterator[events_pb2.RoomEvent]:
        yield events_pb2.RoomEvent(number=7, snapshot=events_pb2.RoomSnapshot())
        await self._begin(context)


@pytest.fixture
def servicer() -> Servicer:
    return Servicer()  # type: ignore[abstract]  # the calls that no test makes


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is left alone is so for longer than a test takes."""
    monkeypatch.setattr(media_node, "BREAKER_SECONDS", 60.0)


@pytest.fixture
async def node(servicer: Servicer) -> AsyncIterator[GrpcMediaNode]:
    server = grpc.aio.server()
    media_node_pb2_grpc.add_MediaNodeServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    nodes = GrpcMediaNodes(deadline=20.0)
    yield nodes.at_address(f"127.0.0.1:{port}")
    await nodes.close()
    await server.stop(None)


def refuse(error: RotundaError) -> Respond:
    async def respond(context: grpc.aio.ServicerContext[Any, Any]) -> None:
        code, details, metadata = to_status(error)
        await context.abort(code, details, metadata)

    return respond


async def fail(context: grpc.aio.ServicerContext[Any, Any]) -> None:
    """As a connection fails: without a word of the node's own."""
    await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")


async def test_answers_and_events_come_through(node: GrpcMediaNode) -> None:
    assert (await node.describe()).process_id == "p"
    assert (await node.produce(pb.ProduceRequest())).id == "made"
    assert [event.number async for event in node.watch_room(pb.WatchRoomRequest())] == [7]


async def test_the_nodes_own_error_arrives_and_is_not_tried_again(
    node: GrpcMediaNode, servicer: Servicer
) -> None:
    servicer.respond = refuse(NotFound("no such thing"))
    with pytest.raises(NotFound, match="no such thing"):
        await node.describe()
    assert servicer.calls == 1
    servicer.respond = refuse(Unavailable("draining", retry_after_ms=250))
    with pytest.raises(Unavailable) as caught:
        await node.describe()
    assert caught.value.retry_after_ms == 250
    assert servicer.calls == 2


async def test_a_failed_connection_is_tried_again_only_where_that_is_safe(
    node: GrpcMediaNode, servicer: Servicer
) -> None:
    servicer.respond = fail
    with pytest.raises(Unavailable):
        await node.describe()
    assert servicer.calls == 2
    with pytest.raises(Unavailable):
        await node.produce(pb.ProduceRequest())
    assert servicer.calls == 3


async def test_a_broken_stream_raises(node: GrpcMediaNode, servicer: Servicer) -> None:
    servicer.respond = fail
    stream = node.watch_room(pb.WatchRoomRequest())
    assert (await anext(stream)).number == 7
    with pytest.raises(Unavailable):
        await anext(stream)


async def test_a_silent_node_is_given_up_at_the_deadline(servicer: Servicer, node: GrpcMediaNode) -> None:
    async def hang(context: Any) -> None:
        await asyncio.Event().wait()

    servicer.respond = hang
    node._deadline = 0.05
    with pytest.raises(Unavailable):
        await node.produce(pb.ProduceRequest())


async def test_a_node_that_keeps_failing_is_left_alone(
    patience: None, node: GrpcMediaNode, servicer: Servicer
) -> None:
    servicer.respond = refuse(NotFound("an answer is no failure"))
    for _ in range(media_node.BREAKER_THRESHOLD + 1):
        with pytest.raises(NotFound):
            await node.produce(pb.ProduceRequest())
    servicer.respond = fail
    servicer.calls = 0
    for _ in range(media_node.BREAKER_THRESHOLD + 3):
        with pytest.raises(Unavailable):
            await node.produce(pb.ProduceRequest())
    assert servicer.calls == media_node.BREAKER_THRESHOLD


async def test_nodes_that_nobody_holds_are_forgotten() -> None:
    nodes = GrpcMediaNodes()
    held = nodes.at_address("192.0.2.1:50051")
    for number in range(2_000):
        nodes.at_address(f"10.0.{number // 250}.{number % 250}:50051")
    gc.collect()
    assert len(nodes._nodes) <= media_node.RECENT_NODES + 1
    assert nodes.at_address("192.0.2.1:50051") is held
    await nodes.close()
