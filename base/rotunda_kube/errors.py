"""What an API server may answer instead of an object, by what to do then.

KubeError
├── Conflict        409  the object has changed: decide again from the newer one
├── AlreadyExists   409  somebody has created it before: read theirs
├── NotFound        404  it is gone
├── Gone            410  the resource version is too old: list again
├── Invalid         400, 422  the request is wrong; trying again does not help
├── Unauthenticated 401  our credentials are not accepted, whatever is asked
├── NotAllowed      403  a rule of RBAC is missing, or one of admission refuses: PodSecurity, a webhook
│   ├── QuotaExceeded    a ResourceQuota is used up, or cannot count the object
│   └── NamespaceGoes    the namespace is being deleted
├── Throttled       429  try again after `retry_after` seconds
└── Unavailable     no answer  try again; whether a write took effect is not known
    └── ServerFailed  5xx
"""

from typing import Any


class KubeError(Exception):
    """Base of all. `retry_after` is in seconds, None where the server named no time."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(KubeError):
    pass


class AlreadyExists(KubeError):
    pass


class NotFound(KubeError):
    pass


class Gone(KubeError):
    pass


class Invalid(KubeError):
    pass


class Unauthenticated(KubeError):
    pass


class NotAllowed(KubeError):
    pass


class QuotaExceeded(NotAllowed):
    pass


class NamespaceGoes(NotAllowed):
    pass


class Throttled(KubeError):
    pass


class Unavailable(KubeError):
    pass


class ServerFailed(Unavailable):
    pass


_BY_CODE: dict[int, type[KubeError]] = {
    400: Invalid,
    401: Unauthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: Throttled,
}


def error_of(code: int, status: dict[str, Any], request: str, retry_after: str | None = None) -> KubeError:
    """The error for an answer's code and its `Status` object, if it has one."""
    kind = _BY_CODE.get(code, ServerFailed)
    if status.get("reason") == "AlreadyExists":
        kind = AlreadyExists
    elif status.get("reason") == "Expired":
        kind = Gone
    elif kind is NotAllowed:
        kind = _refusal(status)
    seconds = float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
    return kind(f"{request}: {code} {status.get('message') or 'without a message'}", retry_after=seconds)


def _refusal(status: dict[str, Any]) -> type[KubeError]:
    """Which 403: the API server has a cause for a namespace that goes, and but words for a quota."""
    causes = (status.get("details") or {}).get("causes") or ()
    if any(isinstance(cause, dict) and cause.get("reason") == "NamespaceTerminating" for cause in causes):
        return NamespaceGoes
    words = str(status.get("message") or "")
    return QuotaExceeded if "exceeded quota: " in words or "failed quota: " in words else NotAllowed
