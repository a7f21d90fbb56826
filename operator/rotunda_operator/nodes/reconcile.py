"""Reconciles one MediaNode: its status, its pod, and the PodDisruptionBudget of that pod."""

import math
from contextlib import suppress

from rotunda_contract.resources import MediaCluster, MediaNode, Ports
from rotunda_kube import AlreadyExists, Conflict, Invalid, Key, KubeApi, Manifest, NotAllowed, NotFound
from rotunda_kube.resource import DISRUPTION_BUDGETS, MEDIA_NODES, PODS
from rotunda_operator.cache import cluster_of
from rotunda_operator.clock import Instant
from rotunda_operator.context import Context, Item, Kind, PodRefusal
from rotunda_operator.event_recorder import Event
from rotunda_operator.nodes.addresses import announced_address
from rotunda_operator.nodes.decide import REFUSED_RETRY_SECONDS, NodeDecision, NodeView, decide
from rotunda_operator.nodes.ports import assign_ports, still_fits
from rotunda_operator.owned.write import OwnedByOther, apply_object
from rotunda_operator.patches import status_patch
from rotunda_operator.pods import Pod
from rotunda_operator.specs.metadata import ANNOUNCED_ADDRESS
from rotunda_operator.specs.sfu_disruption_budget import sfu_disruption_budget
from rotunda_operator.specs.sfu_pod import needs_announced_address, sfu_pod


class _PodRefused(Exception):
    """The API server refused to create a pod. The message has its words."""


async def reconcile_node(context: Context, key: Key) -> float | None:
    """Seconds after which to reconcile it again. Raises KubeError."""
    node = context.cache.nodes.get(key)
    if node is None:
        context.write_limiter.forget(Item(Kind.NODE, key))
        context.promised_ports.pop(key, None)
        context.pod_refusals.pop(key, None)
        return None
    now = context.clock()
    view = _view(context, key, node)
    decision = decide(node, view, now)
    delays = [decision.requeue_after, _until_stale(context, key, now)]
    if decision.status is not None:
        limiter, item = context.write_limiter, Item(Kind.NODE, key)
        delay = 0.0 if decision.urgent else limiter.delay(item, now.monotonic)
        if delay == 0:
            node = await _write(context, node, decision)
            context.promised_ports.pop(key, None)
        else:
            delays.append(delay)
    if view.cluster is not None and node.metadata.deletion_timestamp is None:
        try:
            await _act(context, view.cluster, node, view, decision)
        except _PodRefused as error:
            message = f"The API server refuses its pod {decision.create}: {error}"
            retry_at = now.monotonic + REFUSED_RETRY_SECONDS
            context.pod_refusals[key] = PodRefusal(view.template, message, retry_at)
            delays.append(0.0)  # the next reconcile writes it into the status
    return min((delay for delay in delays if delay is not None), default=None)


def _until_stale(context: Context, key: Key, now: Instant) -> float | None:
    """Seconds until its report is stale, if no other one arrives: then the status has to say that it is
    silent."""
    until = context.cache.reports.fresh_until(key, now.monotonic)
    return until - now.monotonic + 0.1 if math.isfinite(until) else None


def _view(context: Context, key: Key, node: MediaNode) -> NodeView:
    cache = context.cache
    pods = [pod for pod in cache.pods_of(key) if pod.owner_uid == node.metadata.uid]
    current = next((pod for pod in pods if pod.key.name == node.status.pod_name), None)
    cluster = cache.clusters.get(cluster_of(node))
    template = context.template(cluster) if cluster is not None else ""
    refusal = context.pod_refusals.get(key)
    if refusal is not None and refusal.template != template:
        refusal = None  # the desired pod is another one now
    return NodeView(
        cluster=cluster,
        pods=pods,
        kube_node=cache.kube_nodes.get(current.node_name) if current is not None else None,
        rooms=len(cache.rooms_on(key)),
        report=cache.reports.fresh(key, context.clock().monotonic),
        loads_known=context.loads_known(),
        ports=lambda another: _ports(context, key, node, another=another),
        has_reservations=cache.has_reservations(key, context.clock()),
        template=template,
        refused=refusal.message if refusal is not None else "",
        retry_in=refusal.retry_at - context.clock().monotonic if refusal is not None else 0.0,
        reported_at=cache.reported_at(key, context.clock()),
        nodes=len(cache.nodes),
        load_explained=not cache.costs.is_unexplained(key),
    )


def _ports(context: Context, key: Key, node: MediaNode, *, another: bool) -> Ports:
    """The block of ports of the node's next pod.

    It is promised from now on, as other nodes are reconciled while the status of this one is being written.
    `another`: a different block than the last one, of which another program on the Kubernetes node has a
    port.
    """
    spec = context.cache.clusters[cluster_of(node)].spec.media_nodes
    kept = node.status.ports
    if kept is not None and not another and still_fits(spec.network, spec.template.workers, kept):
        return kept
    written = [other.status.ports for other_key, other in context.cache.nodes.items() if other_key != key]
    promised = [ports for other_key, ports in context.promised_ports.items() if other_key != key]
    taken = [ports for ports in (*written, *promised) if ports is not None]
    block = context.promised_ports[key] = assign_ports(
        spec.network, spec.template.workers, taken, behind=kept if another else None
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
    context.update_cache(MEDIA_NODES, answer)
    context.recorder.record(MEDIA_NODES, metadata, decision.events)
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
    await _apply_budget(context, node, closed=not decision.evictable)


async def _create_pod(context: Context, node: MediaNode, manifest: Manifest) -> None:
    namespace, name = node.metadata.namespace, manifest["metadata"]["name"]
    try:
        context.update_cache(PODS, await context.api.create(PODS, manifest))
        context.pod_refusals.pop(Key(namespace, node.metadata.name), None)
    except (Invalid, NotAllowed) as error:
        raise _PodRefused(str(error)) from error
    except AlreadyExists:
        # Either we created it and the watch is about to bring it, or somebody else did: a person has to see
        # that.
        found = await context.api.get(PODS, namespace, name)
        owners = found["metadata"].get("ownerReferences", [])
        if not any(owner["uid"] == node.metadata.uid for owner in owners):
            message = f"There is a pod {name} that does not belong to this media node."
            event = Event("PodExists", message, "Create", warning=True)
            context.recorder.record(MEDIA_NODES, node.metadata, [event])
            raise
        context.update_cache(PODS, found)


async def _announce(context: Context, cluster: MediaCluster, node: MediaNode, view: NodeView) -> None:
    """Writes the external address of its Kubernetes node into an annotation of the pod, which waits for
    it."""
    pod = next((pod for pod in view.pods if pod.key.name == node.status.pod_name), None)
    if pod is None or not needs_announced_address(cluster) or pod.announced:
        return
    address = announced_address(cluster.spec.media_nodes.network, view.kube_node, pod)
    if address:
        patch = {"metadata": {"annotations": {ANNOUNCED_ADDRESS: address}}}
        context.update_cache(PODS, await context.api.patch(PODS, pod.key.namespace, pod.key.name, patch))


async def _delete_pod(api: KubeApi, pod: Pod) -> None:
    with suppress(NotFound, Conflict):  # deleted already, and another pod may have its name by now
        await api.delete(PODS, pod.key.namespace, pod.key.name, uid=pod.uid)


async def _apply_budget(context: Context, node: MediaNode, *, closed: bool) -> None:
    key = Key(node.metadata.namespace, node.metadata.name)
    actual = context.cache.owned[DISRUPTION_BUDGETS].get(key)
    desired = sfu_disruption_budget(node, closed=closed)
    # It may belong to a deleted MediaNode of the same name. Kubernetes deletes it then, which enqueues this
    # one.
    with suppress(OwnedByOther):
        await apply_object(context, DISRUPTION_BUDGETS, desired, actual)
