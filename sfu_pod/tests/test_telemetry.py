"""Reports of load, taken by a real OTLP receiver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc.aio
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as rpc
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from rotunda_contract.kinds import KINDS
from rotunda_sfu import telemetry
from rotunda_sfu.fake_node import FakeNode, assignment
from rotunda_sfu.fake_worker import FakeLoad
from rotunda_sfu.load import NodeLoad, WorkerUse
from rotunda_sfu.telemetry import EXPORT_SECONDS, LoadReporter, report_load

LOAD = NodeLoad(
    utilization=0.5,
    workers=(WorkerUse(0.5, backlog_bytes=4096, commands_waiting=3), WorkerUse(0.25)),
    egress_bitrate=1e6,
    packet_loss=0.01,
    jitter=0.002,
    participants={"standup": 3, "empty": 0},
    consumers=12,
    packets_forwarded=1000,
    packets_dropped=7,
    packets_overflowed=11,
    packets_refused=5,
)


class Receiver(rpc.MetricsServiceServicer):
    """Keeps what it is told. While `hangs` it answers nobody."""

    def __init__(self) -> None:
        self.requests: asyncio.Queue[pb.ExportMetricsServiceRequest] = asyncio.Queue()
        self.hangs = False

    async def Export(self, request: pb.ExportMetricsServiceRequest, context: Any) -> Any:
        if self.hangs:
            await asyncio.Event().wait()
        self.requests.put_nowait(request)
        return pb.ExportMetricsServiceResponse()


@asynccontextmanager
async def receiving(receiver: Receiver, port: int = 0) -> AsyncIterator[int]:
    """The port that it serves on."""
    server = grpc.aio.server(
        options=(("grpc.so_reuseport", 0), ("grpc.http2.min_recv_ping_interval_without_data_ms", 1000))
    )
    rpc.add_MetricsServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]  # generated
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(None)


@asynccontextmanager
async def reporter(port: int) -> AsyncIterator[LoadReporter]:
    named = {"node_name": "default-media-0", "namespace": "calls", "process_id": "uid-1"}
    settings = FakeNode().settings.model_copy(update=named)
    made = LoadReporter(settings, f"http://127.0.0.1:{port}")
    try:
        yield made
    finally:
        made.close()


async def told(receiver: Receiver, made: LoadReporter, load: NodeLoad) -> pb.ExportMetricsServiceRequest:
    """What arrives of it; one that takes longer than a second is dropped, and on a busy machine some are."""
    async with asyncio.timeout(60):
        while receiver.requests.empty():
            await made.report(load)
    return receiver.requests.get_nowait()


@asynccontextmanager
async def reports_of(fake: FakeNode, receiver: Receiver) -> AsyncIterator[None]:
    """The node reports, a hundred times a second."""
    fake.node.settings = fake.settings.model_copy(update={"report_interval": 0.01})
    async with receiving(receiver) as port, report_load(fake.node, f"http://127.0.0.1:{port}"):
        yield


def metrics_of(request: pb.ExportMetricsServiceRequest) -> dict[str, Metric]:
    (resource,) = request.resource_metrics
    return {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}


def points_of(metric: Metric, attribute: str = "") -> dict[Any, float]:
    """By the value of an attribute."""
    found = {}
    for point in (metric.gauge if metric.HasField("gauge") else metric.sum).data_points:
        value = point.as_int if point.HasField("as_int") else point.as_double
        names = {pair.key: pair.value for pair in point.attributes}
        kind = names[attribute].WhichOneof("value") if attribute else None
        found[getattr(names[attribute], kind) if kind else None] = value
    return found


async def test_a_report_has_the_names_that_the_operator_reads() -> None:
    receiver = Receiver()
    async with receiving(receiver) as port, reporter(port) as made:
        request = await told(receiver, made, LOAD)

    attributes = {
        pair.key: pair.value.string_value for pair in request.resource_metrics[0].resource.attributes
    }
    assert attributes["service.name"] == "rotunda-sfu"
    assert attributes["service.instance.id"] == "default-media-0"
    assert attributes["k8s.namespace.name"] == "calls"
    assert attributes["k8s.pod.uid"] == "uid-1"
    metrics = metrics_of(request)
    by_worker = {
        of: points_of(metrics.pop(f"rotunda.media.worker.{of}"), "rotunda.worker")
        for of in ("utilization", "backlog", "commands")
    }
    dropped = points_of(metrics.pop("rotunda.media.packets.dropped"), "rotunda.dropped_by")
    by_room = points_of(metrics.pop("rotunda.room.participants"), "rotunda.room")
    assert by_worker == {
        "utilization": {0: 0.5, 1: 0.25},
        "backlog": {0: 4096, 1: 0},
        "commands": {0: 3, 1: 0},
    }
    assert dropped == {"worker": 7, "kernel": 11, "limit": 5}
    assert by_room == {"standup": 3, "empty": 0}
    assert {name: points_of(metric)[None] for name, metric in metrics.items()} == {
        "rotunda.media.utilization": 0.5,
        "rotunda.media.egress.bitrate": 1e6,
        "rotunda.media.packet_loss": 0.01,
        "rotunda.media.jitter": 0.002,
        "rotunda.rooms": 2,
        "rotunda.participants": 3,
        "rotunda.consumers": 12,
        "rotunda.media.packets.forwarded": 1000,
    }
    counter = metrics["rotunda.media.packets.forwarded"].sum
    assert counter.is_monotonic
    assert counter.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE


async def test_a_room_that_closed_is_reported_no_more_and_many_are_told_one_by_one() -> None:
    receiver = Receiver()
    many = {f"room-{number}": number for number in range(3000)}
    async with receiving(receiver) as port, reporter(port) as made:
        for participants in (many, {"late": 1}):
            request = await told(receiver, made, replace(LOAD, participants=participants))
            rooms = points_of(metrics_of(request)["rotunda.room.participants"], "rotunda.room")
            assert rooms == participants


async def test_rooms_of_earlier_reports_take_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    monkeypatch.setattr(telemetry, "MOST_ROOMS", 10)
    async with receiving(receiver) as port, reporter(port) as made:
        for report in range(4):
            participants = {f"room-{report}-{number}": number for number in range(8)}
            request = await told(receiver, made, replace(LOAD, participants=participants))
            rooms = points_of(metrics_of(request)["rotunda.room.participants"], "rotunda.room")
            assert rooms == participants


async def test_the_next_receiver_is_found_at_the_same_address() -> None:
    first, second = Receiver(), Receiver()
    async with receiving(first) as port:
        made = LoadReporter(FakeNode().settings, f"http://127.0.0.1:{port}")
        await told(first, made, LOAD)
    try:
        await made.report(LOAD)  # lost without harm: nobody listens
        async with receiving(second, port), asyncio.timeout(60):
            while second.requests.empty():
                await made.report(LOAD)
    finally:
        made.close()
    assert first.requests.empty()


async def test_who_does_not_answer_delays_nothing_longer_than_a_report_may_take() -> None:
    receiver = Receiver()
    receiver.hangs = True
    async with receiving(receiver) as port, reporter(port) as made:
        async with asyncio.timeout(EXPORT_SECONDS * 30):
            await made.report(LOAD)
        assert receiver.requests.empty()
        receiver.hangs = False
        await told(receiver, made, LOAD)


async def test_a_node_reports_what_it_carries() -> None:
    receiver = Receiver()
    fake = FakeNode(workers=2)
    room = fake.open("standup")
    for kind in KINDS:
        room.join(kind, kind=kind)
    fake.workers[1].totals = FakeLoad(packets_forwarded=5)
    async with asyncio.timeout(60), reports_of(fake, receiver):
        metrics = metrics_of(await receiver.requests.get())
        counted = [kind for kind in KINDS if KINDS[kind].counted]
        assert points_of(metrics["rotunda.room.participants"], "rotunda.room") == {"standup": len(counted)}
        assert points_of(metrics["rotunda.participants"])[None] == len(counted)
        fake.node.close_room(assignment("standup", 1), "over", rejoin=False)
        while points_of(metrics_of(await receiver.requests.get())["rotunda.rooms"])[None] != 0:
            pass


async def test_what_breaks_a_report_does_not_end_the_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    fake = FakeNode()
    collect, broken = fake.worker.collect_stats, iter([True])

    async def collect_stats() -> Any:
        if next(broken, False):
            raise RuntimeError("out of order")
        return await collect()

    monkeypatch.setattr(fake.worker, "collect_stats", collect_stats)
    async with asyncio.timeout(60), reports_of(fake, receiver):
        await receiver.requests.get()
