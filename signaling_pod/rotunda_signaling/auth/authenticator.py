"""Reads and signs tokens with the keys of this installation and its clock."""

import secrets
import time
from collections.abc import Callable

from rotunda_contract.errors import Unavailable
from rotunda_contract.signaling.common import ParticipantKind, Permission
from rotunda_signaling.auth import tokens
from rotunda_signaling.auth.key_directory import FixedKeys, KeySource
from rotunda_signaling.auth.keys import ApiKey, KeyRing
from rotunda_signaling.auth.tokens import (
    API_AUDIENCE,
    GUEST_AUDIENCE,
    JOIN_AUDIENCE,
    Claims,
    JoinClaims,
)

GUEST_SECONDS = 12 * 3600.0
"""How long a guest's token lives; every join gives a new one."""


class Authenticator:
    """Reads and signs tokens. `clock`: seconds since 1970.

    Without API keys guests' tokens are signed by a key of this process alone, which signs nothing else.
    """

    def __init__(self, source: KeySource | None = None, clock: Callable[[], float] = time.time) -> None:
        self._source = source or FixedKeys()
        self._own = KeyRing([ApiKey("process", secrets.token_bytes(32))])
        self.now = clock

    @property
    def has_keys(self) -> bool:
        """API keys were asked for; there may be none just now."""
        return self._source.configured

    def read_join(self, token: object) -> JoinClaims:
        """Raises Unauthorized."""
        claims = tokens.read_token(token, self._source.ring(), self.now(), JOIN_AUDIENCE)
        assert isinstance(claims, JoinClaims)
        return claims

    def read_any(self, token: object) -> Claims:
        """A token of whatever kind. Raises Unauthorized."""
        keys = self._source.ring()
        if keys:
            return tokens.read_token(token, keys, self.now(), JOIN_AUDIENCE, GUEST_AUDIENCE, API_AUDIENCE)
        return tokens.read_token(token, self._own, self.now(), GUEST_AUDIENCE)

    def sign_join(
        self,
        *,
        room: str,
        identity: str,
        name: str | None,
        kind: ParticipantKind,
        grants: tuple[Permission, ...] | None,
        ttl: float,
    ) -> str:
        """Without `grants` it has those that are usual for the kind.

        Raises ValueError naming a claim that is not accepted, Unavailable while there is no key.
        """
        keys = self._source.ring()
        if not keys:
            raise Unavailable("the server has no API key just now", retry_after_ms=5000)
        return tokens.sign_join(
            keys.first,
            room=room,
            identity=identity,
            name=name,
            kind=kind,
            grants=grants,
            now=self.now(),
            ttl=ttl,
        )

    def sign_guest(self, room: str, participant_id: str) -> str:
        keys = self._source.ring() or self._own
        return tokens.sign_guest(
            keys.first, room=room, participant_id=participant_id, now=self.now(), ttl=GUEST_SECONDS
        )
