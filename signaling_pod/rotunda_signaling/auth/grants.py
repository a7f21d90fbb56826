"""What a token can grant. Pure."""

from collections.abc import Sequence
from typing import get_args

from rotunda_contract.signaling.common import Permission

GRANTS: tuple[Permission, ...] = get_args(Permission)
"""All of them, in the order in which they are listed."""
GUEST_GRANTS: tuple[Permission, ...] = ("publish", "subscribe", "chat")
"""What anyone may do in an Open room, and what a token grants that does not say."""


def parse_grants(words: Sequence[str]) -> tuple[Permission, ...]:
    """In the usual order, each once. Raises ValueError naming the first that there is not."""
    known: dict[str, Permission] = {grant: grant for grant in GRANTS}
    for word in words:
        if word not in known:
            raise ValueError(f"{word!r} is no grant: choose from {', '.join(GRANTS)}")
    return tuple(grant for grant in GRANTS if grant in words)
