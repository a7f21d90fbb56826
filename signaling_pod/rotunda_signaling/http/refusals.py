"""Answers to what is no request yet, or a request of somebody who has too many, as bytes."""

from http import HTTPStatus

from pydantic_core import to_json

from rotunda_contract.signaling.answers import ErrorAnswer, ErrorBody, ErrorCode


def refusal(status: HTTPStatus, code: ErrorCode, message: str) -> bytes:
    """A whole answer, after which the connection ends."""
    body = to_json(ErrorAnswer(error=ErrorBody(code=code, message=message)).to_json())
    return _head(status, len(body)) + body


def too_many(per_address: int) -> str:
    """For people, and for who administers them."""
    return (
        f"your address has {per_address} connections already: close some. People behind one NAT or proxy "
        "count together (ROTUNDA_CONNECTIONS_PER_ADDRESS, ROTUNDA_TRUSTED_PROXIES)"
    )


def plain_refusal(per_address: int) -> bytes:
    """To a connection beyond what its address may have."""
    return refusal(HTTPStatus.TOO_MANY_REQUESTS, "limit_exceeded", too_many(per_address))


def _head(status: HTTPStatus, length: int) -> bytes:
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: application/json",
        f"content-length: {length}",
        "connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode()
