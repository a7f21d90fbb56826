"""Kinds of participants, and all that follows from a kind: no other place decides by it.

A kind comes with the join token. Guests are persons.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from rotunda_contract.errors import BadRequest
from rotunda_contract.signaling.common import ParticipantKind, Permission


@dataclass(frozen=True, slots=True)
class KindRules:
    """What follows from a kind.

    `listed`: the others see it: among the participants, and in events about it.
    `counted`: it takes one of the room's `maxParticipants`, is one of its `participants` wherever those are
    counted, and while it is there the room is not empty. A room takes a few of the others besides.
    `grants`: what it may do at most, whatever a token grants.
    """

    listed: bool
    counted: bool
    grants: frozenset[Permission]


KINDS: Mapping[ParticipantKind, KindRules] = MappingProxyType(
    {
        # Somebody with a client.
        "person": KindRules(listed=True, counted=True, grants=frozenset(get_args(Permission))),
        # A stream that comes in from an encoder or a camera.
        "ingress": KindRules(listed=True, counted=True, grants=frozenset({"publish"})),
        # What records the room or sends it elsewhere.
        "egress": KindRules(listed=False, counted=False, grants=frozenset({"subscribe"})),
        # Somebody who watches unseen, such as a support engineer or a quality probe.
        "hidden": KindRules(listed=False, counted=False, grants=frozenset({"subscribe"})),
    }
)


def parse_kind(text: str) -> ParticipantKind:
    """No text is a person. Raises BadRequest."""
    for kind in KINDS:
        if kind == (text or "person"):
            return kind
    raise BadRequest(f"must be one of {', '.join(KINDS)}, not {text!r}", field="kind")
