"""Tries Rooms that wait for a node again, when nodes or their loads have changed.

Where a thousand rooms wait, most want the same. One of each sort is tried in memory first, and only where
that finds a node are the others looked at: trying each again with every report would be all that is done.
"""

from collections import defaultdict
from collections.abc import Callable

from rotunda_contract.resources import Room
from rotunda_kube import Key
from rotunda_operator.cache import key_of
from rotunda_operator.context import Context, Item, Kind
from rotunda_operator.placement import Placed, place
from rotunda_operator.rooms.decide import request_of

AT_ONCE = 200
PAUSE = 0.5


def retry_waiting(context: Context, cluster: Key, look: Callable[[Item], None]) -> float | None:
    """Seconds until the next try, None when nobody waits or nothing fits: a change will ask then."""
    if not context.placing():
        return PAUSE
    now = context.now()
    candidates = context.world.candidates(cluster, now)
    left = False
    for rooms in sorts_of(context.world.waiting(cluster)).values():
        answer = place(request_of(rooms[0]), candidates, rng=context.rng)
        if isinstance(answer, Placed):
            left = left or len(rooms) > AT_ONCE
            for room in rooms[:AT_ONCE]:
                look(Item(Kind.ROOM, key_of(room)))
    return PAUSE if left else None


def sorts_of(rooms: list[Room]) -> dict[tuple[object, ...], list[Room]]:
    """By what placement asks of them."""
    sorts: dict[tuple[object, ...], list[Room]] = defaultdict(list)
    for room in rooms:
        wish = room.spec.placement
        sort = (room.spec.people, wish.region, wish.pin_to, tuple(sorted(wish.node_selector.items())))
        sorts[sort].append(room)
    return sorts
