"""The calling side of the gRPC contract: a channel, its stub, and calls that raise RotundaError."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Protocol, TypeVar

import grpc
import grpc.aio

from rotunda_contract.errors import from_rpc_error
from rotunda_contract.pb import events_pb2, media_node_pb2, media_node_pb2_grpc

DEFAULT_DEADLINE = 5.0
"""Seconds that a call may take unless the caller says otherwise."""

_Request = TypeVar("_Request", contravariant=True)
_Response = TypeVar("_Response", covariant=True)

_OPTIONS = (
    # Pods talk to pods: an HTTP proxy from the environment would be a detour at best.
    ("grpc.enable_http_proxy", 0),
    # A silent partition is noticed within about 15 s, which is well inside the reconnect grace.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # The library waits for so long as well; by default for a minute.
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class UnaryMethod(Protocol[_Request, _Response]):
    """A stub's method of one request and one answer."""

    def __call__(self, request: _Request, *, timeout: float | None = None) -> Awaitable[_Response]: ...


def open_channel(
    address: str, credentials: grpc.ChannelCredentials | None = None, *, identity: str = ""
) -> grpc.aio.Channel:
    """A channel to `host:port` or `unix:path`, without TLS where there are no credentials.

    With them, whoever answers must have a certificate for `identity`. Connects by itself and again.
    """
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=_OPTIONS)
    named = (("grpc.ssl_target_name_override", identity),)
    return grpc.aio.secure_channel(address, credentials, options=(*_OPTIONS, *named))


def media_node_stub(channel: grpc.aio.Channel) -> media_node_pb2_grpc.MediaNodeAsyncStub:
    """The asynchronous stub of the MediaNode service."""
    return media_node_pb2_grpc.MediaNodeStub(channel)


async def call(
    method: UnaryMethod[_Request, _Response], request: _Request, *, timeout: float = DEFAULT_DEADLINE
) -> _Response:
    """Calls with a deadline in seconds. Raises RotundaError, never a gRPC error."""
    try:
        return await method(request, timeout=timeout)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error


async def watch_room(
    stub: media_node_pb2_grpc.MediaNodeAsyncStub, request: media_node_pb2.WatchRoomRequest
) -> AsyncIterator[events_pb2.RoomEvent]:
    """The room's events, the snapshot first. Ends when the room closes; raises RotundaError when
    the stream breaks. Leaving the iteration cancels the stream."""
    stream = stub.WatchRoom(request)
    try:
        async for event in stream:
            yield event
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    finally:
        stream.cancel()
