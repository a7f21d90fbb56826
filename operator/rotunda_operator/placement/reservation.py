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


class Reservations:
    """The reservations of one namespace, by room.

    `now` is seconds of any monotonic clock; the caller brings it.
    """

    def __init__(self, *, hold_seconds: float = HOLD_SECONDS) -> None:
        self._hold_seconds = hold_seconds
        self._held: dict[str, _Held] = {}
        self._by_node: dict[str, set[str]] = {}

    def hold(self, room: str, node: str, people: int, now: float, seconds: float | None = None) -> None:
        """The room was placed on the node; replaces what was held for it. For `seconds`, else as ever."""
        self.release(room)
        until = now + (self._hold_seconds if seconds is None else seconds)
        self._held[room] = _Held(node, people, until)
        self._by_node.setdefault(node, set()).add(room)

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

    def on_node(self, node: str, reported: "dict[str, int] | None", now: float) -> tuple[int, int]:
        """Consumers and people still to come on a node, given the people its rooms report.

        Reservations that were fulfilled or ran out are dropped.
        """
        consumers = people = 0
        for room in list(self._by_node.get(node, ())):
            held = self._held[room]
            present = (reported or {}).get(room, 0)
            if now >= held.until or present >= held.people:
                self.release(room)
                continue
            consumers += consumers_of(held.people) - consumers_of(present)
            people += held.people - present
        return consumers, people
