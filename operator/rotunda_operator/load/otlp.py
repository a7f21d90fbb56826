"""From an OTLP metrics export to parts of media nodes' reports: a pure reading of the names in the design.

A reporter, or a collector between, may send more than we know, in any order and cut into several messages;
what is no finite number of at least 0 is left out and counted.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint, ResourceMetrics

SERVICE = "rotunda-sfu"
ROOM_ATTRIBUTE = "rotunda.room"
WORKER_ATTRIBUTE = "rotunda.worker"
UTILIZATION = "rotunda.media.utilization"
EGRESS = "rotunda.media.egress.bitrate"
PACKET_LOSS = "rotunda.media.packet_loss"
JITTER = "rotunda.media.jitter"
FORWARDED = "rotunda.media.packets.forwarded"
ROOMS = "rotunda.rooms"
PARTICIPANTS = "rotunda.participants"
CONSUMERS = "rotunda.consumers"
_SINGLE = {UTILIZATION, EGRESS, PACKET_LOSS, JITTER, FORWARDED, ROOMS, PARTICIPANTS, CONSUMERS}
_BY_WORKER = "rotunda.media.worker.utilization"
_BY_ROOM = "rotunda.room.participants"
MOST_MOMENTS = 16
"""Of measuring, that are read of one node in one message: the newest. Who catches up may send more."""
_LONGEST_NAME = 253
_MOST = 1e15


@dataclass(slots=True)
class Part:
    """What one message has of one media node's report.

    `process` is the UID of its pod, `made` when it measured (seconds since 1970 by its own clock, which may
    stand apart from ours); empty and None where it does not say. `points` counts what was read.
    """

    namespace: str
    name: str
    process: str = ""
    made: float | None = None
    values: dict[str, float] = field(default_factory=dict)
    workers: dict[int, float] = field(default_factory=dict)
    rooms: dict[str, int] = field(default_factory=dict)
    points: int = 0


@dataclass(frozen=True, slots=True)
class Exported:
    """Of one message: the parts, each node's in the order in which they were made, how many points of media
    nodes were no numbers or had no name to be told by, and how many were of more than MOST_MOMENTS."""

    parts: list[Part]
    unreadable: int
    surplus: int = 0


def read(request: ExportMetricsServiceRequest) -> Exported:
    """Resources that are no media nodes are passed over."""
    parts: list[Part] = []
    unreadable = 0
    for resource in request.resource_metrics:
        attributes = _attributes(resource.resource.attributes)
        if attributes.get("service.name") != SERVICE:
            continue
        name = attributes.get("service.instance.id", "")
        if not 0 < len(name) <= _LONGEST_NAME:
            unreadable += sum(1 for _ in _points(resource))
            continue
        found, wrong = _parts(resource, attributes, name)
        parts += found
        unreadable += wrong
    parts.sort(key=lambda part: part.made or 0.0)
    return _bounded(parts, unreadable)


def _bounded(parts: list[Part], unreadable: int) -> Exported:
    """The last MOST_MOMENTS of each node: each is merged and placed by, and one message holds 100,000."""
    seen: Counter[tuple[str, str]] = Counter()
    kept: list[Part] = []
    surplus = 0
    for part in reversed(parts):
        seen[part.namespace, part.name] += 1
        if seen[part.namespace, part.name] <= MOST_MOMENTS:
            kept.append(part)
        else:
            surplus += part.points
    return Exported(kept[::-1], unreadable, surplus)


def _parts(resource: ResourceMetrics, attributes: dict[str, str], name: str) -> tuple[list[Part], int]:
    """One for each moment of measuring, and how many points could not be read."""
    parts: dict[int, Part] = {}
    unreadable = 0
    for metric_name, point in _points(resource):
        value = float(point.as_int) if point.WhichOneof("value") == "as_int" else point.as_double
        if not (math.isfinite(value) and 0 <= value <= _MOST):
            unreadable += 1
            continue
        part = parts.get(point.time_unix_nano)
        if part is None:
            made = point.time_unix_nano / 1e9 if point.time_unix_nano else None
            part = parts[point.time_unix_nano] = Part(
                attributes.get("k8s.namespace.name", ""), name, attributes.get("k8s.pod.uid", ""), made
            )
        part.points += 1
        _take(part, metric_name, point, value)
    return list(parts.values()), unreadable


def _take(part: Part, name: str, point: NumberDataPoint, value: float) -> None:
    if name in _SINGLE:
        part.values[name] = value
    elif name == _BY_WORKER:
        index = next((pair.value.int_value for pair in point.attributes if pair.key == WORKER_ATTRIBUTE), 0)
        part.workers[index] = value
    elif name == _BY_ROOM:
        room = _attributes(point.attributes).get(ROOM_ATTRIBUTE, "")
        if 0 < len(room) <= _LONGEST_NAME:
            part.rooms[room] = int(value)


def _points(resource: ResourceMetrics) -> Iterator[tuple[str, NumberDataPoint]]:
    """With the name of their metric."""
    for scope in resource.scope_metrics:
        for metric in scope.metrics:
            for point in _numbers(metric):
                yield metric.name, point


def _numbers(metric: Metric) -> Iterable[NumberDataPoint]:
    match metric.WhichOneof("data"):
        case "gauge":
            return metric.gauge.data_points
        case "sum":
            return metric.sum.data_points
        case _:
            return ()


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in pairs if pair.value.HasField("string_value")}
