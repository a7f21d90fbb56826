"""Reconciles one Room: at most one patch of its status, which is refused if the Room has changed
meanwhile."""

from functools import partial

from rotunda_contract.resources import Room
from rotunda_kube import Key, KubeError, NotFound
from rotunda_kube.resource import ROOMS
from rotunda_operator.cache import cluster_of
from rotunda_operator.clock import Instant
from rotunda_operator.context import Context, Item, Kind
from rotunda_operator.patches import status_patch
from rotunda_operator.placement import Placed, RoomRequest, Unplaceable, place
from rotunda_operator.rooms.decide import RoomDecision, RoomView, decide

LOADS_UNKNOWN_DELAY = 0.1


async def reconcile_room(context: Context, key: Key) -> float | None:
    """Seconds after which to reconcile it again. Raises KubeError."""
    room = context.cache.rooms.get(key)
    if room is None:
        context.write_limiter.forget(Item(Kind.ROOM, key))
        return None
    if not context.may_place():
        return LOADS_UNKNOWN_DELAY
    now = context.clock()
    decision = decide(room, _view(context, room, now), now)
    if decision.delete:
        await _delete(context, room, decision)
        return None
    if decision.status is not None:
        limiter, item = context.write_limiter, Item(Kind.ROOM, key)
        delay = 0.0 if decision.urgent else limiter.delay(item, now.monotonic)
        if delay > 0:
            return delay
        await _write(context, room, decision, now)
    return decision.requeue_after


def _view(context: Context, room: Room, now: Instant) -> RoomView:
    cache, assignment = context.cache, room.status.assignment
    node = Key(room.metadata.namespace, assignment.media_node) if assignment is not None else None
    return RoomView(
        cluster=cache.clusters.get(cluster_of(room)),
        node=cache.nodes.get(node) if node is not None else None,
        report=cache.reports.fresh(node, now.monotonic) if node is not None else None,
        place=partial(_place, context, cluster_of(room), now),
    )


def _place(context: Context, cluster: Key, now: Instant, request: RoomRequest) -> Placed | Unplaceable:
    return place(request, context.cache.candidates(cluster, now), rng=context.rng)


async def _write(context: Context, room: Room, decision: RoomDecision, now: Instant) -> None:
    assert decision.status is not None
    before, after = room.status.assignment, decision.status.assignment
    placed = after is not None and after != before
    if placed and after is not None:
        # Before the write, so that rooms that are placed during the write do not all go to the same node.
        context.cache.reserve(room, after.media_node, now, before=room)
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
            context.cache.unreserve(room)
        if isinstance(error, NotFound):
            return
        raise
    context.update_cache(ROOMS, answer)
    context.recorder.record(ROOMS, metadata, decision.events)


async def _delete(context: Context, room: Room, decision: RoomDecision) -> None:
    metadata = room.metadata
    try:
        await context.api.delete(ROOMS, metadata.namespace, metadata.name, uid=metadata.uid)
    except NotFound:
        return
    context.recorder.record(ROOMS, metadata, decision.events)
