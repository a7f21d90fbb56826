"""The gRPC server to which media nodes, or a collector in between, push their metrics (OTLP)."""

import time
from collections.abc import Callable

import grpc
import structlog
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from rotunda_operator.load.otlp import MAX_MEASUREMENTS, Part, read
from rotunda_operator.load.reporter_auth import may_report

SERVICE = "opentelemetry.proto.collector.metrics.v1.MetricsService"
LOG_SECONDS = 10.0
"""Between two log lines about refused reports: each reporter sends one report every 2 s."""
_OPTIONS = (
    ("grpc.max_receive_message_length", 4 << 20),
    # Reporters send a ping every few seconds, to notice soon when the leader has changed.
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
)

_log = structlog.get_logger(__name__)

OnPart = Callable[[Part, float], str | None]
"""Called with a part and when it arrived, in seconds since 1970. The answer says why it is refused; None: it
is not."""


class LoadReceiver:
    """OTLP's MetricsService. `clock`: seconds since 1970, which never go back."""

    def __init__(self, on_part: OnPart, clock: Callable[[], float] | None = None) -> None:
        self._on_part = on_part
        self._clock = clock or steady_clock()
        self._logged = float("-inf")

    async def export(
        self, message: bytes, context: "grpc.aio.ServicerContext[bytes, ExportMetricsServiceResponse]"
    ) -> ExportMetricsServiceResponse:
        """Handles one request. What is refused is reported as OTLP's partial success."""
        try:
            request = ExportMetricsServiceRequest.FromString(message)
        except DecodeError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "this is no ExportMetricsServiceRequest")
        exported = read(request)
        response = ExportMetricsServiceResponse()
        if exported.unreadable:
            _reject(
                response, exported.unreadable, "a value is no number of at least 0, or a node has no name"
            )
        caller = context.auth_context()
        if exported.surplus:
            _reject(
                response,
                exported.surplus,
                f"of a node no more than {MAX_MEASUREMENTS} moments in one message",
            )
        for part in exported.parts:
            if may_report(caller, part.namespace):
                refusal = self._on_part(part, self._clock())
            else:
                refusal = f"the certificate is not that of a media node of namespace {part.namespace!r}"
            if refusal is not None:
                _reject(response, part.points, f"{part.name}: {refusal}")
        if response.HasField("partial_success"):
            self._log(response)
        return response

    def _log(self, response: ExportMetricsServiceResponse) -> None:
        now = self._clock()
        if now - self._logged >= LOG_SECONDS:
            self._logged = now
            why = response.partial_success.error_message
            _log.warning(
                "load reports refused", points=response.partial_success.rejected_data_points, why=why
            )


def steady_clock() -> Callable[[], float]:
    """Seconds since 1970 that only increase, even if the machine's clock is set back.

    With a clock that is set back each new report would seem older than the last one, and be ignored until the
    clock has caught up.
    """
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()


def _reject(response: ExportMetricsServiceResponse, points: int, why: str) -> None:
    """Of several reasons the last one is in the answer."""
    response.partial_success.rejected_data_points += points
    response.partial_success.error_message = why


async def serve(
    receiver: LoadReceiver, address: str, credentials: grpc.ServerCredentials | None = None
) -> grpc.aio.Server:
    """The server, started. Raises OSError for an address that cannot be used."""
    server = grpc.aio.server(options=_OPTIONS)
    # Not the generated service: it answers a message that it cannot parse with UNKNOWN and logs a traceback.
    export: grpc.RpcMethodHandler[bytes, ExportMetricsServiceResponse] = grpc.unary_unary_rpc_method_handler(
        receiver.export, response_serializer=ExportMetricsServiceResponse.SerializeToString
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Export": export}),))
    try:
        if credentials is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address} for load reports: {error}") from None
    await server.start()
    _log.info("listening for load reports", port=port, secure=credentials is not None)
    return server
