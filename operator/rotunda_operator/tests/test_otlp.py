"""What is read from an OTLP export, and what is ignored."""

import math

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint, Sum

from rotunda_operator.load.otlp import (
    CONSUMERS,
    FORWARDED,
    MAX_MEASUREMENTS,
    PARTICIPANTS,
    ROOMS,
    UTILIZATION,
    read,
)
from rotunda_operator.testing.reporter import ReportedLoad, add_resource


def test_a_report_is_read_by_its_names() -> None:
    request = _request(ReportedLoad(0.25, 40, {"standup": 3, "retro": 2}, process="uid-1"))
    made = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0].time_unix_nano
    _add(request, "rotunda.media.worker.utilization", 0.2, made, worker=0)
    _add(request, "rotunda.media.worker.utilization", 0.4, made, worker=1)
    forwarded = Sum(data_points=[NumberDataPoint(as_int=1234, time_unix_nano=made)])
    request.resource_metrics[0].scope_metrics[0].metrics.append(
        Metric(name="rotunda.media.packets.forwarded", sum=forwarded)
    )

    (part,) = read(request).parts

    assert (part.namespace, part.name, part.process, part.made) == ("calls", "mn-1", "uid-1", made / 1e9)
    assert part.values == {UTILIZATION: 0.25, ROOMS: 2, PARTICIPANTS: 5, CONSUMERS: 40, FORWARDED: 1234}
    assert part.rooms == {"standup": 3, "retro": 2}
    assert part.workers == {0: 0.2, 1: 0.4}


def test_measurements_of_different_times_are_separate_parts_the_oldest_first() -> None:
    request = _request(ReportedLoad(0.25))
    _add(request, UTILIZATION, 0.7, 5_000_000_000)

    first, second = read(request).parts

    assert (first.made, first.values) == (5.0, {UTILIZATION: 0.7})
    assert second.values[UTILIZATION] == 0.25


def test_of_many_measurements_the_newest_are_read_and_the_others_counted() -> None:
    request = ExportMetricsServiceRequest()
    for name in ("mn-1", "mn-2"):
        add_resource(request, "calls", name, ReportedLoad(0.25))
        del request.resource_metrics[-1].scope_metrics[0].metrics[:]
    for second in range(1, MAX_MEASUREMENTS + 6):
        _add(request, UTILIZATION, 0.5, second * 1_000_000_000)

    exported = read(request)

    assert [part.made for part in exported.parts] == [float(6 + i) for i in range(MAX_MEASUREMENTS)]
    assert exported.surplus == 5


def test_what_is_no_number_counts_for_nothing() -> None:
    for value in (math.nan, math.inf, -1.0, 1e300):
        exported = read(_request(ReportedLoad(value)))
        (part,) = exported.parts
        assert UTILIZATION not in part.values
        assert exported.unreadable == 1


def test_what_is_no_media_node_is_passed_over() -> None:
    request = _request(ReportedLoad(0.5))
    request.resource_metrics[0].resource.attributes[0].value.string_value = "another-service"
    nameless = _request(ReportedLoad(0.5, 0, {"standup": 1}))
    nameless.resource_metrics[0].resource.attributes[1].value.string_value = ""

    assert (read(request).parts, read(request).unreadable) == ([], 0)
    assert (read(nameless).parts, read(nameless).unreadable) == ([], 5)
    assert read(ExportMetricsServiceRequest()).parts == []


def _request(load: ReportedLoad) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    add_resource(request, "calls", "mn-1", load)
    return request


def _add(
    request: ExportMetricsServiceRequest, name: str, value: float, made: int, *, worker: int | None = None
) -> None:
    point = NumberDataPoint(as_double=value, time_unix_nano=made)
    if worker is not None:
        point.attributes.append(KeyValue(key="rotunda.worker", value=AnyValue(int_value=worker)))
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    metrics.append(Metric(name=name, gauge=Gauge(data_points=[point])))
