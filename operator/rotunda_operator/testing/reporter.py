"""Fake media nodes that only report: real OTLP over real gRPC, with the load that a test sets."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as rpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint

INTERVAL_SECONDS = 0.5
_CHANNEL = (("grpc.max_reconnect_backoff_ms", 500), ("grpc.initial_reconnect_backoff_ms", 100))


@dataclass(slots=True)
class ReportedLoad:
    """The load that one node reports. `rooms`: people by room."""

    utilization: float = 0.1
    consumers: int = 0
    rooms: Mapping[str, int] = field(default_factory=dict)
    process: str = ""
    """The UID of its pod; empty: the report does not name it."""


class Reporter:
    """Reports for any number of nodes of one namespace, twice a second, until it is closed.

    `halves`: send each report in two messages, as a collector may split it. `sent`: how many reports arrived.
    """

    def __init__(self, namespace: str, port: int) -> None:
        self._namespace = namespace
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=_CHANNEL)
        self._stub = rpc.MetricsServiceStub(self._channel)  # type: ignore[no-untyped-call]  # generated
        self._loads: dict[str, ReportedLoad] = {}
        self._lock = threading.Lock()
        self._on_event = threading.Event()
        self._closed = False
        self.halves = False
        self.sent = 0
        self._arrived = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self._thread.start()

    def report(
        self,
        node: str,
        utilization: float = 0.1,
        *,
        rooms: Mapping[str, int] | None = None,
        consumers: int = 0,
    ) -> None:
        """From now on the node reports this load, for the first time at once."""
        with self._lock:
            self._loads[node] = ReportedLoad(utilization, consumers, rooms or {})
        self._on_event.set()

    def wait_for(self, sent: int) -> None:
        """Until so many reports have arrived."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self.sent >= sent, timeout=300)

    def silence(self, node: str | None = None) -> None:
        """The node reports no more; without a name no node does."""
        with self._lock:
            for name in [node] if node is not None else list(self._loads):
                self._loads.pop(name, None)

    def close(self) -> None:
        self._closed = True
        self._on_event.set()
        self._thread.join()
        self._channel.close()

    def _run(self) -> None:
        while not self._closed:
            with self._lock:
                request = ExportMetricsServiceRequest()
                for name, load in self._loads.items():
                    add_resource(request, self._namespace, name, load)
            with suppress(grpc.RpcError):  # nobody listens at the moment
                for each in _halves(request) if self.halves else [request]:
                    self._stub.Export(each, timeout=1.0)
                with self._arrived:
                    self.sent += 1
                    self._arrived.notify_all()
            self._on_event.wait(INTERVAL_SECONDS)
            self._on_event.clear()


def _halves(request: ExportMetricsServiceRequest) -> list[ExportMetricsServiceRequest]:
    """Every second data point in one message, the others in the second message."""
    halves = [ExportMetricsServiceRequest(), ExportMetricsServiceRequest()]
    for index, half in enumerate(halves):
        half.CopyFrom(request)
        for resource in half.resource_metrics:
            points = [
                (metric, point)
                for metric in resource.scope_metrics[0].metrics
                for point in metric.gauge.data_points
            ]
            for metric in resource.scope_metrics[0].metrics:
                del metric.gauge.data_points[:]
            for metric, point in points[index::2]:
                metric.gauge.data_points.append(point)
    return halves


def add_resource(request: ExportMetricsServiceRequest, namespace: str, name: str, load: ReportedLoad) -> None:
    """Adds the report of one node."""
    resource = request.resource_metrics.add()
    for key, value in (
        ("service.name", "rotunda-sfu"),
        ("service.instance.id", name),
        ("k8s.namespace.name", namespace),
    ):
        resource.resource.attributes.append(_attribute(key, value))
    metrics = resource.scope_metrics.add().metrics
    if load.process:
        resource.resource.attributes.append(_attribute("k8s.pod.uid", load.process))
    people = sum(load.rooms.values())
    now = time.time_ns()
    for metric, number in (
        ("rotunda.media.utilization", load.utilization),
        ("rotunda.rooms", float(len(load.rooms))),
        ("rotunda.participants", float(people)),
        ("rotunda.consumers", float(load.consumers)),
    ):
        point = NumberDataPoint(as_double=number, time_unix_nano=now)
        metrics.append(Metric(name=metric, gauge=Gauge(data_points=[point])))
    points = [
        NumberDataPoint(as_int=count, attributes=[_attribute("rotunda.room", room)], time_unix_nano=now)
        for room, count in load.rooms.items()
    ]
    metrics.append(Metric(name="rotunda.room.participants", gauge=Gauge(data_points=points)))


def _attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))
