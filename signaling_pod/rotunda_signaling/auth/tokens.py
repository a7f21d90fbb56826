"""Tokens: what they say, how they are signed, and everything that makes one worthless. Pure.

Times are seconds since 1970 (RFC 7519 section 2, NumericDate), and `now` is an argument.
"""

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import jwt
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from rotunda_contract.errors import Unauthorized
from rotunda_contract.signaling.common import DisplayName, Id, ParticipantKind, Permission, RoomLabel
from rotunda_signaling.auth.grants import NOT_YET, check_grants, not_yet, usual_grants
from rotunda_signaling.auth.keys import ApiKey, KeyRing

ALGORITHM = "HS256"
JOIN_AUDIENCE = "rotunda"
GUEST_AUDIENCE = "rotunda-guest"
API_AUDIENCE = "rotunda-api"
MAX_TOKEN_LENGTH = 4096
"""Characters of a token."""
LEEWAY = 10.0
"""Seconds by which clocks may differ."""
MAX_API_SECONDS = 3600.0
"""How long an API token may live: it can do everything."""
_LAST_SECOND = 253_402_300_799  # of the year 9999

_Time = Annotated[float, Field(ge=0, le=_LAST_SECOND, allow_inf_nan=False, strict=True)]


def _each_once(value: tuple[Permission, ...]) -> tuple[Permission, ...]:
    for grant in value:
        if grant in NOT_YET:
            raise ValueError(not_yet(grant))
    return tuple(dict.fromkeys(value))


class _Claims(BaseModel):
    """What every token says. Unknown claims are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    exp: _Time
    iat: _Time
    nbf: _Time | None = None


class _JoinBody(_Claims):
    jti: Id
    room: RoomLabel
    identity: Id
    name: DisplayName | None = None
    kind: ParticipantKind = "person"
    grants: Annotated[tuple[Permission, ...], AfterValidator(_each_once)]

    @field_validator("grants")
    @classmethod
    def _possible(cls, value: tuple[Permission, ...], info: ValidationInfo) -> tuple[Permission, ...]:
        if "kind" in info.data:
            check_grants(info.data["kind"], value)
        return value


class _GuestBody(_Claims):
    room: RoomLabel
    participant: Id


class _ApiBody(_Claims):
    pass


@dataclass(frozen=True, slots=True)
class JoinClaims:
    """One participant's right to come into one room. `token_id` is the token's own (`jti`)."""

    room: str
    identity: str
    name: str | None
    grants: tuple[Permission, ...]
    token_id: str
    expires_at: float
    kind: ParticipantKind = "person"


@dataclass(frozen=True, slots=True)
class GuestClaims:
    """Somebody who came into an Open room without a token."""

    room: str
    participant_id: str


@dataclass(frozen=True, slots=True)
class ApiClaims:
    """Whoever has the API key `key_id`."""

    key_id: str


Claims = JoinClaims | GuestClaims | ApiClaims
_Body = TypeVar("_Body", bound=_Claims)


def sign_join(
    key: ApiKey,
    *,
    room: str,
    identity: str,
    now: float,
    ttl: float,
    name: str | None = None,
    kind: ParticipantKind = "person",
    grants: tuple[Permission, ...] | None = None,
) -> str:
    """A join token that lives for `ttl` seconds. Without `grants` it has those that are usual for the kind.

    Raises ValueError naming a claim that is not accepted.
    """
    grants = usual_grants(kind) if grants is None else grants
    body: dict[str, Any] = {"jti": secrets.token_hex(12), "room": room, "identity": identity}
    body |= {"grants": list(grants), **({"name": name} if name is not None else {})}
    body |= {"kind": kind} if kind != "person" else {}
    token = _sign(key, JOIN_AUDIENCE, body, now, ttl)
    try:
        _JoinBody.model_validate({**body, "exp": now + ttl, "iat": now})
    except ValidationError as error:
        raise ValueError(_complaint(error)) from None
    if len(token) > MAX_TOKEN_LENGTH:
        raise ValueError(f"the token would have {len(token)} characters, at most {MAX_TOKEN_LENGTH}")
    return token


def sign_guest(key: ApiKey, *, room: str, participant_id: str, now: float, ttl: float) -> str:
    """For the HTTP API, as long as the participant has not been removed."""
    return _sign(key, GUEST_AUDIENCE, {"room": room, "participant": participant_id}, now, ttl)


def sign_api(key: ApiKey, *, now: float, ttl: float) -> str:
    """For the rooms API. Raises ValueError for a life that no server would accept."""
    if not 0 < ttl <= MAX_API_SECONDS:
        raise ValueError(f"an API token lives at most {MAX_API_SECONDS:.0f} s, not {ttl:g}")
    return _sign(key, API_AUDIENCE, {}, now, ttl)


def read_token(token: object, keys: KeyRing, now: float, *audiences: str) -> Claims:
    """What a token says, once nothing speaks against it. Raises Unauthorized saying what does."""
    if not keys:
        raise Unauthorized("the token is not valid here: this server has no API keys")
    if not isinstance(token, str) or not token:
        raise Unauthorized("the token must be a text, as `rotunda token` prints it")
    if len(token) > MAX_TOKEN_LENGTH:
        raise Unauthorized(f"the token has {len(token)} characters, at most {MAX_TOKEN_LENGTH} are accepted")
    key = _key_of(token, keys)
    payload = _payload(token, key, audiences)
    audience = payload["aud"]
    if audience == JOIN_AUDIENCE:
        joining = _body(_JoinBody, payload, now)
        return JoinClaims(
            joining.room,
            joining.identity,
            joining.name,
            joining.grants,
            joining.jti,
            joining.exp,
            joining.kind,
        )
    if audience == GUEST_AUDIENCE:
        guest = _body(_GuestBody, payload, now)
        return GuestClaims(guest.room, guest.participant)
    api = _body(_ApiBody, payload, now)
    if api.exp - api.iat > MAX_API_SECONDS:
        raise Unauthorized(
            f"the API token lives for {api.exp - api.iat:.0f} s (exp less iat), at most "
            f"{MAX_API_SECONDS:.0f} are accepted: sign a new one for each use"
        )
    return ApiClaims(key.id)


def is_over(expires_at: float, now: float) -> bool:
    return now >= expires_at + LEEWAY


def expired(expires_at: float) -> Unauthorized:
    return Unauthorized(f"the token has expired at {_when(expires_at)}: ask for a new one")


def _sign(key: ApiKey, audience: str, body: Mapping[str, Any], now: float, ttl: float) -> str:
    times = {"iat": math.floor(now), "exp": math.floor(now + ttl)}
    return jwt.encode({"aud": audience, **body, **times}, key.secret, ALGORITHM, headers={"kid": key.id})


def _key_of(token: str, keys: KeyRing) -> ApiKey:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.DecodeError, ValueError, RecursionError):
        raise Unauthorized("the token is no JWT: that has three parts, joined by dots") from None
    except jwt.PyJWTError as error:
        raise _not_valid(error) from None
    algorithm, id = header.get("alg"), header.get("kid")
    if algorithm != ALGORITHM:
        raise Unauthorized(f"the token says alg {_shown(algorithm)}, only {ALGORITHM!r} is accepted")
    if not isinstance(id, str):
        raise Unauthorized("the token's header does not name its key: kid must be the id of an API key")
    key = keys.find(id)
    if key is None:
        raise Unauthorized(f"the token names the key {_shown(id)}, which this server does not have")
    return key


def _payload(token: str, key: ApiKey, audiences: tuple[str, ...]) -> dict[str, Any]:
    """Without the times: PyJWT would check them with the system's clock. They are checked later with ours."""
    options: Any = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "sub", "jti")}
    try:
        payload = jwt.decode(token, key.secret, algorithms=[ALGORITHM], options=options)
    except jwt.InvalidSignatureError:
        raise Unauthorized(f"the token was not signed by the key {key.id!r} that it names") from None
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise _not_valid(error) from None
    if payload.get("aud") not in audiences:
        wanted = " or ".join(repr(audience) for audience in audiences)
        raise Unauthorized(
            f"the token's audience (aud) is {_shown(payload.get('aud'))}, accepted here is {wanted}"
        )
    return dict(payload)


def _not_valid(error: Exception) -> Unauthorized:
    return Unauthorized(f"the token is not valid: {str(error)[:200]}")


def _body(kind: type[_Body], payload: Mapping[str, Any], now: float) -> _Body:
    try:
        body = kind.model_validate(payload)
    except ValidationError as error:
        raise Unauthorized(f"the token's claims are not as they must be: {_complaint(error)}") from None
    if is_over(body.exp, now):
        raise expired(body.exp)
    begins = max(body.iat, body.nbf or 0.0)
    if begins > now + LEEWAY:
        raise Unauthorized(
            f"the token is not valid before {_when(begins)}, and it is {_when(now)} here: "
            "are the clocks right?"
        )
    return body


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg'].removeprefix('Value error, ')}"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _shown(value: object) -> str:
    return repr(value)[:80] if value is not None else "missing"
