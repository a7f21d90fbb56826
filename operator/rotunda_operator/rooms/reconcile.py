"""Looks at one Room and writes what was decided: at most one patch, refused if the Room has changed."""

from functools import partial

from rotunda_contract.resources import Room
from rotunda_kube import Key, KubeError, NotFound
from rotunda_kube.resource import ROOMS
from rotunda_operator.cache import cluster_of
from rotunda_operator.clock import Moment
from rotunda_operator.context import Context, Item, Kind
from rotunda_operator.patches import status_patch
from rotunda_operator.placement import Placed, RoomRequest, Unplaceable, place
from rotunda_operator.rooms.decide import RoomDecision, RoomView, decide

UNSETTLED_PAUSE = 0.1


async def reconcile_room(context: Context, key: Key) -> float | None:
    """Seconds until the next look. Raises KubeError."""
    room = context.world.rooms.get(key)
    if room is None:
        context.sparing.forget(Item(Kind.ROOM, key))
        return None
    if not context.placing():
        return UNSETTLED_PAUSE
    now = context.now()
    decision = decide(room, _view(context, room, now), now)
    if decision.delete:
        await _delete(context, room, decision)
        return None
    if decision.status is not None:
        pause = 0.0 if decision.urgent else context.sparing.delay(Item(Kind.ROOM, key), now.mono)
        if pause > 0:
            return pause
        await _write(context, room, decision, now)
    return decision.again


def _view(context: Context, room: Room, now: Moment) -> RoomView:
    world, assignment = context.world, room.status.assignment
    on = Key(room.metadata.namespace, assignment.media_node) if assignment is not None else None
    return RoomView(
        cluster=world.clusters.get(cluster_of(room)),
        node=world.nodes.get(on) if on is not None else None,
        report=world.ledger.fresh(on, now.mono) if on is not None else None,
        place=partial(_place, context, cluster_of(room), now),
    )


def _place(context: Context, cluster: Key, now: Moment, request: RoomRequest) -> Placed | Unplaceable:
    return place(request, context.world.candidates(cluster, now), rng=context.rng)


async def _write(context: Context, room: Room, decision: RoomDecision, now: Moment) -> None:
    assert decision.status is not None
    before, after = room.status.assignment, decision.status.assignment
    placed = after is not None and after != before
    if placed and after is not None:
        # Before the write, so that rooms decided meanwhile do not all go to the same node.
        context.world.reserve(room, after.media_node, now, before=room)
    metadata = room.metadata
    patch = {"status": status_patch(room.status, decision.status)}
    try:
        answer = await context.api.patch(
            ROOMS,
            metadata.namespace,
            metadata.name,
            patch,
            resource_version=metadata.resource_version,
            subresource="status",
        )
    except KubeError as error:
        if placed:
            context.world.unreserve(room)
        if isinstance(error, NotFound):
            return
        raise
    context.seen(ROOMS, answer)
    context.note(ROOMS, metadata, decision.notes)


async def _delete(context: Context, room: Room, decision: RoomDecision) -> None:
    metadata = room.metadata
    try:
        await context.api.delete(ROOMS, metadata.namespace, metadata.name, uid=metadata.uid)
    except NotFound:
        return
    context.note(ROOMS, metadata, decision.notes)
