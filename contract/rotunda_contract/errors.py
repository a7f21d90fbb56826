"""Everything that can go wrong between a client, signaling and a media node.

    RotundaError
    ├── BadRequest         bad_request      the request is malformed; names the field
    ├── UnknownRequest     unknown_request  no such request
    ├── NotJoined          not_joined       join first
    ├── AlreadyJoined      already_joined   leave first
    ├── NotFound           not_found        no such thing, or it is not yours, or in another room
    ├── InvalidState       invalid_state    not now: the thing is in a state that forbids it
    ├── Unsupported        unsupported      the two ends have nothing in common
    ├── TooLarge           too_large        over a size limit
    ├── Unauthorized       unauthorized     no valid token
    ├── Forbidden          forbidden        a valid token that does not allow this
    ├── RoomFull           room_full        worth trying when somebody has left
    ├── LimitExceeded      limit_exceeded   too many of these: close some first
    ├── RateLimited        rate_limited     retry after `retry_after_ms`
    ├── Unavailable        unavailable      retry after `retry_after_ms`
    │   └── StaleAssignment                 the caller's idea of where the room lives is out of date:
    │       │                               ask the directory again, then retry at once
    │       ├── StaleEpoch   stale_epoch    the room is open here with another epoch
    │       ├── WrongProcess wrong_process  this process is not the one that was meant
    │       └── RoomNotOpen  room_not_open  the room must be opened here first
    └── Internal           internal         a defect of ours; retrying may or may not help

Only Unavailable and RateLimited are worth an automatic retry with the same arguments. The codes of
the StaleAssignment branch travel between pods only: clients see `unavailable`.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import grpc

CODE_KEY = "rotunda-code"
"""Trailing metadata of a failed call: the error's `pod_code`."""
RETRY_AFTER_KEY = "rotunda-retry-after-ms"
"""Trailing metadata of a failed call: a delay in milliseconds, as decimal digits."""
DEFAULT_RETRY_MS = 1000


class RotundaError(Exception):
    """Base of all. `str(error)` is the message for people; `code` what clients are told.

    `retry_after_ms` is a delay before which trying again makes no sense, where one is known.
    """

    code: ClassVar[str] = "internal"
    pod_code: ClassVar[str] = "internal"
    status: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL

    def __init__(self, message: str, *, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_ms = retry_after_ms

    def __init_subclass__(cls) -> None:
        if "code" in cls.__dict__ and "pod_code" not in cls.__dict__:
            cls.pod_code = cls.code


class BadRequest(RotundaError):
    """The request is malformed. `field` names the culprit in the contract's own spelling."""

    code = "bad_request"
    status = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, message: str, *, field: str | None = None, retry_after_ms: int | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message, retry_after_ms=retry_after_ms)
        self.field = field


class UnknownRequest(RotundaError):
    code = "unknown_request"
    status = grpc.StatusCode.UNIMPLEMENTED


class NotJoined(RotundaError):
    code = "not_joined"
    status = grpc.StatusCode.FAILED_PRECONDITION


class AlreadyJoined(RotundaError):
    code = "already_joined"
    status = grpc.StatusCode.ALREADY_EXISTS


class NotFound(RotundaError):
    code = "not_found"
    status = grpc.StatusCode.NOT_FOUND


class InvalidState(RotundaError):
    code = "invalid_state"
    status = grpc.StatusCode.FAILED_PRECONDITION


class Unsupported(RotundaError):
    code = "unsupported"
    status = grpc.StatusCode.FAILED_PRECONDITION


class TooLarge(RotundaError):
    code = "too_large"
    status = grpc.StatusCode.OUT_OF_RANGE


class Unauthorized(RotundaError):
    code = "unauthorized"
    status = grpc.StatusCode.UNAUTHENTICATED


class Forbidden(RotundaError):
    code = "forbidden"
    status = grpc.StatusCode.PERMISSION_DENIED


class RoomFull(RotundaError):
    code = "room_full"
    status = grpc.StatusCode.RESOURCE_EXHAUSTED


class LimitExceeded(RotundaError):
    code = "limit_exceeded"
    status = grpc.StatusCode.RESOURCE_EXHAUSTED


class RateLimited(RotundaError):
    code = "rate_limited"
    status = grpc.StatusCode.RESOURCE_EXHAUSTED

    def __init__(self, message: str, *, retry_after_ms: int | None = DEFAULT_RETRY_MS) -> None:
        super().__init__(message, retry_after_ms=retry_after_ms)


class Unavailable(RotundaError):
    code = "unavailable"
    status = grpc.StatusCode.UNAVAILABLE

    def __init__(self, message: str, *, retry_after_ms: int | None = DEFAULT_RETRY_MS) -> None:
        super().__init__(message, retry_after_ms=retry_after_ms)


class StaleAssignment(Unavailable):
    """The caller must resolve the room again. Never sent to clients under a code of its own.

    The status is no UNAVAILABLE, which gRPC clients and circuit breakers would take as the node's.
    """

    status = grpc.StatusCode.FAILED_PRECONDITION


class StaleEpoch(StaleAssignment):
    pod_code = "stale_epoch"


class WrongProcess(StaleAssignment):
    pod_code = "wrong_process"


class RoomNotOpen(StaleAssignment):
    pod_code = "room_not_open"


class Internal(RotundaError):
    code = "internal"
    status = grpc.StatusCode.INTERNAL


def to_status(error: RotundaError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, str], ...]]:
    """What a failed call carries: status, details and trailing metadata."""
    metadata = [(CODE_KEY, error.pod_code)]
    if error.retry_after_ms is not None:
        metadata.append((RETRY_AFTER_KEY, str(error.retry_after_ms)))
    return error.status, error.message, tuple(metadata)


def from_rpc_error(error: grpc.RpcError) -> RotundaError:
    """The error that the other side raised, or the one that tells why it could not be asked.

    Without our metadata the failure is the transport's: a dead or slow node is Unavailable,
    anything else Internal. Takes `grpc.aio.AioRpcError` and the synchronous client's errors.
    """
    metadata = dict(_text_items(_call(error, "trailing_metadata")))
    message = str(_call(error, "details") or "no reason was given")
    kind = _BY_POD_CODE.get(metadata.get(CODE_KEY, ""))
    if kind is not None:
        return kind(message, retry_after_ms=_milliseconds(metadata))
    if _call(error, "code") in _TRANSPORT_FAILURES:
        return Unavailable(f"the media node does not answer: {message}")
    return Internal(f"the media node failed: {message}")


def by_code(code: str) -> type[RotundaError]:
    """The class of a client-facing code; KeyError for one that the contract does not know."""
    return BY_CODE[code]


_TRANSPORT_FAILURES = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)


def _leaves(kind: type[RotundaError]) -> Iterator[type[RotundaError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _leaves(child)


_BY_POD_CODE: Mapping[str, type[RotundaError]] = {
    kind.pod_code: kind for kind in _leaves(RotundaError) if kind is not StaleAssignment
}
BY_CODE: Mapping[str, type[RotundaError]] = {
    kind.code: kind for kind in _BY_POD_CODE.values() if kind.code == kind.pod_code
}
"""Every code of the contract with clients."""


def _call(error: grpc.RpcError, name: str) -> object:
    method = getattr(error, name, None)
    return method() if callable(method) else None


def _text_items(metadata: object) -> Iterator[tuple[str, str]]:
    for key, value in metadata or ():  # type: ignore[attr-defined]
        if isinstance(value, str):
            yield key, value


def _milliseconds(metadata: Mapping[str, str]) -> int | None:
    text = metadata.get(RETRY_AFTER_KEY, "")
    return int(text) if text.isascii() and text.isdigit() else None
