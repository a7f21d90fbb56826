"""The gRPC server that media nodes, or a collector between, push their metrics to."""

from collections.abc import Callable
from dataclasses import replace

import grpc
import structlog
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as rpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from rotunda_operator.load.ledger import NodeReport
from rotunda_operator.load.otlp import Exported, read
from rotunda_operator.load.trust import may_report

_OPTIONS = (
    ("grpc.max_receive_message_length", 4 << 20),
    # Reporters ask every few seconds whether we live, so that they notice a takeover.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
)

_log = structlog.get_logger(__name__)

OnReport = Callable[[str, str, NodeReport], None]
"""Called with namespace (may be empty), name and report."""


class LoadReceiver(rpc.MetricsServiceServicer):
    """OTLP's MetricsService. `clock` is monotonic seconds."""

    def __init__(self, on_report: OnReport, clock: Callable[[], float]) -> None:
        self._on_report = on_report
        self._clock = clock
        self._counters: dict[tuple[str, str], tuple[float, float]] = {}

    async def Export(
        self,
        request: ExportMetricsServiceRequest,
        context: "grpc.aio.ServicerContext[ExportMetricsServiceRequest, ExportMetricsServiceResponse]",
    ) -> ExportMetricsServiceResponse:
        for exported in read(request):
            if not may_report(context.auth_context(), exported.namespace):
                _log.warning("a load report was refused", namespace=exported.namespace, name=exported.name)
                continue
            rate = self._rate(exported)
            report = replace(exported.report, packets_per_second=rate)
            self._on_report(exported.namespace, exported.name, report)
        return ExportMetricsServiceResponse()

    def _rate(self, exported: Exported) -> float:
        """Packets a second since the report before; 0 for the first one, or after a restart."""
        if exported.packets is None:
            return 0.0
        key, now = (exported.namespace, exported.name), self._clock()
        before = self._counters.get(key)
        self._counters[key] = (exported.packets, now)
        if before is None or exported.packets < before[0] or now <= before[1]:
            return 0.0
        return (exported.packets - before[0]) / (now - before[1])


async def serve(
    receiver: LoadReceiver, address: str, credentials: grpc.ServerCredentials | None = None
) -> grpc.aio.Server:
    """The server, started. Raises OSError for an address that cannot be used."""
    server = grpc.aio.server(options=_OPTIONS)
    rpc.add_MetricsServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]  # generated
    try:
        if credentials is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address} for load reports: {error}") from None
    await server.start()
    _log.info("listens for load reports", port=port, secure=credentials is not None)
    return server
