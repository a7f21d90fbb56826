"""The life of a MediaNode: a pure function from what is known to its next status and its pod.

    Pending ──pod ready, load reported──▶ Ready ⇄ Draining
       ▲                                    │ pod gone, failed, or its Kubernetes node given up
       │ its Rooms are placed elsewhere     ▼
       ◀───────────a new pod────────────── Lost

A node becomes Lost only by evidence: one that only does not report keeps its phase and its Rooms. It stays
Lost until no Room names it any more, so that each of its Rooms is placed again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rotunda_base.exit_status import CANNOT_LISTEN
from rotunda_contract.resources import MediaCluster, MediaNode, MediaNodeStatus, NodePhase, Ports
from rotunda_operator.clock import Instant
from rotunda_operator.clusters.cordon import is_cordoned_for_scale_down
from rotunda_operator.conditions import NewCondition, find_condition, set_conditions
from rotunda_operator.event_recorder import Event
from rotunda_operator.load import NodeReport
from rotunda_operator.nodes.addresses import grpc_address, media_addresses
from rotunda_operator.nodes.load_status import is_worth_writing, load_of
from rotunda_operator.nodes.ports import RangeTooSmall
from rotunda_operator.nodes.template import template_of
from rotunda_operator.pods import KubeNode, Pod
from rotunda_operator.specs.metadata import UPDATE
from rotunda_operator.specs.sfu_pod import next_pod_name

REFUSED_RETRY_SECONDS = 30.0
"""After this time a step is tried again that failed for a reason which only a person can remove."""
LOAD_EXPLAINED = "LoadExplained"
MIN_POD_SECONDS = 10.0
"""Between two pods of one media node: a pod that is lost sooner is replaced only after this time."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """What a decision is made from."""

    cluster: MediaCluster | None
    pods: Sequence[Pod]
    """All that it owns."""
    kube_node: KubeNode | None
    """The Kubernetes node of its current pod."""
    rooms: int
    """How many Rooms are assigned to it."""
    report: NodeReport | None
    """The last one, if it is fresh."""
    loads_known: bool
    """Whether a missing report means silence. Just after a start it does not."""
    ports: Callable[[bool], Ports]
    """Its block of ports. The argument says whether it must be another one than that of its last pod."""
    template: str = ""
    """The hash of the template of the desired pod."""
    has_reservations: bool = False
    """Whether Rooms were placed on it lately, which may not be written yet."""
    refused: str = ""
    """Why the API server refuses to create its pod, in the server's own words. Empty: it does not."""
    retry_in: float = 0.0
    """Seconds until the refused pod is tried again."""
    reported_at: datetime | None = None
    """When it made its last report."""
    nodes: int = 1
    """How many media nodes there are."""
    load_explained: bool = True
    """Whether its load can come from what it serves."""


@dataclass(frozen=True, slots=True)
class NodeDecision:
    """What to do about a MediaNode.

    `status`: the one to write; None: it stays as it is. `create`: the name of the pod to create. `delete`:
    earlier pods. `evictable`: whether its pod may be evicted now. `urgent`: whether anybody acts on what
    changes in the status; if not, the write may wait. `requeue_after`: seconds after which to decide again.
    """

    status: MediaNodeStatus | None = None
    create: str | None = None
    delete: tuple[Pod, ...] = ()
    evictable: bool = True
    events: tuple[Event, ...] = ()
    urgent: bool = True
    requeue_after: float | None = None


def decide(node: MediaNode, view: NodeView, now: Instant) -> NodeDecision:
    """One step."""
    if node.metadata.deletion_timestamp is not None:
        return NodeDecision()
    if view.cluster is None:
        text = f"There is no MediaCluster {node.spec.cluster_ref} in this namespace."
        return _decision(
            node, view, now, {"phase": node.status.phase or "Pending"}, _not_ready("ClusterNotFound", text)
        )
    if node.status.pod_name is None:
        return _next_pod(node, view, now)
    if node.status.phase == "Lost" and view.rooms == 0:
        delay = _pod_delay(view, now)
        return NodeDecision(requeue_after=delay) if delay > 0 else _next_pod(node, view, now)
    pod = next((pod for pod in view.pods if pod.key.name == node.status.pod_name), None)
    if pod is None and node.status.process_id is None:
        return _create_pod(node, view, node.status.pod_name, now)
    lost = _why_lost(node, view, pod)
    if lost is not None or pod is None:
        return _lose(node, view, now, lost or "it is gone")
    if _may_be_replaced(node, view, pod):
        text = f"Its pod {pod.key.name} is of an older template and has no rooms: it gets another one."
        return _next_pod(node, view, now, (Event("Replaced", text, "Update"),))
    return _update(node, view, pod, now)


def _is_older(node: MediaNode, view: NodeView, pod: Pod) -> bool:
    assert view.cluster is not None
    return template_of(view.cluster, node, pod) != view.template


def _may_be_replaced(node: MediaNode, view: NodeView, pod: Pod) -> bool:
    """Whether its pod is of an older template and has no rooms to lose.

    A node that serves is cordoned first, by `clusters.rollout`, so that it gets no new rooms.
    """
    if (
        not _is_older(node, view, pod)
        or view.rooms
        or view.has_reservations
        or pod.terminating
        or is_cordoned_for_scale_down(node)
    ):
        return False
    return node.spec.cordoned or node.status.phase not in ("Ready", "Draining")


def _create_pod(node: MediaNode, view: NodeView, name: str, now: Instant) -> NodeDecision:
    if not view.refused:
        created = _decision(
            node, view, now, {"phase": "Pending"}, _not_ready("PodMissing", f"Its pod {name} is to be made.")
        )
        return NodeDecision(created.status, name, events=created.events)
    refused = _stuck(node, view, now, "PodRefused", view.refused)
    return replace(
        refused, create=name if view.retry_in <= 0 else None, requeue_after=max(view.retry_in, 0.1)
    )


def _stuck(node: MediaNode, view: NodeView, now: Instant, reason: str, text: str) -> NodeDecision:
    """A person has to do something: the condition says so, and one Event."""
    before = find_condition(node.status.conditions, "Ready")
    is_known = before is not None and before.reason == reason
    events = () if is_known else (Event(reason, text, "Create", warning=True),)
    return _decision(node, view, now, {"phase": "Pending"}, _not_ready(reason, text[:1000]), events)


def _pod_delay(view: NodeView, now: Instant) -> float:
    """Seconds until another pod may be created: pods that fail at once are not created in a tight loop."""
    created = max((datetime.fromisoformat(pod.created) for pod in view.pods if pod.created), default=None)
    return MIN_POD_SECONDS - now.since(created) if created is not None else 0.0


def _next_pod(node: MediaNode, view: NodeView, now: Instant, events: tuple[Event, ...] = ()) -> NodeDecision:
    name = next_pod_name(node)
    last = next((pod for pod in view.pods if pod.key.name == node.status.pod_name), None)
    taken = last is not None and last.exit_status == CANNOT_LISTEN
    try:
        ports = view.ports(taken)
    except RangeTooSmall as error:
        return replace(_stuck(node, view, now, "NoPorts", str(error)), requeue_after=REFUSED_RETRY_SECONDS)
    update: dict[str, object] = {
        "phase": "Pending",
        "pod_name": name,
        "ports": ports,
        "process_id": None,
        "node_name": None,
        "grpc_address": None,
        "media_addresses": (),
        "load": None,
        "drain_started_at": None,
    }
    decision = _decision(
        node, view, now, update, _not_ready("PodMissing", f"Its pod {name} is to be made."), events
    )
    earlier = tuple(pod for pod in view.pods if pod.key.name != name and not pod.terminating)
    return NodeDecision(decision.status, delete=earlier, events=decision.events, requeue_after=0.0)


def _why_lost(node: MediaNode, view: NodeView, pod: Pod | None) -> str | None:
    if pod is None:
        return "it is gone"
    if pod.finished:
        return f"it is {pod.phase}{f': {pod.termination_message}' if pod.termination_message else ''}"
    if node.status.process_id is not None and pod.uid != node.status.process_id:
        return "another pod has its name"
    if view.kube_node is not None and not view.kube_node.reachable:
        return f"the Kubernetes node {view.kube_node.name} is unreachable"
    return None


def _lose(node: MediaNode, view: NodeView, now: Instant, why: str) -> NodeDecision:
    text = f"Its pod {node.status.pod_name} does not serve any more: {why}."
    events = () if node.status.phase == "Lost" else (Event("Lost", text, "Watch", warning=True),)
    return _decision(
        node, view, now, {"phase": "Lost", "load": None}, _not_ready("PodLost", text[:1000]), events
    )


def _update(node: MediaNode, view: NodeView, pod: Pod, now: Instant) -> NodeDecision:
    """Its pod exists: brings the status up to date with the pod and its report."""
    assert view.cluster is not None
    status, ports = node.status, node.status.ports
    phase = _phase(node, view, pod)
    drain = (status.drain_started_at or now.wall) if phase == "Draining" else None
    deadline = view.cluster.spec.media_nodes.drain_deadline_seconds
    left = deadline - now.since(drain) if drain is not None else None
    network, address = view.cluster.spec.media_nodes.network, view.kube_node
    update: dict[str, object] = {
        "phase": phase,
        "process_id": pod.uid,
        "node_name": pod.node_name or None,
        "region": (address.region or None) if address is not None else status.region,
        "zone": (address.zone or None) if address is not None else status.zone,
        "grpc_address": grpc_address(pod, ports) if pod.ready else status.grpc_address,
        "media_addresses": (
            # A pod of an older template announces what that template says, not what the cluster says now.
            status.media_addresses
            if _is_older(node, view, pod) and status.media_addresses
            else media_addresses(network, address, pod, ports) or status.media_addresses
        ),
        "drain_started_at": drain,
    }
    if view.report is not None:
        update["load"] = load_of(view.report)
    if view.reported_at is not None:
        update["last_report_time"] = view.reported_at
    events = (*_phase_events(node, phase, pod), *_unexplained_load_events(node, view))
    decision = _decision(node, view, now, update, _conditions(node, view, pod, phase), events)
    earlier = tuple(other for other in view.pods if other is not pod and not other.terminating)
    if left is not None and left <= 0 and UPDATE in node.metadata.annotations and _is_older(node, view, pod):
        earlier = (*earlier, pod) if not pod.terminating else earlier
    evictable = phase == "Pending" or (left is not None and (view.rooms == 0 or left <= 0))
    requeue_after = max(left, 0.1) if left is not None and left > 0 and view.rooms else None
    return NodeDecision(
        decision.status,
        delete=earlier,
        evictable=evictable,
        events=decision.events,
        urgent=decision.urgent,
        requeue_after=requeue_after,
    )


def _phase(node: MediaNode, view: NodeView, pod: Pod) -> NodePhase:
    served = node.status.phase in ("Ready", "Draining")
    if not pod.ready or not (served or view.report is not None):
        # A node whose pod is being terminated drains: it keeps its rooms as long as possible.
        return "Draining" if pod.terminating and served else "Pending"
    unschedulable = view.kube_node is not None and view.kube_node.unschedulable
    return "Draining" if node.spec.cordoned or unschedulable or pod.terminating else "Ready"


def _conditions(node: MediaNode, view: NodeView, pod: Pod, phase: NodePhase) -> tuple[NewCondition, ...]:
    return (_readiness(node, view, pod, phase), *_reporting(view), *_load_explained(node, view))


def _readiness(node: MediaNode, view: NodeView, pod: Pod, phase: NodePhase) -> NewCondition:
    if phase == "Ready":
        return NewCondition("Ready", "True", "Serving", "It takes rooms.")
    if phase == "Draining":
        if node.spec.cordoned:
            why = "it is cordoned"
        elif pod.terminating:
            why = "its pod is being ended"
        else:
            why = f"the Kubernetes node {pod.node_name} is cordoned"
        return NewCondition(
            "Ready", "False", "Draining", f"It takes no more rooms: {why}. It has {view.rooms}."
        )
    if not pod.ready:
        waiting = f": {pod.waiting}" if pod.waiting else ""
        return NewCondition(
            "Ready", "False", "PodNotReady", f"Its pod {pod.key.name} is not ready{waiting}"[:1000]
        )
    return NewCondition(
        "Ready", "False", "AwaitingLoad", "Its pod serves, but has not reported its load yet."
    )


def _reporting(view: NodeView) -> tuple[NewCondition, ...]:
    if view.report is not None:
        return (NewCondition("Reporting", "True", "Reporting", "It reports its load."),)
    if not view.loads_known:
        return ()
    text = "It has not reported its load lately: it keeps its rooms and gets no new ones."
    return (NewCondition("Reporting", "False", "Silent", text),)


def _load_explained(node: MediaNode, view: NodeView) -> tuple[NewCondition, ...]:
    """Only of a node whose load was ever found to be unexplained."""
    known = find_condition(node.status.conditions, LOAD_EXPLAINED)
    if view.report is None or (view.load_explained and known is None):
        return ()
    if view.load_explained:
        return (NewCondition(LOAD_EXPLAINED, "True", "Explained", "Its load comes from what it serves."),)
    text = (
        "It reports far more load than what it serves can cost: something else takes its CPU or network, or "
        "a media worker has failed. It gets no new rooms while it is full."
    )
    return (NewCondition(LOAD_EXPLAINED, "False", "LoadWithoutMedia", text),)


def _unexplained_load_events(node: MediaNode, view: NodeView) -> tuple[Event, ...]:
    known = find_condition(node.status.conditions, LOAD_EXPLAINED)
    if view.report is None or view.load_explained or (known is not None and known.status == "False"):
        return ()
    text = f"It reports {view.report.utilization:.0%} of load with {view.report.consumers} consumers."
    return (Event("LoadWithoutMedia", text, "Watch", warning=True),)


def _phase_events(node: MediaNode, phase: NodePhase, pod: Pod) -> tuple[Event, ...]:
    if phase == node.status.phase or phase == "Pending":
        return ()
    if phase == "Ready":
        return (Event("Ready", f"Its pod {pod.key.name} serves: it takes rooms.", "Watch"),)
    return (Event("Draining", "It takes no more rooms, and goes when it is empty.", "Drain"),)


def _not_ready(reason: str, text: str) -> tuple[NewCondition, ...]:
    return (NewCondition("Ready", "False", reason, text),)


def _decision(
    node: MediaNode,
    view: NodeView,
    now: Instant,
    update: dict[str, object],
    conditions: tuple[NewCondition, ...],
    events: tuple[Event, ...] = (),
) -> NodeDecision:
    generation = node.metadata.generation
    status = node.status.model_copy(
        update={
            **update,
            "observed_generation": generation,
            "conditions": set_conditions(node.status.conditions, conditions, generation, now.wall),
        }
    )
    figures = {"load": status.load, "last_report_time": status.last_report_time}
    urgent = node.status.model_copy(update=figures) != status
    if not urgent and not is_worth_writing(node.status, status, view.nodes):
        return NodeDecision()
    return NodeDecision(status, events=events, urgent=urgent)
