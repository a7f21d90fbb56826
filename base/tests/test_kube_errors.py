"""What an API server refuses is told apart by kind."""

from typing import Any

import pytest

from rotunda_kube import errors

QUOTA = (
    'rooms.rotunda.dev "a" is forbidden: exceeded quota: few, requested: count/rooms.rotunda.dev=1, used: '
)
RBAC = 'rooms.rotunda.dev is forbidden: User "signaling" cannot create resource "rooms" in API group'
GOES = {"causes": [{"reason": "NamespaceTerminating", "message": "namespace meet is being terminated"}]}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (400, {}, errors.Invalid),
        (401, {"reason": "Unauthorized"}, errors.Unauthenticated),
        (403, {"reason": "Forbidden", "message": RBAC}, errors.NotAllowed),
        (403, {"reason": "Forbidden", "message": QUOTA}, errors.QuotaExceeded),
        (
            403,
            {"message": 'pods "a" is forbidden: failed quota: few: must specify cpu'},
            errors.QuotaExceeded,
        ),
        (403, {"reason": "Forbidden", "details": GOES}, errors.NamespaceGoes),
        (403, {}, errors.NotAllowed),
        (404, {}, errors.NotFound),
        (409, {"reason": "Conflict"}, errors.Conflict),
        (409, {"reason": "AlreadyExists"}, errors.AlreadyExists),
        (410, {"reason": "Expired"}, errors.Gone),
        (422, {"reason": "Invalid"}, errors.Invalid),
        (429, {}, errors.Throttled),
        (500, {}, errors.ServerFailed),
        (503, {}, errors.ServerFailed),
    ],
)
def test_each_refusal_has_its_kind(code: int, status: dict[str, Any], kind: type[errors.KubeError]) -> None:
    error = errors.error_of(code, status, "POST /rooms", "7")
    assert type(error) is kind
    assert error.retry_after == 7


def test_credentials_that_are_not_accepted_say_nothing_of_what_is_asked() -> None:
    assert not isinstance(errors.error_of(401, {}, "POST /rooms"), errors.NotAllowed)
