"""From an OTLP metrics export to reports of media nodes: a pure reading of the names in the design.

A reporter may send more than we know, in any order and cut into several messages; what is no finite number
of at least 0 is left out.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint, ResourceMetrics

from rotunda_operator.load.ledger import NodeReport

SERVICE = "rotunda-sfu"
ROOM_ATTRIBUTE = "rotunda.room"
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True)
class Exported:
    """One media node's report. `packets` is its count of packets forwarded since it started."""

    namespace: str
    name: str
    report: NodeReport
    packets: float | None = None


@dataclass(slots=True)
class _Readings:
    values: dict[str, float] = field(default_factory=dict)
    workers: list[float] = field(default_factory=list)
    rooms: dict[str, int] = field(default_factory=dict)


def read(request: ExportMetricsServiceRequest) -> Iterator[Exported]:
    """The reports in it; resources that are no media node, or tell no utilization, are passed over."""
    for resource in request.resource_metrics:
        attributes = _attributes(resource.resource.attributes)
        name = attributes.get("service.instance.id", "")
        if attributes.get("service.name") != SERVICE or not 0 < len(name) <= _LONGEST_NAME:
            continue
        readings = _readings(resource)
        if "rotunda.media.utilization" in readings.values:
            yield _exported(attributes.get("k8s.namespace.name", ""), name, readings)


def _exported(namespace: str, name: str, readings: _Readings) -> Exported:
    values = readings.values
    report = NodeReport(
        utilization=min(values["rotunda.media.utilization"], 10.0),
        cpu=min(_mean(readings.workers), 10.0),
        egress_bitrate=values.get("rotunda.media.egress.bitrate", 0.0),
        packet_loss=min(values.get("rotunda.media.packet_loss", 0.0), 1.0),
        jitter_seconds=values.get("rotunda.media.jitter", 0.0),
        rooms=int(values.get("rotunda.rooms", 0)),
        participants=int(values.get("rotunda.participants", 0)),
        consumers=int(values.get("rotunda.consumers", 0)),
        room_participants=readings.rooms,
    )
    return Exported(namespace, name, report, values.get("rotunda.media.packets.forwarded"))


def _readings(resource: ResourceMetrics) -> _Readings:
    readings = _Readings()
    for scope in resource.scope_metrics:
        for metric in scope.metrics:
            for point, value in _numbers(metric):
                _take(readings, metric.name, point, value)
    return readings


def _take(readings: _Readings, name: str, point: NumberDataPoint, value: float) -> None:
    if name == "rotunda.media.worker.utilization":
        readings.workers.append(value)
    elif name == "rotunda.room.participants":
        room = _attributes(point.attributes).get(ROOM_ATTRIBUTE, "")
        if room:
            readings.rooms[room] = int(value)
    else:
        readings.values[name] = value


def _numbers(metric: Metric) -> Iterator[tuple[NumberDataPoint, float]]:
    kind = metric.WhichOneof("data")
    if kind not in ("gauge", "sum"):
        return
    points = metric.gauge.data_points if kind == "gauge" else metric.sum.data_points
    for point in points:
        value = float(point.as_int) if point.WhichOneof("value") == "as_int" else point.as_double
        if math.isfinite(value) and 0 <= value <= 1e15:
            yield point, value


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in pairs if pair.value.HasField("string_value")}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
