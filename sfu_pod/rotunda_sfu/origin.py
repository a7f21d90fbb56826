"""Whom media belongs to."""

from __future__ import annotations

from typing import Protocol

from rotunda_contract.ids import ParticipantId
from rotunda_sfu.settings import Limits


class Origin(Protocol):
    """The owner of transports and of what runs over them.

    A participant is one. A pipe from another media node will be one too, for each participant behind it.
    """

    @property
    def id(self) -> ParticipantId:
        """What the others are shown, and the recipient of events that concern it alone."""

    @property
    def cname(self) -> str:
        """The canonical name of its streams: receivers synchronize those of one (RFC 3550 section 6.5.1)."""

    @property
    def limits(self) -> Limits:
        """How much it may have at once."""

    def require(self, permission: str) -> None:
        """Raises Forbidden without this permission."""
