"""Looks at one MediaCluster: makes what shall stand, adds and takes away media nodes, says how it is.

The cluster itself is read afresh each time: there are few, and their watch may miss a deletion.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from rotunda_contract.resources import MediaCluster
from rotunda_kube import AlreadyExists, Conflict, Invalid, Key, Manifest, NotAllowed, NotFound, Resource
from rotunda_kube.resource import (
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    MEDIA_CLUSTERS,
    MEDIA_NODES,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from rotunda_operator.clusters.changes import Change, Name, Plan, plan
from rotunda_operator.clusters.desired import desired
from rotunda_operator.clusters.fleet import fleet_load, fleet_view
from rotunda_operator.clusters.references import missing, references
from rotunda_operator.clusters.scaling import ScalingStep, scaling_step
from rotunda_operator.clusters.secrets import keep_or_make
from rotunda_operator.clusters.status import cluster_status
from rotunda_operator.clusters.turn import SECRET_SEEN, seen_mark, turn_peers, turn_urls
from rotunda_operator.context import Context, Item, Kind, Stood
from rotunda_operator.feed import Feed
from rotunda_operator.notes import Note
from rotunda_operator.patches import merge_patch, status_of
from rotunda_operator.pods import read_pod
from rotunda_operator.specs import names
from rotunda_operator.specs.metadata import CLUSTER, COMPONENT

RESYNC_SECONDS = 30.0
UNSETTLED_PAUSE = 0.2
_LISTED = (SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, SERVICES, DEPLOYMENTS, DISRUPTION_BUDGETS)
_RESOURCES = {resource.kind: resource for resource in (*_LISTED, SECRETS)}


async def reconcile_cluster(context: Context, feed: Feed, key: Key) -> float | None:
    """Seconds until the next look. Raises KubeError."""
    try:
        manifest = await context.api.get(MEDIA_CLUSTERS, key.namespace, key.name)
    except NotFound:
        feed.on_cluster_gone(key)
        context.world.idle_since.pop(key, None)
        context.stood.pop(key, None)
        context.sparing.forget(Item(Kind.CLUSTER, key))
        return None
    feed.on_cluster(manifest, look=False)
    cluster = MediaCluster.model_validate(manifest)
    if cluster.metadata.deletion_timestamp is not None:
        return None
    now = context.now().mono
    stood = context.stood.get(key)
    marks = _marks(context, key, cluster)
    if stood is None or stood.marks != marks or now >= stood.until:
        problems = await _stand(context, key, cluster)
        stood = context.stood[key] = Stood(marks, tuple(problems), now + RESYNC_SECONDS)
    pauses = [
        stood.until - now,
        await _scale(context, key, cluster),
        await _tell(context, key, cluster, stood.problems),
    ]
    return max(min(pause for pause in pauses if pause is not None), 0.0)


def _marks(context: Context, key: Key, cluster: MediaCluster) -> tuple[object, ...]:
    """What of the world, when it changes, asks for a look at everything that shall stand."""
    world = context.world
    generations = [
        (d["metadata"]["name"], d["metadata"]["generation"], d.get("status", {}).get("readyReplicas", 0))
        for d in world.deployments_of(key)
    ]
    announced = {a.rpartition(":")[0] for node in world.nodes_of(key) for a in node.status.media_addresses}
    return cluster.metadata.generation, tuple(sorted(generations)), tuple(sorted(announced))


async def _stand(context: Context, key: Key, cluster: MediaCluster) -> list[str]:
    """Makes everything but media nodes. What could not be made, a sentence each."""
    standing = await _secrets(context, cluster)
    secrets = keep_or_make(cluster, standing, context.authority, context.now().wall)
    pods = await _pods(context, key)
    peers, urls = _turn(context, key, cluster, standing.get(names.turn(cluster), {}), pods)
    actual = list(standing.values())
    for resource in _LISTED:
        found = await context.api.list(resource, key.namespace, labels=f"{CLUSTER}={key.name}")
        actual += [{**item, "kind": resource.kind} for item in found.items]
    objects = desired(cluster, context.installation, secrets, peers=peers, urls=urls)
    problems = await _bring_about(context, key, plan(objects, actual, owner_uid=cluster.metadata.uid))
    named = {reference.secret for reference in references(cluster)}
    problems += missing(cluster, await _read_secrets(context, key.namespace, named))
    await _show_secret(
        context, pods, next(o for o in objects if Name.of(o) == ("Secret", names.turn(cluster)))
    )
    return problems


async def _bring_about(context: Context, key: Key, wanted: Plan) -> list[str]:
    problems = [f"{name} is there already and belongs to somebody else." for name in wanted.blocked]
    for change in wanted.changes:
        try:
            await _make(context, key.namespace, change)
        except AlreadyExists:
            problems.append(f"{change.name} is there already and belongs to somebody else.")
        except (Invalid, NotAllowed) as error:
            problems.append(f"{change.name} was refused: {error}")
    return problems


async def _pods(context: Context, key: Key) -> list[Manifest]:
    """Those that mount the Secret of TURN."""
    mounting = f"{COMPONENT} in ({names.TURN_COMPONENT},{names.SIGNALING_COMPONENT})"
    found = await context.api.list(PODS, key.namespace, labels=f"{CLUSTER}={key.name},{mounting}")
    return list(found.items)


def _turn(
    context: Context, key: Key, cluster: MediaCluster, secret: Manifest, pods: Sequence[Manifest]
) -> tuple[list[str], list[str]]:
    """Which addresses TURN may relay to, and what clients are told of it."""
    world = context.world
    announced = [a for node in world.nodes_of(key) for a in node.status.media_addresses]
    servers = [p for p in pods if p["metadata"]["labels"][COMPONENT] == names.TURN_COMPONENT]
    return (
        turn_peers(secret, announced, world.kube_nodes.values()),
        turn_urls(cluster, map(read_pod, servers), world.kube_nodes),
    )


async def _show_secret(context: Context, pods: Sequence[Manifest], secret: Manifest) -> None:
    """Has the kubelets renew what pods mount, where the Secret of TURN has changed."""
    mark = seen_mark(secret)
    for pod in pods:
        metadata = pod["metadata"]
        if metadata.get("annotations", {}).get(SECRET_SEEN) == mark or "deletionTimestamp" in metadata:
            continue
        patch = {"metadata": {"annotations": {SECRET_SEEN: mark}}}
        with suppress(NotFound):
            await context.api.patch(PODS, metadata["namespace"], metadata["name"], patch)


async def _secrets(context: Context, cluster: MediaCluster) -> dict[str, Manifest]:
    """Those that the cluster makes."""
    made = (
        names.turn(cluster),
        names.signaling_certificate(cluster),
        names.media_node_certificate(cluster),
    )
    return await _read_secrets(context, cluster.metadata.namespace, made)


async def _read_secrets(context: Context, namespace: str, wanted: Iterable[str]) -> dict[str, Manifest]:
    """Those that are there, by name: they are read one by one, so that no other may be read."""
    found: dict[str, Manifest] = {}
    for name in wanted:
        try:
            found[name] = await context.api.get(SECRETS, namespace, name)
        except NotFound:
            continue
    return found


async def _make(context: Context, namespace: str, change: Change) -> None:
    resource: Resource = _RESOURCES[change.name.kind]
    name = change.name.name
    match change.action:
        case "create":
            await context.api.create(resource, change.manifest)
        case "patch":
            version = change.resource_version
            await context.api.patch(resource, namespace, name, change.manifest, resource_version=version)
        case "delete":
            await context.api.delete(resource, namespace, name, uid=change.uid)


async def _scale(context: Context, key: Key, cluster: MediaCluster) -> float | None:
    if not context.settled():
        return UNSETTLED_PAUSE
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
    await _apply_step(context, cluster, step)
    return step.again


async def _apply_step(context: Context, cluster: MediaCluster, step: ScalingStep) -> None:
    for manifest in step.create:
        try:
            context.seen(MEDIA_NODES, await context.api.create(MEDIA_NODES, manifest))
        except AlreadyExists:
            continue  # made before, and on its way through the watch
        name = manifest["metadata"]["name"]
        _note(context, cluster, Note("ScaledUp", f"Made media node {name}.", "Scale"))
    for change in step.patch:
        metadata = change.node.metadata
        patched = await context.api.patch(
            MEDIA_NODES,
            metadata.namespace,
            metadata.name,
            change.patch,
            resource_version=metadata.resource_version,
        )
        context.seen(MEDIA_NODES, patched)
        word = "Drains" if patched["spec"]["cordoned"] else "Takes back"
        _note(context, cluster, Note("Scaling", f"{word} media node {metadata.name}.", "Scale"))
    for node in step.delete:
        metadata = node.metadata
        try:
            await context.api.delete(MEDIA_NODES, metadata.namespace, metadata.name, uid=metadata.uid)
        except (NotFound, Conflict):
            continue  # gone, or made anew by somebody
        _note(context, cluster, Note("ScaledDown", f"Removed media node {metadata.name}.", "Scale"))


async def _tell(context: Context, key: Key, cluster: MediaCluster, problems: Sequence[str]) -> float | None:
    world, now = context.world, context.now()
    fleet = fleet_view(world, key, now, problems)
    status = cluster_status(cluster, fleet, world.deployments_of(key), now)
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
        {"status": merge_patch(status_of(cluster.status), status_of(status))},
        resource_version=cluster.metadata.resource_version,
        subresource="status",
    )
    return None


def _note(context: Context, cluster: MediaCluster, note: Note) -> None:
    context.note(MEDIA_CLUSTERS, cluster.metadata, (note,))
