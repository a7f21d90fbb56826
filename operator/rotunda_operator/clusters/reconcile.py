"""Reconciles one MediaCluster: its objects, the number and the pods of its media nodes, and its status.

The cluster itself is read from the API server each time. There are few of them, and the watch by kopf may
miss a deletion.
"""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import ValidationError

from rotunda_contract.resources import MediaCluster, MediaNode
from rotunda_kube import AlreadyExists, Conflict, Invalid, Key, NotAllowed, NotFound
from rotunda_kube.resource import DEPLOYMENTS, MEDIA_CLUSTERS, MEDIA_NODES
from rotunda_operator.clusters.cordon import NodePatch, is_marked_for_update
from rotunda_operator.clusters.fleet import fleet_load, fleet_rollout, fleet_view
from rotunda_operator.clusters.objects import fingerprint, reconcile_objects
from rotunda_operator.clusters.objects_status import CachedObjectsStatus, ObjectsStatus
from rotunda_operator.clusters.scaling import ScalingStep, scaling_step
from rotunda_operator.clusters.status import cluster_status, warnings
from rotunda_operator.context import Context, Item, Kind
from rotunda_operator.event_handlers import EventHandlers
from rotunda_operator.event_recorder import Event
from rotunda_operator.invalid import report_invalid
from rotunda_operator.patches import status_patch
from rotunda_operator.specs.invalid import describe

RESYNC_SECONDS = 30.0
"""After this time the objects are reconciled again, even if no watch has told of a change."""
PODS_RESYNC_SECONDS = 10.0
"""The same while pods are not ready: why one is not, only the pod itself says, and it is not watched."""
LOADS_UNKNOWN_DELAY = 0.2


async def reconcile_cluster(context: Context, handlers: EventHandlers, key: Key) -> float | None:
    """Seconds after which to reconcile it again. Raises KubeError."""
    try:
        manifest = await context.api.get(MEDIA_CLUSTERS, key.namespace, key.name)
    except NotFound:
        handlers.on_cluster_deleted(key)
        context.cache.idle_since.pop(key, None)
        context.objects_status.pop(key, None)
        context.templates.pop(key, None)
        context.write_limiter.forget(Item(Kind.CLUSTER, key))
        return None
    handlers.on_cluster(manifest, enqueue=False)
    try:
        cluster = MediaCluster.model_validate(manifest)
    except ValidationError as error:
        await report_invalid(context, MEDIA_CLUSTERS, manifest, describe(error))
        return None
    if cluster.metadata.deletion_timestamp is not None:
        return None
    now = context.clock().monotonic
    objects = await _objects_status(context, key, cluster, now)
    requeue_after, refused = await _scale(context, key, cluster)
    objects_status = replace(objects.status, problems=(*objects.status.problems, *refused))
    write_delay = await _write_status(context, key, cluster, objects_status)
    delays = [objects.valid_until - now, requeue_after, write_delay]
    return max(min(delay for delay in delays if delay is not None), 0.0)


async def _objects_status(
    context: Context, key: Key, cluster: MediaCluster, now: float
) -> CachedObjectsStatus:
    """Reconciles the objects of the cluster, unless the last result is still valid."""
    cached = context.objects_status.get(key)
    current = fingerprint(context, key, cluster)
    if cached is not None and cached.fingerprint == current and now < cached.valid_until:
        return cached
    try:
        status = await reconcile_objects(context, key, cluster)
    except (Invalid, NotAllowed) as error:
        status = ObjectsStatus((f"The API server refuses what it takes to look at it: {error}",))
    seconds = PODS_RESYNC_SECONDS if status.waits_for_pods else RESYNC_SECONDS
    cached = context.objects_status[key] = CachedObjectsStatus(current, status, now + seconds)
    return cached


async def _scale(context: Context, key: Key, cluster: MediaCluster) -> tuple[float | None, Sequence[str]]:
    """One step of autoscaling and of a rolling update.

    Answers after how many seconds the next step may be due, and what the API server refused, a sentence each.
    """
    if not context.loads_known():
        return LOADS_UNKNOWN_DELAY, ()
    cache, now = context.cache, context.clock()
    step = scaling_step(
        cluster,
        cache.nodes_of(key),
        fleet_load(cache, key, now),
        idle_since=cache.idle_since.get(key),
        now=now.monotonic,
    )
    if step.idle_since is None:
        cache.idle_since.pop(key, None)
    else:
        cache.idle_since[key] = step.idle_since
    refused = await _apply_step(context, cluster, step)
    rollout = fleet_rollout(cache, cluster, context.template(cluster))
    await _patch_nodes(context, cluster, rollout.patches)
    return step.requeue_after, refused


async def _apply_step(context: Context, cluster: MediaCluster, step: ScalingStep) -> list[str]:
    refused = []
    for manifest in step.create:
        try:
            context.update_cache(MEDIA_NODES, await context.api.create(MEDIA_NODES, manifest))
        except AlreadyExists:
            continue  # we created it before, and the watch is about to bring it
        except (Invalid, NotAllowed) as error:
            refused.append(f"MediaNode {manifest['metadata']['name']} was refused: {error}")
            continue
        name = manifest["metadata"]["name"]
        _record(context, cluster, Event("ScaledUp", f"Made media node {name}.", "Scale"))
    await _patch_nodes(context, cluster, step.patches)
    for node in step.delete:
        metadata = node.metadata
        try:
            await context.api.delete(MEDIA_NODES, metadata.namespace, metadata.name, uid=metadata.uid)
        except (NotFound, Conflict):
            continue  # deleted already; Conflict: somebody has created another one of this name
        _record(context, cluster, Event("ScaledDown", f"Removed media node {metadata.name}.", "Scale"))
    return refused


async def _patch_nodes(context: Context, cluster: MediaCluster, patches: Sequence[NodePatch]) -> None:
    for patch in patches:
        metadata = patch.node.metadata
        patched = await context.api.patch(
            MEDIA_NODES,
            metadata.namespace,
            metadata.name,
            patch.patch,
            resource_version=metadata.resource_version,
        )
        context.update_cache(MEDIA_NODES, patched)
        if patch.what:
            updates = is_marked_for_update(MediaNode.model_validate(patched))
            reason, action = ("Renewing", "Update") if updates else ("Scaling", "Scale")
            _record(context, cluster, Event(reason, f"{patch.what} media node {metadata.name}.", action))


async def _write_status(
    context: Context, key: Key, cluster: MediaCluster, objects: ObjectsStatus
) -> float | None:
    """Seconds after which to try again, where the write has to wait for its turn."""
    cache, now = context.cache, context.clock()
    rollout = fleet_rollout(cache, cluster, context.template(cluster))
    fleet = fleet_view(cache, key, objects, rollout)
    status = cluster_status(cluster, fleet, cache.owned_by(DEPLOYMENTS, key), now)
    if status == cluster.status:
        return None
    urgent = status.conditions != cluster.status.conditions
    delay = 0.0 if urgent else context.write_limiter.delay(Item(Kind.CLUSTER, key), now.monotonic)
    if delay > 0:
        return delay
    await context.api.patch(
        MEDIA_CLUSTERS,
        key.namespace,
        key.name,
        {"status": status_patch(cluster.status, status)},
        resource_version=cluster.metadata.resource_version,
        subresource="status",
    )
    for warning in warnings(cluster.status.conditions, status.conditions):
        _record(context, cluster, warning)
    return None


def _record(context: Context, cluster: MediaCluster, event: Event) -> None:
    context.recorder.record(MEDIA_CLUSTERS, cluster.metadata, [event])
