"""Reservations: capacity for rooms that were placed and whose people are not in the reports of their node
yet."""

from dataclasses import dataclass

from rotunda_operator.placement.types import consumers_of

HOLD_SECONDS = 120.0
"""How long a reservation lasts. After this time it is assumed that nobody else will come."""


@dataclass(frozen=True, slots=True)
class _Reservation:
    node: str
    people: int
    until: float
    likely: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """Consumers and people that have not come to a node yet. The likely ones are among them; the others are
    reserved for only so that rooms are spread over the nodes."""

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
        self._held: dict[str, _Reservation] = {}
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
        """Reserves for a room that was placed on the node, and replaces an earlier reservation of the room.

        `seconds`: how long; None: as long as usual. Without `likely` nobody is expected soon: the room was
        empty before it moved here, and is reserved for only so that many such rooms do not all move to the
        same node.
        """
        self.release(room)
        until = now + (self._hold_seconds if seconds is None else seconds)
        self._held[room] = _Reservation(node, people, until, likely)
        self._by_node.setdefault(node, set()).add(room)

    def holds(self, room: str, now: float) -> bool:
        """Whether the room has a reservation for people who are likely to come soon."""
        held = self._held.get(room)
        return held is not None and held.likely and now < held.until

    def node_of(self, room: str) -> str | None:
        """The node with the reservation of the room."""
        held = self._held.get(room)
        return held.node if held is not None else None

    def release(self, room: str) -> str | None:
        """Ends the reservation of a room that was deleted, became Idle or moved. Answers with its node."""
        held = self._held.pop(room, None)
        if held is None:
            return None
        rooms = self._by_node[held.node]
        rooms.discard(room)
        if not rooms:
            del self._by_node[held.node]
        return held.node

    def on_node(self, node: str, reported: "dict[str, int] | None", now: float) -> Expected:
        """What has not come to the node yet, given how many people its report names by room.

        Reservations whose people have come, or whose time is over, are ended.
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
