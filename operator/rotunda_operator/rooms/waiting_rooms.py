"""Enqueues Rooms that wait for a node, when nodes or their loads have changed.

If a thousand rooms wait, most of them ask for the same. They are grouped by what they ask for, and one of
each group is placed in memory first. Only where that finds a node the group is enqueued: to reconcile every
waiting room with every report would leave no time for anything else.
"""

from collections import defaultdict
from collections.abc import Callable

from rotunda_contract.resources import Room
from rotunda_kube import Key
from rotunda_operator.cache import key_of
from rotunda_operator.context import Context, Item, Kind
from rotunda_operator.placement import Placed, place
from rotunda_operator.rooms.decide import request_of

MAX_AT_ONCE = 200
"""Rooms of a group that are enqueued by one call."""
RETRY_DELAY = 0.5


def enqueue_placeable(context: Context, cluster: Key, enqueue: Callable[[Item], None]) -> float | None:
    """Seconds after which to call it again; None when no room waits, or none fits until something changes."""
    if not context.may_place():
        return RETRY_DELAY
    candidates = context.cache.candidates(cluster, context.clock())
    more = False
    for rooms in group_by_request(context.cache.waiting(cluster)).values():
        answer = place(request_of(rooms[0]), candidates, rng=context.rng)
        if isinstance(answer, Placed):
            more = more or len(rooms) > MAX_AT_ONCE
            for room in rooms[:MAX_AT_ONCE]:
                enqueue(Item(Kind.ROOM, key_of(room)))
    return RETRY_DELAY if more else None


def group_by_request(rooms: list[Room]) -> dict[tuple[object, ...], list[Room]]:
    """Rooms for which placement has the same answer."""
    groups: dict[tuple[object, ...], list[Room]] = defaultdict(list)
    for room in rooms:
        wish = room.spec.placement
        group = (room.spec.people, wish.region, wish.pin_to, tuple(sorted(wish.node_selector.items())))
        groups[group].append(room)
    return groups
