"""Makes what shall stand for a MediaCluster beside its media nodes, and takes away what shall not."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

from rotunda_contract.resources import MediaCluster
from rotunda_kube import Conflict, Invalid, Key, Manifest, NotAllowed, NotFound
from rotunda_kube.resource import DEPLOYMENTS, PODS, SECRETS
from rotunda_operator.clusters.desired import desired
from rotunda_operator.clusters.references import missing, references
from rotunda_operator.clusters.secrets import keep_or_make
from rotunda_operator.clusters.turn import SECRET_SEEN, seen_mark, turn_peers, turn_urls
from rotunda_operator.context import Context, Standing
from rotunda_operator.event_handlers import OWNED
from rotunda_operator.owned.compare import Name, is_controlled
from rotunda_operator.owned.write import BelongsToOther, bring_about
from rotunda_operator.pods import read_pod, trouble_of
from rotunda_operator.specs import names
from rotunda_operator.specs.invalid import InvalidSpec
from rotunda_operator.specs.metadata import CLUSTER, COMPONENT

TOLD = 3
"""Pods of a component that are named with their words."""
_RESOURCES = {resource.kind: resource for resource in (*OWNED, SECRETS)}


def marks(context: Context, key: Key, cluster: MediaCluster) -> tuple[object, ...]:
    """What of the world, when it changes, asks for a look at everything that shall stand."""
    world = context.world
    owned = [_mark(manifest) for resource in OWNED for manifest in world.owned_by(resource, key)]
    statuses = [deployment.get("status", {}) for deployment in world.owned_by(DEPLOYMENTS, key)]
    replicas = [(status.get("replicas", 0), status.get("readyReplicas", 0)) for status in statuses]
    announced = {a.rpartition(":")[0] for node in world.nodes_of(key) for a in node.status.media_addresses}
    return cluster.metadata.generation, tuple(owned), tuple(replicas), tuple(sorted(announced))


def _mark(manifest: Manifest) -> tuple[object, ...]:
    """Whatever of it somebody may have changed; controllers write to a status all the time."""
    metadata = manifest["metadata"]
    version = metadata.get("generation") or metadata["resourceVersion"]
    labels = tuple(sorted(metadata["labels"].items()))
    owners = tuple(owner["uid"] for owner in metadata.get("ownerReferences", ()))
    return metadata["uid"], version, labels, owners


async def stand(context: Context, key: Key, cluster: MediaCluster) -> Standing:
    """Makes and removes, and says what is not as it shall be."""
    secrets = await _secrets(context, cluster)
    made = keep_or_make(cluster, secrets, context.authority, context.now().wall)
    pods = await _pods(context, key)
    peers, urls = _turn(context, key, cluster, secrets.get(names.turn(cluster), {}), pods)
    try:
        objects = desired(cluster, context.installation, made, peers=peers, urls=urls)
    except InvalidSpec as error:
        return Standing((str(error),))
    problems = await _make(context, key, objects, secrets)
    problems += await _remove_surplus(context, key, cluster, objects)
    named = {reference.secret for reference in references(cluster)}
    problems += missing(cluster, await _read_secrets(context, key.namespace, named))
    await _show_secret(
        context, pods, next(o for o in objects if Name.of(o) == ("Secret", names.turn(cluster)))
    )
    return Standing(tuple(problems), troubles(pods), waits=not all(read_pod(pod).ready for pod in pods))


def troubles(pods: Iterable[Manifest]) -> dict[str, str]:
    """Why pods are not ready, by component, in the words of the pods."""
    found: dict[str, list[str]] = defaultdict(list)
    for pod in pods:
        if words := trouble_of(pod):
            metadata = pod["metadata"]
            found[metadata["labels"][COMPONENT]].append(f"{metadata['name']}: {words}.")
    return {component: " ".join(sorted(told)[:TOLD]) for component, told in found.items()}


async def _make(
    context: Context, key: Key, objects: Sequence[Manifest], secrets: dict[str, Manifest]
) -> list[str]:
    problems = []
    for wanted in objects:
        resource = _RESOURCES[wanted["kind"]]
        name = wanted["metadata"]["name"]
        known = secrets if resource is SECRETS else _by_name(context, key, resource.kind)
        try:
            await bring_about(context, resource, wanted, known.get(name))
        except BelongsToOther as error:
            problems.append(str(error))
        except (Invalid, NotAllowed) as error:
            problems.append(f"{Name.of(wanted)} was refused: {error}")
    return problems


def _by_name(context: Context, key: Key, kind: str) -> dict[str, Manifest]:
    found = context.world.owned_by(_RESOURCES[kind], key)
    return {manifest["metadata"]["name"]: manifest for manifest in found}


async def _remove_surplus(
    context: Context, key: Key, cluster: MediaCluster, objects: Iterable[Manifest]
) -> list[str]:
    """What the cluster owns and does not want any more."""
    problems = []
    wanted = {Name.of(manifest) for manifest in objects}
    for resource in OWNED:
        for manifest in context.world.owned_by(resource, key):
            metadata = manifest["metadata"]
            name = Name(resource.kind, metadata["name"])
            if name in wanted or not is_controlled(manifest, cluster.metadata.uid):
                continue
            try:
                await context.api.delete(resource, key.namespace, name.name, uid=metadata["uid"])
            except (NotFound, Conflict):
                continue  # gone, or made anew by somebody
            except (Invalid, NotAllowed) as error:
                problems.append(f"{name} cannot be removed: {error}")
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
