"""From a request's JSON to its model, and from an error to the answer for the client. Pure."""

import difflib
from typing import Any

from pydantic import ValidationError

from rotunda_contract.errors import Internal, RotundaError, TooLarge, UnknownRequest
from rotunda_contract.rtp import ContractModel
from rotunda_contract.signaling import EXCHANGES
from rotunda_contract.signaling.common import TOO_LARGE
from rotunda_contract.wire import bad_request

_SHOWN = 64


def validate(name: str, payload: dict[str, Any]) -> ContractModel:
    """The request's model. Raises UnknownRequest, BadRequest or TooLarge."""
    exchange = EXCHANGES.get(name)
    if exchange is None:
        raise UnknownRequest(f"there is no request {name[:_SHOWN]!r}{_suggestion(name)}")
    try:
        return exchange.request.model_validate(payload)
    except ValidationError as error:
        raise _complaint(error) from None


def error_answer(error: RotundaError) -> dict[str, Any]:
    """`{error: {code, message, retryAfterMs?}}`."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.retry_after_ms is not None:
        body["retryAfterMs"] = error.retry_after_ms
    return {"error": body}


def internal_error() -> dict[str, Any]:
    """For a defect of ours. The client gets no details."""
    return error_answer(Internal("something went wrong on our side"))


def _complaint(error: ValidationError) -> RotundaError:
    complaint = bad_request(error)
    if error.errors(include_url=False, include_input=False)[0]["type"] == TOO_LARGE:
        return TooLarge(complaint.message)
    return complaint


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name[:_SHOWN], EXCHANGES, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
