"""Looks at one MediaNode and does what was decided: its status, its pod, and the budget of its eviction."""

import math
from contextlib import suppress

from rotunda_contract.resources import MediaCluster, MediaNode, Ports
from rotunda_kube import AlreadyExists, Conflict, Invalid, Key, KubeApi, Manifest, NotAllowed, NotFound
from rotunda_kube.resource import DISRUPTION_BUDGETS, MEDIA_NODES, PODS
from rotunda_operator.cache import cluster_of
from rotunda_operator.clock import Moment
from rotunda_operator.context import Context, Item, Kind, Refusal
from rotunda_operator.event_recorder import Note
from rotunda_operator.nodes.addresses import announced_address
from rotunda_operator.nodes.decide import STUCK_PAUSE, NodeDecision, NodeView, decide
from rotunda_operator.nodes.ports import assign_ports, still_fits
from rotunda_operator.owned.write import BelongsToOther, bring_about
from rotunda_operator.patches import status_patch
from rotunda_operator.pods import Pod
from rotunda_operator.specs.metadata import ANNOUNCED_ADDRESS
from rotunda_operator.specs.sfu_disruption_budget import sfu_disruption_budget
from rotunda_operator.specs.sfu_pod import needs_announced_address, sfu_pod

UNSETTLED_PAUSE = 0.1


class _PodRefused(Exception):
    """With the API server's words."""


async def reconcile_node(context: Context, key: Key) -> float | None:
    """Seconds until the next look. Raises KubeError."""
    node = context.world.nodes.get(key)
    if node is None:
        context.sparing.forget(Item(Kind.NODE, key))
        context.promised_ports.pop(key, None)
        context.refusals.pop(key, None)
        return None
    now = context.now()
    view = _view(context, key, node)
    decision = decide(node, view, now)
    pauses = [decision.again, _until_stale(context, key, now)]
    if decision.status is not None:
        pause = 0.0 if decision.urgent else context.sparing.delay(Item(Kind.NODE, key), now.mono)
        if pause == 0:
            node = await _write(context, node, decision)
            context.promised_ports.pop(key, None)
        else:
            pauses.append(pause)
    if view.cluster is not None and node.metadata.deletion_timestamp is None:
        try:
            await _act(context, view.cluster, node, view, decision)
        except _PodRefused as error:
            text = f"The API server refuses its pod {decision.create}: {error}"
            context.refusals[key] = Refusal(view.template, text, now.mono + STUCK_PAUSE)
            pauses.append(0.0)  # the next look tells it
    return min((pause for pause in pauses if pause is not None), default=None)


def _until_stale(context: Context, key: Key, now: Moment) -> float | None:
    """When silence has to be told, if no report comes until then."""
    until = context.world.ledger.fresh_until(key, now.mono)
    return until - now.mono + 0.1 if math.isfinite(until) else None


def _view(context: Context, key: Key, node: MediaNode) -> NodeView:
    world = context.world
    pods = [pod for pod in world.pods_of(key) if pod.owner_uid == node.metadata.uid]
    current = next((pod for pod in pods if pod.key.name == node.status.pod_name), None)
    cluster = world.clusters.get(cluster_of(node))
    template = context.template(cluster) if cluster is not None else ""
    refusal = context.refusals.get(key)
    if refusal is not None and refusal.template != template:
        refusal = None  # what was refused is not what is asked for now
    return NodeView(
        cluster=cluster,
        pods=pods,
        kube_node=world.kube_nodes.get(current.node_name) if current is not None else None,
        rooms=len(world.rooms_on(key)),
        report=world.ledger.fresh(key, context.now().mono),
        settled=context.settled(),
        ports=lambda elsewhere: _ports(context, key, node, elsewhere=elsewhere),
        expecting=world.expects(key, context.now()),
        template=template,
        refused=refusal.text if refusal is not None else "",
        retry=refusal.until - context.now().mono if refusal is not None else 0.0,
        reported_at=world.reported_at(key, context.now()),
        nodes=len(world.nodes),
        explained=not world.costs.unexplained(key),
    )


def _ports(context: Context, key: Key, node: MediaNode, *, elsewhere: bool) -> Ports:
    """Its block, promised from now on: others are decided while this one is being written.

    `elsewhere`: it must be another one, as a stranger on the Kubernetes node has a port of it.
    """
    spec = context.world.clusters[cluster_of(node)].spec.media_nodes
    kept = node.status.ports
    if kept is not None and not elsewhere and still_fits(spec.network, spec.template.workers, kept):
        return kept
    written = [other.status.ports for other_key, other in context.world.nodes.items() if other_key != key]
    promised = [ports for other_key, ports in context.promised_ports.items() if other_key != key]
    taken = [ports for ports in (*written, *promised) if ports is not None]
    block = context.promised_ports[key] = assign_ports(
        spec.network, spec.template.workers, taken, behind=kept if elsewhere else None
    )
    return block


async def _write(context: Context, node: MediaNode, decision: NodeDecision) -> MediaNode:
    """The node with its new status."""
    assert decision.status is not None
    metadata = node.metadata
    answer = await context.api.patch(
        MEDIA_NODES,
        metadata.namespace,
        metadata.name,
        {"status": status_patch(node.status, decision.status)},
        resource_version=metadata.resource_version,
        subresource="status",
    )
    context.seen(MEDIA_NODES, answer)
    context.note(MEDIA_NODES, metadata, decision.notes)
    return MediaNode.model_validate(answer)


async def _act(
    context: Context, cluster: MediaCluster, node: MediaNode, view: NodeView, decision: NodeDecision
) -> None:
    for pod in decision.delete:
        await _delete_pod(context.api, pod)
    if decision.create is not None and node.status.ports is not None:
        manifest = sfu_pod(cluster, node, node.status.ports, context.installation, name=decision.create)
        await _create_pod(context, node, manifest)
    await _announce(context, cluster, node, view)
    await _budget(context, node, closed=not decision.evictable)


async def _create_pod(context: Context, node: MediaNode, manifest: Manifest) -> None:
    namespace, name = node.metadata.namespace, manifest["metadata"]["name"]
    try:
        context.seen(PODS, await context.api.create(PODS, manifest))
        context.refusals.pop(Key(namespace, node.metadata.name), None)
    except (Invalid, NotAllowed) as error:
        raise _PodRefused(str(error)) from error
    except AlreadyExists:
        # Made before, and on its way through the watch; or somebody else's, which a person must see.
        found = await context.api.get(PODS, namespace, name)
        owners = found["metadata"].get("ownerReferences", [])
        if not any(owner["uid"] == node.metadata.uid for owner in owners):
            text = f"There is a pod {name} that does not belong to this media node."
            context.note(MEDIA_NODES, node.metadata, (Note("PodExists", text, "Create", warning=True),))
            raise
        context.seen(PODS, found)


async def _announce(context: Context, cluster: MediaCluster, node: MediaNode, view: NodeView) -> None:
    """Tells a pod the external address of the Kubernetes node that it was put on."""
    pod = next((pod for pod in view.pods if pod.key.name == node.status.pod_name), None)
    if pod is None or not needs_announced_address(cluster) or pod.announced:
        return
    address = announced_address(cluster.spec.media_nodes.network, view.kube_node, pod)
    if address:
        patch = {"metadata": {"annotations": {ANNOUNCED_ADDRESS: address}}}
        context.seen(PODS, await context.api.patch(PODS, pod.key.namespace, pod.key.name, patch))


async def _delete_pod(api: KubeApi, pod: Pod) -> None:
    with suppress(NotFound, Conflict):  # gone, or another pod has its name by now
        await api.delete(PODS, pod.key.namespace, pod.key.name, uid=pod.uid)


async def _budget(context: Context, node: MediaNode, *, closed: bool) -> None:
    key = Key(node.metadata.namespace, node.metadata.name)
    known = context.world.owned[DISRUPTION_BUDGETS].get(key)
    wanted = sfu_disruption_budget(node, closed=closed)
    # It may still be that of a MediaNode before, which goes as its owner has gone; then we look again.
    with suppress(BelongsToOther):
        await bring_about(context, DISRUPTION_BUDGETS, wanted, known)
