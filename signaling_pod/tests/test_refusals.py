"""What Kubernetes refuses is told to people by kind, each with a code and words of its own."""

import pytest

from rotunda_contract.errors import RotundaError
from rotunda_kube import errors
from rotunda_signaling.directory.refusals import error_for_client, errors_for_clients

KINDS = {
    errors.Invalid: ("bad_request", "spec.maxParticipants"),
    errors.QuotaExceeded: (
        "limit_exceeded",
        "the quota of this Kubernetes namespace is used up; delete some",
    ),
    errors.NamespaceGoes: ("invalid_state", "namespace is being deleted"),
    errors.Unauthenticated: ("internal", "does not accept signaling's credentials"),
    errors.NotAllowed: ("internal", "signaling lacks a right, or a policy of the cluster refuses it"),
    errors.NotFound: ("internal", "the definition of Rooms is missing"),
    errors.Conflict: ("unavailable", "has changed meanwhile"),
    errors.Throttled: ("rate_limited", "is asked too much"),
    errors.ServerFailed: ("unavailable", "answers with an error of its own"),
    errors.Unavailable: ("unavailable", "does not answer"),
    errors.KubeError: ("unavailable", "refuses it"),
}


@pytest.mark.parametrize(("kind", "code", "words"), [(kind, *said) for kind, said in KINDS.items()])
def test_each_kind_has_its_code_and_words(kind: type[errors.KubeError], code: str, words: str) -> None:
    error = error_for_client("making the room", kind("POST: spec.maxParticipants"))
    assert error.code == code
    assert str(error).startswith("making the room")
    assert words in str(error)


def test_no_two_kinds_have_the_same_words() -> None:
    messages = {str(error_for_client("making the room", kind("x"))) for kind in KINDS}
    assert len(messages) == len(KINDS)


def test_when_to_try_again_is_the_servers_word() -> None:
    with pytest.raises(RotundaError) as caught, errors_for_clients("making the room"):
        raise errors.Throttled("429", retry_after=3)
    assert caught.value.retry_after_ms == 3000
