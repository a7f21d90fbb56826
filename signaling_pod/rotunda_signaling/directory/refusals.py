"""From errors of the Kubernetes API server to errors for clients: each kind has its own message.

A client can do nothing about a missing permission. That is `internal`, with a message for the administrator.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from rotunda_contract import errors
from rotunda_kube import (
    Conflict,
    Invalid,
    KubeError,
    NamespaceGoes,
    NotAllowed,
    NotFound,
    QuotaExceeded,
    ServerFailed,
    Throttled,
    Unauthenticated,
    Unavailable,
)

RETRY_MS = 5000

_log = structlog.get_logger(__name__)


@contextmanager
def errors_for_clients(doing: str) -> Iterator[None]:
    """`doing` begins the message, such as `making the room`. Raises RotundaError instead of KubeError."""
    try:
        yield
    except KubeError as error:
        _log.warning("the API server did not do it", doing=doing, kind=type(error).__name__, error=str(error))
        raise error_for_client(doing, error) from error


def error_for_client(doing: str, error: KubeError) -> errors.RotundaError:
    """The error for clients. It has the server's words about a wrong manifest, but not about the server
    itself."""
    delay = round(error.retry_after * 1000) if error.retry_after else RETRY_MS
    match error:
        case Invalid():
            return errors.BadRequest(f"{doing}: {error}")
        case QuotaExceeded():
            return errors.LimitExceeded(
                f"{doing} is not possible: the quota of this Kubernetes namespace is used up; "
                "delete some rooms, or let its ResourceQuota be raised"
            )
        case NamespaceGoes():
            return errors.InvalidState(f"{doing} is not possible: its Kubernetes namespace is being deleted")
        case Unauthenticated():
            return errors.Internal(
                f"{doing} is not possible: the Kubernetes API server does not accept signaling's credentials"
            )
        case NotAllowed():
            return errors.Internal(
                f"{doing} is not possible: signaling lacks a right, or a policy of the cluster refuses it"
            )
        case NotFound():
            return errors.Internal(
                f"{doing} is not possible: the namespace or the definition of Rooms is missing in Kubernetes"
            )
        case Conflict():
            return errors.Unavailable(f"{doing}: the room has changed meanwhile, try again", retry_after_ms=0)
        case Throttled():
            return errors.RateLimited(
                f"{doing} has to wait: the Kubernetes API server is asked too much", retry_after_ms=delay
            )
        case ServerFailed():
            words = "the Kubernetes API server answers with an error of its own"
        case Unavailable():
            words = "the Kubernetes API server does not answer"
        case _:
            words = "the Kubernetes API server refuses it"
    return errors.Unavailable(f"{doing} is not possible now: {words}", retry_after_ms=delay)
