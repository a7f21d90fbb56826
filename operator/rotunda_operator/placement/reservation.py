"""Load that is certain to come: rooms that were placed and whose people are not in the reports yet."""

from dataclasses import dataclass

from rotunda_operator.placement.types import consumers_of

HOLD_SECONDS = 120.0
"""How long a room's expected people are reserved for; by then they came, or will not."""


@dataclass(frozen=True, slots=True)
class _Held:
    node: str
    people: int
    until: float
    likely: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """Consumers and people still to come on a node; `likely` of them soon, the others are only spread."""

    consumers: int = 0
    people: int = 0
    likely_consumers: int = 0
    likely_people: int = 0


class Reservations:
    """The reservations of one namespace, by room.

    `now` is seconds of any monotonic clock; the caller brings it.
    """

    def __init__(self, *, hold_seconds: float = HOLD_SECONDS) -> None:
        self._hold_seconds = hold_seconds
        self._held: dict[str, _Held] = {}
        self._by_node: dict[str, set[str]] = {}

    def hold(
        self,
        room: str,
        node: str,
        people: int,
        now: float,
        seconds: float | None = None,
        *,
        likely: bool = True,
    ) -> None:
        """The room was placed on the node; replaces what was held for it. For `seconds`, else as ever.

        Not `likely`: it was empty before, and is held only so that many such do not all go to one node.
        """
        self.release(room)
        until = now + (self._hold_seconds if seconds is None else seconds)
        self._held[room] = _Held(node, people, until, likely)
        self._by_node.setdefault(node, set()).add(room)

    def holds(self, room: str, now: float) -> bool:
        """Whether its people are likely to come soon."""
        held = self._held.get(room)
        return held is not None and held.likely and now < held.until

    def node_of(self, room: str) -> str | None:
        """Where it is held."""
        held = self._held.get(room)
        return held.node if held is not None else None

    def release(self, room: str) -> str | None:
        """The room is gone, Idle or placed elsewhere. Answers with the node where it was held."""
        held = self._held.pop(room, None)
        if held is None:
            return None
        rooms = self._by_node[held.node]
        rooms.discard(room)
        if not rooms:
            del self._by_node[held.node]
        return held.node

    def on_node(self, node: str, reported: "dict[str, int] | None", now: float) -> Expected:
        """What is still to come on a node, given the people its rooms report.

        Reservations that were fulfilled or ran out are dropped.
        """
        expected = Expected()
        for room in list(self._by_node.get(node, ())):
            held = self._held[room]
            present = (reported or {}).get(room, 0)
            if now >= held.until or present >= held.people:
                self.release(room)
                continue
            consumers = consumers_of(held.people) - consumers_of(present)
            people = held.people - present
            expected = Expected(
                expected.consumers + consumers,
                expected.people + people,
                expected.likely_consumers + consumers * held.likely,
                expected.likely_people + people * held.likely,
            )
        return expected
