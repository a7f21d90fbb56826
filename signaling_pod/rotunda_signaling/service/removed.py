"""Who was removed from a room, by its media node's events or by what is stored. Pure."""

from collections.abc import Iterable
from typing import Protocol

from rotunda_contract.errors import Forbidden
from rotunda_signaling.auth.tokens import ApiClaims, Claims, GuestClaims


class Removal(Protocol):
    """Texts are empty where there was no token."""

    @property
    def participant_id(self) -> str: ...
    @property
    def identity(self) -> str: ...
    @property
    def token_id(self) -> str: ...


class Removed:
    """The node refuses their joins; this is for what signaling answers by itself."""

    def __init__(self, removals: Iterable[Removal] = ()) -> None:
        self._participants: set[str] = set()
        self._identities: set[str] = set()
        self._tokens: set[str] = set()
        for removal in removals:
            self.add(removal)

    def add(self, removal: Removal) -> None:
        self._participants.add(removal.participant_id)
        self._identities.update({removal.identity} - {""})
        self._tokens.update({removal.token_id} - {""})

    def check(self, claims: Claims) -> None:
        """Raises Forbidden for a token of somebody who was removed."""
        if isinstance(claims, ApiClaims):
            return
        if isinstance(claims, GuestClaims):
            removed = claims.participant_id in self._participants
        else:
            removed = claims.identity in self._identities or claims.token_id in self._tokens
        if removed:
            raise Forbidden("a moderator removed you from this room")
