"""What is read from an OTLP export, and what is passed over."""

import math

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint, Sum

from rotunda_operator.load.otlp import read
from rotunda_operator.testing.reporter import Told, add_resource


def test_a_report_is_read_by_its_names() -> None:
    request = _request(Told(0.25, 40, {"standup": 3, "retro": 2}))
    _add(request, "rotunda.media.worker.utilization", 0.2)
    _add(request, "rotunda.media.worker.utilization", 0.4)
    forwarded = Sum(data_points=[NumberDataPoint(as_int=1234)])
    request.resource_metrics[0].scope_metrics[0].metrics.append(
        Metric(name="rotunda.media.packets.forwarded", sum=forwarded)
    )

    (exported,) = read(request)

    assert (exported.namespace, exported.name, exported.packets) == ("calls", "mn-1", 1234.0)
    report = exported.report
    assert (report.utilization, report.consumers, report.participants, report.rooms) == (0.25, 40, 5, 2)
    assert report.room_participants == {"standup": 3, "retro": 2}
    assert math.isclose(report.cpu, 0.3)


def test_what_is_no_number_counts_for_nothing() -> None:
    for value in (math.nan, math.inf, -1.0, 1e300):
        assert list(read(_request(Told(value)))) == []


def test_what_is_no_media_node_is_passed_over() -> None:
    request = _request(Told(0.5))
    request.resource_metrics[0].resource.attributes[0].value.string_value = "another-service"
    nameless = _request(Told(0.5))
    nameless.resource_metrics[0].resource.attributes[1].value.string_value = ""

    assert list(read(request)) == []
    assert list(read(nameless)) == []
    assert list(read(ExportMetricsServiceRequest())) == []


def test_a_utilization_beyond_reason_is_cut() -> None:
    (exported,) = read(_request(Told(5000.0)))

    assert exported.report.utilization == 10.0


def _request(told: Told) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    add_resource(request, "calls", "mn-1", told)
    return request


def _add(request: ExportMetricsServiceRequest, name: str, value: float) -> None:
    point = NumberDataPoint(as_double=value)
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    metrics.append(Metric(name=name, gauge=Gauge(data_points=[point])))
