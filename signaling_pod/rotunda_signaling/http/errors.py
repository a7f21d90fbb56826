"""Errors as HTTP answers: `{error: {code, message, retryAfterMs?}}` and the status that fits."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from rotunda_contract.errors import RotundaError
from rotunda_contract.signaling.answers import ErrorAnswer, ErrorBody, ErrorCode
from rotunda_contract.signaling.common import TOO_LARGE

STATUS: Mapping[str, HTTPStatus] = {
    "bad_request": HTTPStatus.BAD_REQUEST,
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "invalid_state": HTTPStatus.CONFLICT,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "limit_exceeded": HTTPStatus.TOO_MANY_REQUESTS,
    "rate_limited": HTTPStatus.TOO_MANY_REQUESTS,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""By the error's code; 500 for what is not here."""
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def install_error_answers(app: FastAPI) -> None:
    """Every failure of the app answers in one shape."""
    app.add_exception_handler(RotundaError, _on_rotunda_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_defect)
    _describe_no_other(app)


def error_response(status: int, body: ErrorBody, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """One error as an answer."""
    return JSONResponse(ErrorAnswer(error=body).to_json(), status_code=status, headers=headers)


def _describe_no_other(app: FastAPI) -> None:
    """FastAPI describes an answer of its own for what is invalid (422), which nobody gets here."""
    describe = app.openapi

    def without_422() -> dict[str, Any]:
        described = describe()
        for operations in described["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        for unused in ("HTTPValidationError", "ValidationError"):
            described.get("components", {}).get("schemas", {}).pop(unused, None)
        return described

    app.openapi = without_422  # type: ignore[method-assign]


async def _on_rotunda_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RotundaError)
    headers = _challenge(request, error)
    if error.retry_after_ms is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after_ms / 1000))
    body = ErrorBody.model_validate(
        {"code": error.code, "message": error.message, "retryAfterMs": error.retry_after_ms}
    )
    return error_response(STATUS.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR), body, headers)


def _challenge(request: Request, error: RotundaError) -> dict[str, str]:
    """What RFC 6750 section 3 asks for where a token is missing, not valid or not enough."""
    if error.code not in ("unauthorized", "forbidden"):
        return {}
    challenge = 'Bearer realm="rotunda"'
    if "authorization" in request.headers:
        kind = "invalid_token" if error.code == "unauthorized" else "insufficient_scope"
        challenge += f', error="{kind}"'
    return {"WWW-Authenticate": challenge}


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError | ValidationError)
    first = error.errors()[0]
    where = ".".join(str(step) for step in first["loc"] if step not in ("body", "path", "query"))
    if not where or first["type"] == "json_invalid":
        message = "the body must be a JSON object, sent with Content-Type: application/json"
    else:
        message = f"{where}: {first['msg']}"
    code: ErrorCode = "too_large" if first["type"] == TOO_LARGE else "bad_request"
    return error_response(STATUS[code], ErrorBody(code=code, message=message))


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND:
        body = ErrorBody(code="not_found", message=f"there is nothing at {request.url.path[:200]}")
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _wrong_method(request)
    else:
        body = ErrorBody(code="bad_request", message=str(error.detail))
    return error_response(error.status_code, body, error.headers)


def _wrong_method(request: Request) -> JSONResponse:
    """Starlette names the methods of the first route of a path only (RFC 9110 section 15.5.6: all)."""
    allow = ", ".join(method for method in _METHODS if _is_accepted(request, method))
    allow = allow.replace("GET", "GET, HEAD")
    message = f"{request.method} is not accepted at {request.url.path[:200]}, but {allow}"
    body = ErrorBody(code="bad_request", message=message)
    return error_response(HTTPStatus.METHOD_NOT_ALLOWED, body, {"Allow": allow})


def _is_accepted(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


async def _on_defect(_: Request, __: Exception) -> JSONResponse:
    body = ErrorBody(code="internal", message="something went wrong on our side")
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, body)
