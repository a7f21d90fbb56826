"""Looks at one MediaCluster: makes what shall stand, adds and takes away media nodes, says how it is.

The cluster itself is read afresh each time: there are few, and their watch may miss a deletion.
"""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import ValidationError

from rotunda_contract.resources import MediaCluster, MediaNode
from rotunda_kube import AlreadyExists, Conflict, Invalid, Key, NotAllowed, NotFound
from rotunda_kube.resource import DEPLOYMENTS, MEDIA_CLUSTERS, MEDIA_NODES
from rotunda_operator.clusters.cordon import Patch, is_marked
from rotunda_operator.clusters.fleet import fleet_load, fleet_rollout, fleet_view
from rotunda_operator.clusters.objects import marks, stand
from rotunda_operator.clusters.scaling import ScalingStep, scaling_step
from rotunda_operator.clusters.status import cluster_status, warnings
from rotunda_operator.context import Context, Item, Kind, Standing, Stood
from rotunda_operator.event_handlers import Feed
from rotunda_operator.event_recorder import Note
from rotunda_operator.invalid import tell_invalid
from rotunda_operator.patches import status_patch
from rotunda_operator.specs.invalid import told

RESYNC_SECONDS = 30.0
WAITING_SECONDS = 10.0
"""As long as pods are not ready: that one has ended, and why, nobody tells but the pod."""
UNSETTLED_PAUSE = 0.2


async def reconcile_cluster(context: Context, feed: Feed, key: Key) -> float | None:
    """Seconds until the next look. Raises KubeError."""
    try:
        manifest = await context.api.get(MEDIA_CLUSTERS, key.namespace, key.name)
    except NotFound:
        feed.on_cluster_gone(key)
        context.world.idle_since.pop(key, None)
        context.stood.pop(key, None)
        context.templates.pop(key, None)
        context.sparing.forget(Item(Kind.CLUSTER, key))
        return None
    feed.on_cluster(manifest, look=False)
    try:
        cluster = MediaCluster.model_validate(manifest)
    except ValidationError as error:
        await tell_invalid(context, MEDIA_CLUSTERS, manifest, told(error))
        return None
    if cluster.metadata.deletion_timestamp is not None:
        return None
    now = context.now().mono
    stood = context.stood.get(key)
    seen = marks(context, key, cluster)
    if stood is None or stood.marks != seen or now >= stood.until:
        try:
            standing = await stand(context, key, cluster)
        except (Invalid, NotAllowed) as error:
            standing = Standing((f"The API server refuses what it takes to look at it: {error}",))
        pause = WAITING_SECONDS if standing.waits else RESYNC_SECONDS
        stood = context.stood[key] = Stood(seen, standing, now + pause)
    again, refused = await _scale(context, key, cluster)
    found = replace(stood.standing, problems=(*stood.standing.problems, *refused))
    pauses = [stood.until - now, again, await _tell(context, key, cluster, found)]
    return max(min(pause for pause in pauses if pause is not None), 0.0)


async def _scale(context: Context, key: Key, cluster: MediaCluster) -> tuple[float | None, Sequence[str]]:
    """When to look again, and what was refused, a sentence each."""
    if not context.settled():
        return UNSETTLED_PAUSE, ()
    world, now = context.world, context.now()
    step = scaling_step(
        cluster,
        world.nodes_of(key),
        fleet_load(world, key, now),
        idle_since=world.idle_since.get(key),
        now=now.mono,
    )
    if step.idle_since is None:
        world.idle_since.pop(key, None)
    else:
        world.idle_since[key] = step.idle_since
    refused = await _apply_step(context, cluster, step)
    renewal = fleet_rollout(world, cluster, context.template(cluster))
    await _patch_nodes(context, cluster, renewal.patch)
    return step.again, refused


async def _apply_step(context: Context, cluster: MediaCluster, step: ScalingStep) -> list[str]:
    refused = []
    for manifest in step.create:
        try:
            context.seen(MEDIA_NODES, await context.api.create(MEDIA_NODES, manifest))
        except AlreadyExists:
            continue  # made before, and on its way through the watch
        except (Invalid, NotAllowed) as error:
            refused.append(f"MediaNode {manifest['metadata']['name']} was refused: {error}")
            continue
        name = manifest["metadata"]["name"]
        _note(context, cluster, Note("ScaledUp", f"Made media node {name}.", "Scale"))
    await _patch_nodes(context, cluster, step.patch)
    for node in step.delete:
        metadata = node.metadata
        try:
            await context.api.delete(MEDIA_NODES, metadata.namespace, metadata.name, uid=metadata.uid)
        except (NotFound, Conflict):
            continue  # gone, or made anew by somebody
        _note(context, cluster, Note("ScaledDown", f"Removed media node {metadata.name}.", "Scale"))
    return refused


async def _patch_nodes(context: Context, cluster: MediaCluster, changes: Sequence[Patch]) -> None:
    for change in changes:
        metadata = change.node.metadata
        patched = await context.api.patch(
            MEDIA_NODES,
            metadata.namespace,
            metadata.name,
            change.patch,
            resource_version=metadata.resource_version,
        )
        context.seen(MEDIA_NODES, patched)
        if change.why:
            reason = "Renewing" if is_marked(MediaNode.model_validate(patched)) else "Scaling"
            text = f"{change.why} media node {metadata.name}."
            _note(context, cluster, Note(reason, text, "Update" if reason == "Renewing" else "Scale"))


async def _tell(context: Context, key: Key, cluster: MediaCluster, found: Standing) -> float | None:
    world, now = context.world, context.now()
    renewal = fleet_rollout(world, cluster, context.template(cluster))
    fleet = fleet_view(world, key, found, renewal)
    status = cluster_status(cluster, fleet, world.owned_by(DEPLOYMENTS, key), now)
    if status == cluster.status:
        return None
    urgent = status.conditions != cluster.status.conditions
    pause = 0.0 if urgent else context.sparing.delay(Item(Kind.CLUSTER, key), now.mono)
    if pause > 0:
        return pause
    await context.api.patch(
        MEDIA_CLUSTERS,
        key.namespace,
        key.name,
        {"status": status_patch(cluster.status, status)},
        resource_version=cluster.metadata.resource_version,
        subresource="status",
    )
    for warning in warnings(cluster.status.conditions, status.conditions):
        _note(context, cluster, warning)
    return None


def _note(context: Context, cluster: MediaCluster, note: Note) -> None:
    context.note(MEDIA_CLUSTERS, cluster.metadata, (note,))
