"""Whether somebody may come into a room, and as whom. Pure: `now` is an argument, in seconds since 1970."""

from dataclasses import dataclass

from rotunda_contract.errors import Forbidden, Unauthorized
from rotunda_contract.signaling.common import ParticipantKind, Permission
from rotunda_contract.signaling.requests import JoinRequest
from rotunda_signaling.auth.grants import GUEST_GRANTS
from rotunda_signaling.auth.tokens import JoinClaims, expired, is_over
from rotunda_signaling.directory import Access


@dataclass(frozen=True, slots=True)
class Admission:
    """What the media node is asked for. `identity` and `token_id` are empty for guests.

    With `resume_only` only somebody who has a seat may come: the node knows who does.
    """

    display_name: str
    permissions: tuple[Permission, ...]
    identity: str = ""
    token_id: str = ""
    resume_only: bool = False
    kind: ParticipantKind = "person"


def admit(
    request: JoinRequest, claims: JoinClaims | None, access: Access, now: float, *, has_keys: bool
) -> Admission:
    """A token decides where there is one; without one the room's access and the seat do.

    A seat comes back without a token, or with one that has expired meanwhile: it was given to somebody who
    had one. Raises Unauthorized without what the room needs, Forbidden with a token for another room.
    """
    if claims is not None and claims.room != request.room:
        raise Forbidden(
            f"the token is for room {claims.room!r}, not for {request.room!r}: ask for one for this room"
        )
    over = claims is not None and is_over(claims.expires_at, now)
    if claims is not None and not over:
        return Admission(
            claims.name or request.display_name,
            claims.grants,
            claims.identity,
            claims.token_id,
            kind=claims.kind,
        )
    if not request.seat:
        if claims is not None:
            raise expired(claims.expires_at)
        if access == "Token":
            raise _token_wanted(request.room, has_keys)
    return Admission(request.display_name, GUEST_GRANTS, resume_only=access == "Token" or over)


def _token_wanted(room: str, has_keys: bool) -> Unauthorized:
    if has_keys:
        return Unauthorized(f"room {room!r} takes nobody without a token: open the link that you were sent")
    return Unauthorized(
        f"room {room!r} takes nobody without a token, and this server has no API keys that could sign one"
    )
