"""Whom moderators removed from one room, and by what they would come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rotunda_contract.errors import Forbidden
from rotunda_contract.ids import SeatToken
from rotunda_contract.pb.events_pb2 import Removal
from rotunda_sfu.participant import Participant

MOST = 2_000
"""Of more than so many, the earliest are forgotten: every watcher's snapshot carries them all."""


class Removals:
    """A person with a token is known by its identity and its id, a guest by the seat alone."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._by_seat: dict[SeatToken, Removal] = {}
        self._identities: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Removal]:
        """The latest last."""
        return iter(self._by_seat.values())

    def add(self, participant: Participant) -> Removal:
        """From now on `check` refuses whoever shows what the participant showed."""
        removal = Removal(
            participant_id=participant.id, identity=participant.identity, token_id=participant.token_id
        )
        self._by_seat[participant.seat] = removal
        self._identities[removal.identity] += 1
        self._tokens[removal.token_id] += 1
        if len(self._by_seat) > self._most:
            self._forget_first()
        return removal

    def check(self, identity: str, token_id: str, seat: SeatToken | None) -> None:
        """Raises Forbidden."""
        shown = (identity and self._identities[identity]) or (token_id and self._tokens[token_id])
        if shown or (seat is not None and seat in self._by_seat):
            raise Forbidden("a moderator removed you from this room")

    def _forget_first(self) -> None:
        removal = self._by_seat.pop(next(iter(self._by_seat)))
        self._identities[removal.identity] -= 1
        self._tokens[removal.token_id] -= 1
