"""Reconciles the objects of a MediaCluster (not its media nodes): creates and changes what `clusters.desired`
lists, and deletes what the cluster owns beyond that."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

from rotunda_contract.resources import MediaCluster
from rotunda_kube import Conflict, Invalid, Key, Manifest, NotAllowed, NotFound
from rotunda_kube.resource import DEPLOYMENTS, PODS, SECRETS
from rotunda_operator.clusters.desired import desired_objects
from rotunda_operator.clusters.objects_status import ObjectsStatus
from rotunda_operator.clusters.references import missing, references
from rotunda_operator.clusters.secrets import keep_or_create
from rotunda_operator.clusters.turn import SECRET_HASH, secret_hash, turn_peers, turn_urls
from rotunda_operator.context import Context
from rotunda_operator.event_handlers import OWNED
from rotunda_operator.owned.compare import Name, is_controlled
from rotunda_operator.owned.write import OwnedByOther, apply_object
from rotunda_operator.pods import not_ready_reason, read_pod
from rotunda_operator.specs import names
from rotunda_operator.specs.invalid import InvalidSpec
from rotunda_operator.specs.metadata import CLUSTER, COMPONENT

MAX_REASONS = 3
"""Pods of a component whose reasons are in the status."""
_RESOURCES = {resource.kind: resource for resource in (*OWNED, SECRETS)}


def fingerprint(context: Context, key: Key, cluster: MediaCluster) -> tuple[object, ...]:
    """All of the cache that the objects depend on. While it is equal, they need not be reconciled again."""
    cache = context.cache
    owned = [_fingerprint_of(manifest) for resource in OWNED for manifest in cache.owned_by(resource, key)]
    statuses = [deployment.get("status", {}) for deployment in cache.owned_by(DEPLOYMENTS, key)]
    replicas = [(status.get("replicas", 0), status.get("readyReplicas", 0)) for status in statuses]
    announced = {a.rpartition(":")[0] for node in cache.nodes_of(key) for a in node.status.media_addresses}
    return cluster.metadata.generation, tuple(owned), tuple(replicas), tuple(sorted(announced))


def _fingerprint_of(manifest: Manifest) -> tuple[object, ...]:
    """What somebody may have changed of an object. Its status is left out: controllers write it all the
    time."""
    metadata = manifest["metadata"]
    version = metadata.get("generation") or metadata["resourceVersion"]
    labels = tuple(sorted(metadata["labels"].items()))
    owners = tuple(owner["uid"] for owner in metadata.get("ownerReferences", ()))
    return metadata["uid"], version, labels, owners


async def reconcile_objects(context: Context, key: Key, cluster: MediaCluster) -> ObjectsStatus:
    """Raises KubeError."""
    actual_secrets = await _own_secrets(context, cluster)
    secrets = keep_or_create(cluster, actual_secrets, context.authority, context.clock().wall)
    pods = await _pods(context, key)
    peers, urls = _turn(context, key, cluster, actual_secrets.get(names.turn(cluster), {}), pods)
    try:
        desired = desired_objects(cluster, context.installation, secrets, peers=peers, urls=urls)
    except InvalidSpec as error:
        return ObjectsStatus((str(error),))
    problems = await _apply(context, key, desired, actual_secrets)
    problems += await _delete_surplus(context, key, cluster, desired)
    named = {reference.secret for reference in references(cluster)}
    problems += missing(cluster, await _read_secrets(context, key.namespace, named))
    turn_secret = next(each for each in desired if Name.of(each) == ("Secret", names.turn(cluster)))
    await _refresh_mounts(context, pods, turn_secret)
    all_ready = all(read_pod(pod).ready for pod in pods)
    return ObjectsStatus(tuple(problems), not_ready_reasons(pods), waits_for_pods=not all_ready)


def not_ready_reasons(pods: Iterable[Manifest]) -> dict[str, str]:
    """By component, why pods of it are not ready, in their own words."""
    found: dict[str, list[str]] = defaultdict(list)
    for pod in pods:
        if reason := not_ready_reason(pod):
            metadata = pod["metadata"]
            found[metadata["labels"][COMPONENT]].append(f"{metadata['name']}: {reason}.")
    return {component: " ".join(sorted(reasons)[:MAX_REASONS]) for component, reasons in found.items()}


async def _apply(
    context: Context, key: Key, objects: Sequence[Manifest], actual_secrets: dict[str, Manifest]
) -> list[str]:
    """What could not be created or changed, a sentence each."""
    problems = []
    for desired in objects:
        resource = _RESOURCES[desired["kind"]]
        name = desired["metadata"]["name"]
        known = actual_secrets if resource is SECRETS else _by_name(context, key, resource.kind)
        try:
            await apply_object(context, resource, desired, known.get(name))
        except OwnedByOther as error:
            problems.append(str(error))
        except (Invalid, NotAllowed) as error:
            problems.append(f"{Name.of(desired)} was refused: {error}")
    return problems


def _by_name(context: Context, key: Key, kind: str) -> dict[str, Manifest]:
    found = context.cache.owned_by(_RESOURCES[kind], key)
    return {manifest["metadata"]["name"]: manifest for manifest in found}


async def _delete_surplus(
    context: Context, key: Key, cluster: MediaCluster, objects: Iterable[Manifest]
) -> list[str]:
    """Deletes what the cluster owns and does not want any more. What could not be deleted, a sentence
    each."""
    problems = []
    desired = {Name.of(manifest) for manifest in objects}
    for resource in OWNED:
        for manifest in context.cache.owned_by(resource, key):
            metadata = manifest["metadata"]
            name = Name(resource.kind, metadata["name"])
            if name in desired or not is_controlled(manifest, cluster.metadata.uid):
                continue
            try:
                await context.api.delete(resource, key.namespace, name.name, uid=metadata["uid"])
            except (NotFound, Conflict):
                continue  # deleted already; Conflict: somebody has created another one of this name
            except (Invalid, NotAllowed) as error:
                problems.append(f"{name} cannot be removed: {error}")
    return problems


async def _pods(context: Context, key: Key) -> list[Manifest]:
    """The pods that mount the Secret of TURN: TURN servers and signaling."""
    mounting = f"{COMPONENT} in ({names.TURN_COMPONENT},{names.SIGNALING_COMPONENT})"
    found = await context.api.list(PODS, key.namespace, labels=f"{CLUSTER}={key.name},{mounting}")
    return list(found.items)


def _turn(
    context: Context, key: Key, cluster: MediaCluster, secret: Manifest, pods: Sequence[Manifest]
) -> tuple[list[str], list[str]]:
    """The addresses that TURN may relay to, and the URLs that clients get."""
    cache = context.cache
    announced = [a for node in cache.nodes_of(key) for a in node.status.media_addresses]
    servers = [p for p in pods if p["metadata"]["labels"][COMPONENT] == names.TURN_COMPONENT]
    return (
        turn_peers(secret, announced, cache.kube_nodes.values()),
        turn_urls(cluster, map(read_pod, servers), cache.kube_nodes),
    )


async def _refresh_mounts(context: Context, pods: Sequence[Manifest], secret: Manifest) -> None:
    """Annotates pods with the hash of the Secret of TURN, so that kubelets update the mounted files at
    once."""
    hash = secret_hash(secret)
    for pod in pods:
        metadata = pod["metadata"]
        if metadata.get("annotations", {}).get(SECRET_HASH) == hash or "deletionTimestamp" in metadata:
            continue
        patch = {"metadata": {"annotations": {SECRET_HASH: hash}}}
        with suppress(NotFound):
            await context.api.patch(PODS, metadata["namespace"], metadata["name"], patch)


async def _own_secrets(context: Context, cluster: MediaCluster) -> dict[str, Manifest]:
    """The Secrets that are created for the cluster, as far as they exist."""
    own = (
        names.turn(cluster),
        names.signaling_certificate(cluster),
        names.media_node_certificate(cluster),
    )
    return await _read_secrets(context, cluster.metadata.namespace, own)


async def _read_secrets(context: Context, namespace: str, wanted: Iterable[str]) -> dict[str, Manifest]:
    """Those that exist, by name. They are read one by one, so that the operator needs no right to list
    them."""
    found: dict[str, Manifest] = {}
    for name in wanted:
        try:
            found[name] = await context.api.get(SECRETS, namespace, name)
        except NotFound:
            continue
    return found
