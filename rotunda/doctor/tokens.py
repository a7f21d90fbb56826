"""What a join token says, read without the key that signed it, and what will be held against it. Pure."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rotunda.doctor.findings import Finding, failed, ok, warning

LEEWAY = 10.0
"""Seconds by which signaling lets clocks differ."""
ALGORITHM = "HS256"
AUDIENCE = "rotunda"
_NEW_ONE = "sign a new one: rotunda token --room {room} --identity …"


@dataclass(frozen=True, slots=True)
class Token:
    """`problem`: why it could not be read; then the rest is empty."""

    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def room(self) -> str:
        room = self.claims.get("room")
        return room if isinstance(room, str) else ""

    def time(self, name: str) -> float | None:
        value = self.claims.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def read(text: str) -> Token:
    """A JWT's first two parts (RFC 7519), which anybody can read."""
    parts = text.split(".")
    if len(parts) != 3:
        return Token(problem=f"a JWT has three parts, joined by dots, and this has {len(parts)}")
    try:
        header, claims = (_decoded(part) for part in parts[:2])
    except ValueError:
        return Token(problem="its parts are no base64url of JSON: was it copied as a whole?")
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return Token(problem="its parts are no JSON objects")
    return Token(header, claims)


def check(token: Token, room: str, now: float, skew: float) -> list[Finding]:
    """`now` is this machine's time, `skew` what the server's clock is ahead of it. Seconds."""
    if token.problem:
        return [failed("token", token.problem, "give what `rotunda token` prints, or the whole link")]
    problems = [
        problem
        for problem in (_of_kind(token), _of_room(token, room), *_of_time(token, now, skew))
        if problem is not None
    ]
    return problems or [_well(token)]


def _of_kind(token: Token) -> Finding | None:
    audience, algorithm = token.claims.get("aud"), token.header.get("alg")
    if algorithm != ALGORITHM:
        advice = f"sign with {ALGORITHM} and an API key of the server"
        return failed("token", f"it says alg {algorithm!r}, accepted is {ALGORITHM!r} alone", advice)
    if audience != AUDIENCE:
        return failed(
            "token",
            f"it is for the audience {audience!r}, join tokens are for {AUDIENCE!r}",
            "an API token or a guest's opens no socket: " + _NEW_ONE.format(room="NAME"),
        )
    return None


def _of_room(token: Token, room: str) -> Finding | None:
    if not token.room:
        return failed("token", "it names no room", _NEW_ONE.format(room=room or "NAME"))
    if room and room != token.room:
        advice = f"ask for room {token.room!r}, or " + _NEW_ONE.format(room=room)
        return failed("token", f"it opens room {token.room!r}, not {room!r}", advice)
    return None


def _of_time(token: Token, now: float, skew: float) -> list[Finding]:
    """By the server's clock, which decides; then whether ours only is to blame."""
    server, ends = now + skew, token.time("exp")
    new = _NEW_ONE.format(room=token.room or "NAME")
    clocks = f"; the clocks differ by {abs(skew):.0f} s, which decides here" if abs(skew) > LEEWAY else ""
    if ends is None:
        return [failed("token", "it does not say when it ends (exp)", new)]
    if server >= ends + LEEWAY:
        told = f"it has expired at {_when(ends)}, {server - ends:.0f} s ago by the server's clock"
        mine = clocks if now < ends + LEEWAY else ""
        return [failed("token", told + mine, "let both clocks follow NTP" if mine else new)]
    begins = max(token.time("iat") or 0.0, token.time("nbf") or 0.0)
    if begins > server + LEEWAY:
        told = f"it is not valid before {_when(begins)}, in {begins - server:.0f} s by the server's clock"
        return [failed("token", told, "let the clocks of whoever signs and of the server follow NTP")]
    return []


def _well(token: Token) -> Finding:
    grants = token.claims.get("grants")
    may = [str(grant) for grant in grants] if isinstance(grants, list) else []
    ends = token.time("exp")
    told = (
        f"opens room {token.room!r} for {token.claims.get('identity')!r} until {_when(ends or 0.0)}; "
        f"may {', '.join(may) or 'nothing'}"
    )
    lacking = [grant for grant in ("publish", "subscribe") if grant not in may]
    if lacking:
        advice = "a token with both lets the doctor try media"
        return warning("token", f"{told}; not {' and '.join(lacking)}", advice)
    return ok("token", told)


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _when(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {moment:g}"
