"""Join tokens over HTTP, for whoever has an API key and lets the server sign."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from rotunda_contract.errors import BadRequest, InvalidState
from rotunda_contract.rtp import ContractModel
from rotunda_contract.signaling.answers import ErrorAnswer
from rotunda_contract.signaling.common import (
    DisplayName,
    Id,
    ParticipantKind,
    Permission,
    RoomLabel,
    Timestamp,
)
from rotunda_signaling.http.access import HttpAccess
from rotunda_signaling.timestamps import timestamp

MAX_TTL_SECONDS = 30 * 24 * 3600


class NewToken(ContractModel):
    """Whom to let in, and what they may do. `name`, where there is one, is what the others see.

    Without `grants` it has those that are usual for the kind.
    """

    identity: Id
    name: DisplayName | None = None
    kind: ParticipantKind = "person"
    grants: tuple[Permission, ...] | None = None
    ttl_seconds: Annotated[int, Field(ge=1, le=MAX_TTL_SECONDS, strict=True)] = 3600


class TokenBody(ContractModel):
    """A join token, and the link that carries it."""

    token: str
    expires_at: Timestamp
    join_url: str = Field(alias="joinURL")


def tokens_router(access: HttpAccess) -> APIRouter:
    """The route `POST /api/v1/rooms/{room}/tokens`. The room need not exist yet."""
    authenticator = access.authenticator
    errors: dict[int | str, dict[str, object]] = {
        status: {"model": ErrorAnswer} for status in (400, 401, 403, 409)
    }
    router = APIRouter(prefix="/api/v1/rooms", tags=["tokens"], responses=errors)

    @router.post(
        "/{room}/tokens",
        status_code=201,
        summary="Sign a join token",
        dependencies=[Depends(access.administrator)],
    )
    async def create_token(room: RoomLabel, new: NewToken, request: Request) -> TokenBody:
        if not authenticator.has_keys:
            raise InvalidState("this server has no API keys that could sign one (ROTUNDA_API_KEYS_DIRECTORY)")
        try:
            token = authenticator.sign_join(
                room=room,
                identity=new.identity,
                name=new.name,
                kind=new.kind,
                grants=new.grants,
                ttl=new.ttl_seconds,
            )
        except ValueError as error:
            raise BadRequest(str(error)) from None
        expires = datetime.fromtimestamp(int(authenticator.now()) + new.ttl_seconds, UTC)
        return TokenBody(
            token=token,
            expires_at=timestamp(expires),
            join_url=f"{request.base_url}r/{room}#token={token}",
        )

    return router
