"""The gRPC server that media nodes, or a collector between, push their metrics to."""

import time
from collections.abc import Callable

import grpc
import structlog
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from rotunda_operator.load.otlp import MOST_MOMENTS, Part, read
from rotunda_operator.load.reporter_auth import may_report

SERVICE = "opentelemetry.proto.collector.metrics.v1.MetricsService"
LOG_SECONDS = 10.0
"""At most one line about what is refused in so many seconds: reporters come every two."""
_OPTIONS = (
    ("grpc.max_receive_message_length", 4 << 20),
    # Reporters ask every few seconds whether we live, so that they notice a takeover.
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
)

_log = structlog.get_logger(__name__)

OnPart = Callable[[Part, float], str | None]
"""Called with a part and when it arrived, seconds since 1970. The answer says why it is not taken."""


class LoadReceiver:
    """OTLP's MetricsService. `clock` is seconds since 1970 and never goes back."""

    def __init__(self, on_part: OnPart, clock: Callable[[], float] | None = None) -> None:
        self._on_part = on_part
        self._clock = clock or steady_clock()
        self._logged = float("-inf")

    async def export(
        self, message: bytes, context: "grpc.aio.ServicerContext[bytes, ExportMetricsServiceResponse]"
    ) -> ExportMetricsServiceResponse:
        """One request. What is not taken is told as OTLP's partial success."""
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
                response, exported.surplus, f"of a node no more than {MOST_MOMENTS} moments in one message"
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
                "load reports are not taken", points=response.partial_success.rejected_data_points, why=why
            )


def steady_clock() -> Callable[[], float]:
    """The machine's clock as it stands now, which then only goes on. Were it set back while reports come,
    each new one would be older than the last, which would stand until the clock is where it was."""
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()


def _reject(response: ExportMetricsServiceResponse, points: int, why: str) -> None:
    """The last reason is told."""
    response.partial_success.rejected_data_points += points
    response.partial_success.error_message = why


async def serve(
    receiver: LoadReceiver, address: str, credentials: grpc.ServerCredentials | None = None
) -> grpc.aio.Server:
    """The server, started. Raises OSError for an address that cannot be used."""
    server = grpc.aio.server(options=_OPTIONS)
    # Not by the generated service: what it cannot parse, it answers with UNKNOWN and a traceback.
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
    _log.info("listens for load reports", port=port, secure=credentials is not None)
    return server
