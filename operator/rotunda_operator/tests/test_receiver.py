"""The receiver over real gRPC: what it answers to reports that are wrong, or not whose it says."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
import structlog
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from rotunda_kube import Key, Manifest
from rotunda_operator.cache import World
from rotunda_operator.clock import now
from rotunda_operator.event_handlers import Feed
from rotunda_operator.load.otlp import MOST_MOMENTS
from rotunda_operator.load.receiver import SERVICE, LoadReceiver, serve
from rotunda_operator.testing.ports import free_port
from rotunda_operator.testing.reporter import Told, add_resource

KEY = Key("calls", "a")


@asynccontextmanager
async def listening(world: World) -> AsyncIterator[grpc.aio.Channel]:
    port = free_port()
    feed = Feed(world, now, lambda *_, **__: None)
    server = await serve(LoadReceiver(feed.on_part), f"127.0.0.1:{port}")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


async def send(channel: grpc.aio.Channel, message: bytes) -> ExportMetricsServiceResponse:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/Export")
    return ExportMetricsServiceResponse.FromString(await call(message, wait_for_ready=True))


def of(name: str, told: Told) -> bytes:
    request = ExportMetricsServiceRequest()
    add_resource(request, KEY.namespace, name, told)
    return request.SerializeToString()


def world() -> World:
    """With the MediaNode `a`, whose pod has the UID `second`."""
    made = World()
    feed = Feed(made, now, lambda *_, **__: None)
    feed.on_node(_node("a-2", "second"))
    return made


async def test_what_is_no_export_is_an_invalid_argument_and_no_defect(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with listening(world()) as channel:
        for wrong in (b"\x0a\xff", b"no protobuf at all", b"\x0a\x05\x0a\x03\x0a\x01"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await send(channel, wrong)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert await send(channel, of("a", Told(0.1))) == ExportMetricsServiceResponse()
    assert "Traceback" not in "".join(capfd.readouterr())


async def test_what_is_not_taken_is_told_and_nothing_of_it_is_kept() -> None:
    known = world()
    with structlog.testing.capture_logs() as logs:
        async with listening(known) as channel:
            for index in range(20):
                answer = await send(channel, of(f"never-existed-{index}", Told(0.1)))
                assert answer.partial_success.rejected_data_points == 4
                assert "no such MediaNode" in answer.partial_success.error_message
            answer = await send(channel, of("a", Told(float("nan"))))
            assert answer.partial_success.rejected_data_points == 1
    assert known._mergers.keys() == {KEY}
    assert len([line for line in logs if "not taken" in line["event"]]) == 1


async def test_only_the_pod_of_the_media_node_speaks_for_it() -> None:
    known = world()
    async with listening(known) as channel:
        await send(channel, of("a", Told(0.3, 0, {"standup": 3}, process="second")))
        for stranger in ("first", ""):
            answer = await send(channel, of("a", Told(0.9, 0, {}, process=stranger)))
            assert "another pod" in answer.partial_success.error_message
        found = known.ledger.last(KEY)
        assert found is not None
        assert (found[0].utilization, found[0].room_participants) == (0.3, {"standup": 3})


async def test_reports_are_taken_on_though_our_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    known = world()
    async with listening(known) as channel:
        await send(channel, of("a", Told(0.3, process="second")))
        began = time.time()
        monkeypatch.setattr(time, "time", lambda: began - 3600)
        await send(channel, of("a", Told(0.9, process="second")))
    found = known.ledger.last(KEY)
    assert found is not None
    assert found[0].utilization == 0.9


async def test_a_message_of_many_moments_is_read_from_its_end() -> None:
    known = world()
    request = ExportMetricsServiceRequest()
    for _ in range(MOST_MOMENTS + 3):
        add_resource(request, KEY.namespace, KEY.name, Told(0.1, process="second"))
    async with listening(known) as channel:
        answer = await send(channel, request.SerializeToString())
    assert answer.partial_success.rejected_data_points == 3 * 4
    assert known.ledger.last(KEY) is not None


def test_what_the_last_pod_reported_says_nothing_of_the_next() -> None:
    known = world()
    merger = known.merger(KEY, "second")
    assert merger is not None
    feed = Feed(known, now, lambda *_, **__: None)
    feed.on_node(_node("a-3", None))

    assert known.ledger.last(KEY) is None
    assert known.merger(KEY, "second") is None


def _node(pod: str, process: str | None) -> Manifest:
    metadata = {"name": KEY.name, "namespace": KEY.namespace, "uid": "1"}
    status = {"phase": "Ready", "podName": pod, "processID": process}
    return {"metadata": metadata, "spec": {"clusterRef": "default"}, "status": status}
