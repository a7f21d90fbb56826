"""What a token can grant to which kind of participant. Pure."""

from collections.abc import Sequence
from typing import get_args

from rotunda_contract.kinds import KINDS
from rotunda_contract.signaling.common import ParticipantKind, Permission

NOT_YET: tuple[Permission, ...] = ("record",)
"""What the contract names and nothing does: a token that grants it is refused, as it would be a promise."""
GRANTS: tuple[Permission, ...] = tuple(grant for grant in get_args(Permission) if grant not in NOT_YET)
"""All that there are, in the order in which they are listed."""
GUEST_GRANTS: tuple[Permission, ...] = ("publish", "subscribe", "chat")
"""What anyone may do in an Open room, and what a person's token grants that does not say."""


def usual_grants(kind: ParticipantKind) -> tuple[Permission, ...]:
    """What a token of this kind grants that does not say."""
    return tuple(grant for grant in GUEST_GRANTS if grant in KINDS[kind].grants)


def check_grants(kind: ParticipantKind, grants: Sequence[Permission]) -> None:
    """Raises ValueError for a grant that the kind cannot have."""
    for grant in grants:
        if grant not in KINDS[kind].grants:
            possible = ", ".join(each for each in GRANTS if each in KINDS[kind].grants)
            raise ValueError(f"{grant!r} is nothing that a participant of kind {kind!r} may do: {possible}")


def parse_grants(words: Sequence[str]) -> tuple[Permission, ...]:
    """In the usual order, each once. Raises ValueError naming the first that there is not."""
    known: dict[str, Permission] = {grant: grant for grant in GRANTS}
    for word in words:
        if word in NOT_YET:
            raise ValueError(not_yet(word))
        if word not in known:
            raise ValueError(f"{word!r} is no grant: choose from {', '.join(GRANTS)}")
    return tuple(grant for grant in GRANTS if grant in words)


def not_yet(grant: str) -> str:
    return f"{grant!r} is not possible yet: leave it out, and choose from {', '.join(GRANTS)}"
