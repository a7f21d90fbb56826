"""Who may use the HTTP API: a token in `Authorization: Bearer …`, of whatever kind the route takes."""

import ipaddress
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from rotunda_contract.errors import Forbidden, Unauthorized
from rotunda_contract.ids import RoomName
from rotunda_contract.signaling.common import RoomLabel
from rotunda_signaling.auth.authenticator import Authenticator
from rotunda_signaling.auth.tokens import ApiClaims, Claims
from rotunda_signaling.http.hosts import OwnNames
from rotunda_signaling.service.rooms import Rooms

_BEARER = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    description="An API token, signed by an API key (`rotunda token --api`), or where a route says so the "
    "join or guest token of somebody in the room.",
)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


class HttpAccess:
    """Dependencies of routes. Without API keys everyone may run rooms who asks by a name in `open_to`."""

    def __init__(self, authenticator: Authenticator, rooms: Rooms, *, open_to: OwnNames | None) -> None:
        self._authenticator = authenticator
        self._rooms = rooms
        self._open_to = open_to

    @property
    def authenticator(self) -> Authenticator:
        return self._authenticator

    async def administrator(self, request: Request, bearer: Bearer) -> None:
        """Needs an API token, where there are API keys. Raises Unauthorized or Forbidden."""
        if not self._authenticator.has_keys:
            self._check_open(request)
        elif not isinstance(self._read(bearer, "an API token"), ApiClaims):
            raise Forbidden("this needs an API token; yours is for people in a room")

    async def member(self, room: RoomLabel, bearer: Bearer) -> Claims:
        """Needs a token for the room, of somebody who was not removed from it, or an API token.

        Raises Unauthorized or Forbidden.
        """
        claims = self._read(bearer, "a token for the room")
        if isinstance(claims, ApiClaims):
            return claims
        if claims.room != room:
            raise Forbidden(f"the token is for room {claims.room!r}, not for {room!r}")
        await self._rooms.check_removed(RoomName(room), claims)
        return claims

    async def visitor(self, request: Request, room: RoomLabel, bearer: Bearer) -> None:
        """As `member`; without API keys as `administrator`."""
        if bearer is None and not self._authenticator.has_keys:
            self._check_open(request)
        else:
            await self.member(room, bearer)

    def _check_open(self, request: Request) -> None:
        if self._open_to is None:
            raise Unauthorized(
                "this server has no API keys (ROTUNDA_API_KEYS_DIRECTORY): without them its rooms API "
                "is open only where it listens on loopback"
            )
        if not self._open_to.include(request.headers.get("host")):
            raise Unauthorized(
                "without API keys the rooms API is open by the names localhost and 127.0.0.1 and the like, "
                "not by the one that you asked for: ROTUNDA_KNOWN_HOSTS adds names"
            )

    def _read(self, bearer: HTTPAuthorizationCredentials | None, wanted: str) -> Claims:
        if bearer is None:
            raise Unauthorized(f"this needs {wanted}, in a header Authorization: Bearer …")
        return self._authenticator.read_any(bearer.credentials)


def listens_on_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
