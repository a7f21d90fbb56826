"""The load receiver over real gRPC: its answers to reports that are wrong, or from the wrong pod."""

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
from rotunda_operator.cache import Cache
from rotunda_operator.clock import system_clock
from rotunda_operator.event_handlers import EventHandlers
from rotunda_operator.load.otlp import MAX_MEASUREMENTS
from rotunda_operator.load.receiver import SERVICE, LoadReceiver, serve
from rotunda_operator.testing.ports import free_port
from rotunda_operator.testing.reporter import ReportedLoad, add_resource

KEY = Key("calls", "a")


@asynccontextmanager
async def listening(cache: Cache) -> AsyncIterator[grpc.aio.Channel]:
    port = free_port()
    handlers = EventHandlers(cache, system_clock, lambda *_, **__: None)
    server = await serve(LoadReceiver(handlers.on_part), f"127.0.0.1:{port}")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


async def send(channel: grpc.aio.Channel, message: bytes) -> ExportMetricsServiceResponse:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/Export")
    return ExportMetricsServiceResponse.FromString(await call(message, wait_for_ready=True))


def of(name: str, load: ReportedLoad) -> bytes:
    request = ExportMetricsServiceRequest()
    add_resource(request, KEY.namespace, name, load)
    return request.SerializeToString()


def cache() -> Cache:
    """With the MediaNode `a`, whose pod has the UID `second`."""
    made = Cache()
    handlers = EventHandlers(made, system_clock, lambda *_, **__: None)
    handlers.on_node(_node("a-2", "second"))
    return made


async def test_what_is_no_export_is_an_invalid_argument_and_no_defect(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with listening(cache()) as channel:
        for wrong in (b"\x0a\xff", b"no protobuf at all", b"\x0a\x05\x0a\x03\x0a\x01"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await send(channel, wrong)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert await send(channel, of("a", ReportedLoad(0.1))) == ExportMetricsServiceResponse()
    assert "Traceback" not in "".join(capfd.readouterr())


async def test_refused_reports_are_answered_logged_once_and_not_kept() -> None:
    known = cache()
    with structlog.testing.capture_logs() as logs:
        async with listening(known) as channel:
            for index in range(20):
                answer = await send(channel, of(f"never-existed-{index}", ReportedLoad(0.1)))
                assert answer.partial_success.rejected_data_points == 4
                assert "no such MediaNode" in answer.partial_success.error_message
            answer = await send(channel, of("a", ReportedLoad(float("nan"))))
            assert answer.partial_success.rejected_data_points == 1
    assert known._mergers.keys() == {KEY}
    assert len([line for line in logs if "refused" in line["event"]]) == 1


async def test_only_the_pod_of_the_media_node_speaks_for_it() -> None:
    known = cache()
    async with listening(known) as channel:
        await send(channel, of("a", ReportedLoad(0.3, 0, {"standup": 3}, process="second")))
        for stranger in ("first", ""):
            answer = await send(channel, of("a", ReportedLoad(0.9, 0, {}, process=stranger)))
            assert "another pod" in answer.partial_success.error_message
        found = known.reports.last(KEY)
        assert found is not None
        assert (found[0].utilization, found[0].room_participants) == (0.3, {"standup": 3})


async def test_reports_are_taken_on_though_our_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    known = cache()
    async with listening(known) as channel:
        await send(channel, of("a", ReportedLoad(0.3, process="second")))
        began = time.time()
        monkeypatch.setattr(time, "time", lambda: began - 3600)
        await send(channel, of("a", ReportedLoad(0.9, process="second")))
    found = known.reports.last(KEY)
    assert found is not None
    assert found[0].utilization == 0.9


async def test_of_a_message_with_many_measurements_the_newest_are_read() -> None:
    known = cache()
    request = ExportMetricsServiceRequest()
    for _ in range(MAX_MEASUREMENTS + 3):
        add_resource(request, KEY.namespace, KEY.name, ReportedLoad(0.1, process="second"))
    async with listening(known) as channel:
        answer = await send(channel, request.SerializeToString())
    assert answer.partial_success.rejected_data_points == 3 * 4
    assert known.reports.last(KEY) is not None


def test_what_the_last_pod_reported_says_nothing_of_the_next() -> None:
    known = cache()
    merger = known.merger(KEY, "second")
    assert merger is not None
    handlers = EventHandlers(known, system_clock, lambda *_, **__: None)
    handlers.on_node(_node("a-3", None))

    assert known.reports.last(KEY) is None
    assert known.merger(KEY, "second") is None


def _node(pod: str, process: str | None) -> Manifest:
    metadata = {"name": KEY.name, "namespace": KEY.namespace, "uid": "1"}
    status = {"phase": "Ready", "podName": pod, "processID": process}
    return {"metadata": metadata, "spec": {"clusterRef": "default"}, "status": status}
