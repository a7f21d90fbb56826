"""The Host that a request names: one, and for what loopback alone protects one of this machine's own.

A page of any origin reaches a server on loopback once its name resolves to 127.0.0.1 (DNS rebinding). What it
cannot do is leave its own name out of the Host.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from rotunda_contract.signaling.answers import ErrorBody
from rotunda_signaling.addresses import parse_address
from rotunda_signaling.http.errors import error_response

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._~%!$&'()*+,;=-]{1,255})(:\d{0,5})?")
"""RFC 3986 section 3.2.2, with a port. No name of the DNS is longer."""


class OneHost:
    """ASGI middleware: a request without a Host, or with two, is answered with 400 (RFC 9112 section 3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value for name, value in scope.get("headers", ()) if name == b"host"]
        missing = not hosts and scope.get("http_version") != "1.0"
        if missing or len(hosts) > 1 or any(name_of(host.decode("latin-1")) is None for host in hosts):
            error = ErrorBody(code="bad_request", message="a request has one header Host")
            await error_response(HTTPStatus.BAD_REQUEST, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class OwnNames:
    """Names that lead to this machine wherever they are resolved, and those that are `named`."""

    def __init__(self, named: Iterable[str] = ()) -> None:
        self._named = {name.strip().strip("[]").lower() for name in named}

    def include(self, host: str | None) -> bool:
        """Whether a request's Host, None without one, is among them."""
        name = name_of(host or "")
        if name is None:
            return False
        if name == "localhost" or name.endswith(".localhost") or name in self._named:
            return True
        address = parse_address(name)
        return address is not None and address.is_loopback


def name_of(host: str) -> str | None:
    """The name or address of a Host, without brackets and port; None where it is no host."""
    match = _HOST.fullmatch(host)
    return match["name"].strip("[]").lower() if match is not None else None
