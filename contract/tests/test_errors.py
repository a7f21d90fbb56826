"""An error looks the same on both sides of a gRPC call."""

import grpc
import grpc.aio
import pytest

from rotunda_contract import errors

CLIENT_CODES = {
    "bad_request", "unknown_request", "not_joined", "already_joined", "not_found", "invalid_state",
    "unsupported", "too_large", "unauthorized", "forbidden", "room_full", "limit_exceeded",
    "rate_limited", "unavailable", "internal",
}  # fmt: skip


def carried(error: errors.RotundaError) -> errors.RotundaError:
    status, details, metadata = errors.to_status(error)
    trailing = grpc.aio.Metadata(*metadata)
    return errors.from_rpc_error(grpc.aio.AioRpcError(status, grpc.aio.Metadata(), trailing, details))


def failed(status: grpc.StatusCode) -> errors.RotundaError:
    return errors.from_rpc_error(
        grpc.aio.AioRpcError(status, grpc.aio.Metadata(), grpc.aio.Metadata(), "gone")
    )


def test_the_tree_has_a_class_for_every_code_of_the_contract() -> None:
    assert set(errors.BY_CODE) == CLIENT_CODES


@pytest.mark.parametrize("code", sorted(CLIENT_CODES))
def test_an_error_survives_the_call(code: str) -> None:
    arrived = carried(errors.by_code(code)("so it is", retry_after_ms=250))
    assert type(arrived) is errors.by_code(code)
    assert (arrived.message, arrived.retry_after_ms) == ("so it is", 250)


@pytest.mark.parametrize("kind", [errors.StaleEpoch, errors.WrongProcess, errors.RoomNotOpen])
def test_a_stale_assignment_is_known_to_pods_and_unavailable_to_clients(
    kind: type[errors.StaleAssignment],
) -> None:
    arrived = carried(kind("epoch 3 is open"))
    assert type(arrived) is kind
    assert arrived.code == "unavailable"


def test_a_bad_request_names_its_field_once() -> None:
    arrived = carried(errors.BadRequest("must be audio or video", field="kind"))
    assert str(arrived) == "kind: must be audio or video"


@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_a_node_that_does_not_answer_is_unavailable(status: grpc.StatusCode) -> None:
    assert type(failed(status)) is errors.Unavailable


def test_a_failure_without_our_code_is_internal() -> None:
    assert type(failed(grpc.StatusCode.UNKNOWN)) is errors.Internal
