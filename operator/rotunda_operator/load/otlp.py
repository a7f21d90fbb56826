"""Reads parts of media nodes' reports from an OTLP metrics export. Pure functions.

A media node, or a collector in between, may send metrics that are not known here, in any order and split into
several messages. A value that is not a finite number of at least 0 is skipped and counted.
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
MAX_MEASUREMENTS = 16
"""Of one node in one message. Of more, the newest are read: a reporter may send many after an outage."""
_MAX_NAME_LENGTH = 253
_MAX_VALUE = 1e15


@dataclass(slots=True)
class Part:
    """What one message has of one measurement of one media node.

    `process`: the UID of its pod; empty where the message does not name it. `made`: when it was measured, in
    seconds since 1970 by the node's clock, which may differ from ours; None where the message does not say.
    `points`: how many data points were read.
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
    """What was read from one message.

    `parts`: those of each node in the order in which they were measured. `unreadable`: points that were no
    valid numbers, or of a media node without a name. `surplus`: points beyond MAX_MEASUREMENTS.
    """

    parts: list[Part]
    unreadable: int
    surplus: int = 0


def read(request: ExportMetricsServiceRequest) -> Exported:
    """Resources that are not media nodes are ignored."""
    parts: list[Part] = []
    unreadable = 0
    for resource in request.resource_metrics:
        attributes = _attributes(resource.resource.attributes)
        if attributes.get("service.name") != SERVICE:
            continue
        name = attributes.get("service.instance.id", "")
        if not 0 < len(name) <= _MAX_NAME_LENGTH:
            unreadable += sum(1 for _ in _points(resource))
            continue
        found, wrong = _parts(resource, attributes, name)
        parts += found
        unreadable += wrong
    parts.sort(key=lambda part: part.made or 0.0)
    return _bounded(parts, unreadable)


def _bounded(parts: list[Part], unreadable: int) -> Exported:
    """Keeps the last MAX_MEASUREMENTS of each node. Each costs a merge, and a message can hold 100,000."""
    seen: Counter[tuple[str, str]] = Counter()
    kept: list[Part] = []
    surplus = 0
    for part in reversed(parts):
        seen[part.namespace, part.name] += 1
        if seen[part.namespace, part.name] <= MAX_MEASUREMENTS:
            kept.append(part)
        else:
            surplus += part.points
    return Exported(kept[::-1], unreadable, surplus)


def _parts(resource: ResourceMetrics, attributes: dict[str, str], name: str) -> tuple[list[Part], int]:
    """One part for each measurement, and how many points could not be read."""
    parts: dict[int, Part] = {}
    unreadable = 0
    for metric_name, point in _points(resource):
        value = float(point.as_int) if point.WhichOneof("value") == "as_int" else point.as_double
        if not (math.isfinite(value) and 0 <= value <= _MAX_VALUE):
            unreadable += 1
            continue
        part = parts.get(point.time_unix_nano)
        if part is None:
            made = point.time_unix_nano / 1e9 if point.time_unix_nano else None
            part = parts[point.time_unix_nano] = Part(
                attributes.get("k8s.namespace.name", ""), name, attributes.get("k8s.pod.uid", ""), made
            )
        part.points += 1
        _put(part, metric_name, point, value)
    return list(parts.values()), unreadable


def _put(part: Part, name: str, point: NumberDataPoint, value: float) -> None:
    if name in _SINGLE:
        part.values[name] = value
    elif name == _BY_WORKER:
        index = next((pair.value.int_value for pair in point.attributes if pair.key == WORKER_ATTRIBUTE), 0)
        part.workers[index] = value
    elif name == _BY_ROOM:
        room = _attributes(point.attributes).get(ROOM_ATTRIBUTE, "")
        if 0 < len(room) <= _MAX_NAME_LENGTH:
            part.rooms[room] = int(value)


def _points(resource: ResourceMetrics) -> Iterator[tuple[str, NumberDataPoint]]:
    """All data points, each with the name of its metric."""
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
