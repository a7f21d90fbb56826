"""The life of a MediaNode: a pure function from what is known to its next status and its pod.

    Pending ──pod ready, load reported──▶ Ready ⇄ Draining
       ▲                                    │ pod gone, failed, or its Kubernetes node given up
       │ its Rooms are placed elsewhere     ▼
       ◀───────────a new pod────────────── Lost

Lost needs evidence: a node that is only silent keeps its phase and its Rooms. It stays Lost until no Room
names it any more, so that each of them sees that it has to be placed again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rotunda_base.exit_status import CANNOT_LISTEN
from rotunda_contract.resources import MediaCluster, MediaNode, MediaNodeStatus, NodePhase, Ports
from rotunda_operator.clock import Moment
from rotunda_operator.clusters.cordon import is_scaled_down
from rotunda_operator.conditions import Verdict, find, with_verdicts
from rotunda_operator.event_recorder import Note
from rotunda_operator.load import NodeReport
from rotunda_operator.nodes.addresses import grpc_address, media_addresses
from rotunda_operator.nodes.load_status import load_of, matters
from rotunda_operator.nodes.ports import RangeTooSmall
from rotunda_operator.nodes.template import template_of
from rotunda_operator.pods import KubeNode, Pod
from rotunda_operator.specs.metadata import UPDATE
from rotunda_operator.specs.sfu_pod import next_pod_name

STUCK_PAUSE = 30.0
"""Seconds until what somebody else has to mend is tried again."""
LOAD_EXPLAINED = "LoadExplained"
POD_SECONDS = 10.0
"""The shortest life of a pod of a media node that is replaced at once."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """What a decision sees. `rooms`: how many Rooms are assigned to it. `report`: its fresh one. `settled`:
    whether a missing report means anything, which it does not just after a start. `template`: of the pod that
    it shall have. `expecting`: Rooms were given to it that are not written yet. `reported_at`: when it made
    its last report. `nodes`: how many media nodes there are."""

    cluster: MediaCluster | None
    pods: Sequence[Pod]
    kube_node: KubeNode | None
    rooms: int
    report: NodeReport | None
    settled: bool
    ports: Callable[[bool], Ports]
    """Its block, asked for with whether it must be another than that of its last pod."""
    template: str = ""
    expecting: bool = False
    refused: str = ""
    """Why the API server would not have its pod, with its own words."""
    retry: float = 0.0
    """In how many seconds that is tried again."""
    reported_at: datetime | None = None
    nodes: int = 1
    explained: bool = True
    """Whether its load can come from what it serves."""


@dataclass(frozen=True, slots=True)
class NodeDecision:
    """`create`: the pod to make, by name. `delete`: pods of the past. `evictable`: whether the pod may go."""

    status: MediaNodeStatus | None = None
    create: str | None = None
    delete: tuple[Pod, ...] = ()
    evictable: bool = True
    notes: tuple[Note, ...] = ()
    urgent: bool = True
    again: float | None = None


def decide(node: MediaNode, view: NodeView, now: Moment) -> NodeDecision:
    """One step."""
    if node.metadata.deletion_timestamp is not None:
        return NodeDecision()
    if view.cluster is None:
        text = f"There is no MediaCluster {node.spec.cluster_ref} in this namespace."
        return _settle(
            node, view, now, {"phase": node.status.phase or "Pending"}, _not("ClusterNotFound", text)
        )
    if node.status.pod_name is None:
        return _next_pod(node, view, now)
    if node.status.phase == "Lost" and view.rooms == 0:
        pause = _pause(view, now)
        return NodeDecision(again=pause) if pause > 0 else _next_pod(node, view, now)
    pod = next((pod for pod in view.pods if pod.key.name == node.status.pod_name), None)
    if pod is None and node.status.process_id is None:
        return _make_pod(node, view, node.status.pod_name, now)
    lost = _why_lost(node, view, pod)
    if lost is not None or pod is None:
        return _lose(node, view, now, lost or "it is gone")
    if _may_be_replaced(node, view, pod):
        text = f"Its pod {pod.key.name} is of an older template and has no rooms: it gets another one."
        return _next_pod(node, view, now, (Note("Replaced", text, "Update"),))
    return _follow(node, view, pod, now)


def _is_older(node: MediaNode, view: NodeView, pod: Pod) -> bool:
    assert view.cluster is not None
    return template_of(view.cluster, node, pod) != view.template


def _may_be_replaced(node: MediaNode, view: NodeView, pod: Pod) -> bool:
    """One that serves was asked to take no rooms before (see `clusters.rollout`), and has none left."""
    if (
        not _is_older(node, view, pod)
        or view.rooms
        or view.expecting
        or pod.terminating
        or is_scaled_down(node)
    ):
        return False
    return node.spec.cordoned or node.status.phase not in ("Ready", "Draining")


def _make_pod(node: MediaNode, view: NodeView, name: str, now: Moment) -> NodeDecision:
    if not view.refused:
        made = _settle(
            node, view, now, {"phase": "Pending"}, _not("PodMissing", f"Its pod {name} is to be made.")
        )
        return NodeDecision(made.status, name, notes=made.notes)
    told = _stuck(node, view, now, "PodRefused", view.refused)
    return replace(told, create=name if view.retry <= 0 else None, again=max(view.retry, 0.1))


def _stuck(node: MediaNode, view: NodeView, now: Moment, reason: str, text: str) -> NodeDecision:
    """Somebody has to do something about it: told by the condition, and once by an Event."""
    before = find(node.status.conditions, "Ready")
    is_known = before is not None and before.reason == reason
    notes = () if is_known else (Note(reason, text, "Create", warning=True),)
    return _settle(node, view, now, {"phase": "Pending"}, _not(reason, text[:1000]), notes)


def _pause(view: NodeView, now: Moment) -> float:
    """Seconds until another pod may be made: where each one is lost at once, they come in no swarm."""
    created = max((datetime.fromisoformat(pod.created) for pod in view.pods if pod.created), default=None)
    return POD_SECONDS - now.since(created) if created is not None else 0.0


def _next_pod(node: MediaNode, view: NodeView, now: Moment, notes: tuple[Note, ...] = ()) -> NodeDecision:
    name = next_pod_name(node)
    last = next((pod for pod in view.pods if pod.key.name == node.status.pod_name), None)
    taken = last is not None and last.exit_status == CANNOT_LISTEN
    try:
        ports = view.ports(taken)
    except RangeTooSmall as error:
        return replace(_stuck(node, view, now, "NoPorts", str(error)), again=STUCK_PAUSE)
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
    decision = _settle(node, view, now, update, _not("PodMissing", f"Its pod {name} is to be made."), notes)
    past = tuple(pod for pod in view.pods if pod.key.name != name and not pod.terminating)
    return NodeDecision(decision.status, delete=past, notes=decision.notes, again=0.0)


def _why_lost(node: MediaNode, view: NodeView, pod: Pod | None) -> str | None:
    if pod is None:
        return "it is gone"
    if pod.gone:
        return f"it is {pod.phase}{f': {pod.last_words}' if pod.last_words else ''}"
    if node.status.process_id is not None and pod.uid != node.status.process_id:
        return "another pod has its name"
    if view.kube_node is not None and not view.kube_node.reachable:
        return f"the Kubernetes node {view.kube_node.name} is unreachable"
    return None


def _lose(node: MediaNode, view: NodeView, now: Moment, why: str) -> NodeDecision:
    text = f"Its pod {node.status.pod_name} does not serve any more: {why}."
    notes = () if node.status.phase == "Lost" else (Note("Lost", text, "Watch", warning=True),)
    return _settle(node, view, now, {"phase": "Lost", "load": None}, _not("PodLost", text[:1000]), notes)


def _follow(node: MediaNode, view: NodeView, pod: Pod, now: Moment) -> NodeDecision:
    """Its pod stands: how far is it, and what does it report?"""
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
            status.media_addresses
            if _is_older(node, view, pod) and status.media_addresses  # it goes on to tell what it was told
            else media_addresses(network, address, pod, ports) or status.media_addresses
        ),
        "drain_started_at": drain,
    }
    if view.report is not None:
        update["load"] = load_of(view.report)
    if view.reported_at is not None:
        update["last_report_time"] = view.reported_at
    notes = (*_phase_notes(node, phase, pod), *_sickness_notes(node, view))
    decision = _settle(node, view, now, update, _verdicts(node, view, pod, phase), notes)
    past = tuple(other for other in view.pods if other is not pod and not other.terminating)
    if left is not None and left <= 0 and UPDATE in node.metadata.annotations and _is_older(node, view, pod):
        past = (*past, pod) if not pod.terminating else past
    evictable = phase == "Pending" or (left is not None and (view.rooms == 0 or left <= 0))
    again = max(left, 0.1) if left is not None and left > 0 and view.rooms else None
    return NodeDecision(
        decision.status,
        delete=past,
        evictable=evictable,
        notes=decision.notes,
        urgent=decision.urgent,
        again=again,
    )


def _phase(node: MediaNode, view: NodeView, pod: Pod) -> NodePhase:
    served = node.status.phase in ("Ready", "Draining")
    if not pod.ready or not (served or view.report is not None):
        # One that serves and is being ended still drains: it keeps its rooms as long as it can.
        return "Draining" if pod.terminating and served else "Pending"
    unschedulable = view.kube_node is not None and view.kube_node.unschedulable
    return "Draining" if node.spec.cordoned or unschedulable or pod.terminating else "Ready"


def _verdicts(node: MediaNode, view: NodeView, pod: Pod, phase: NodePhase) -> tuple[Verdict, ...]:
    return (_readiness(node, view, pod, phase), *_reporting(view), *_explanation(node, view))


def _readiness(node: MediaNode, view: NodeView, pod: Pod, phase: NodePhase) -> Verdict:
    if phase == "Ready":
        return Verdict("Ready", "True", "Serving", "It takes rooms.")
    if phase == "Draining":
        if node.spec.cordoned:
            why = "it is cordoned"
        elif pod.terminating:
            why = "its pod is being ended"
        else:
            why = f"the Kubernetes node {pod.node_name} is cordoned"
        return Verdict("Ready", "False", "Draining", f"It takes no more rooms: {why}. It has {view.rooms}.")
    if not pod.ready:
        waiting = f": {pod.waiting}" if pod.waiting else ""
        return Verdict(
            "Ready", "False", "PodNotReady", f"Its pod {pod.key.name} is not ready{waiting}"[:1000]
        )
    return Verdict("Ready", "False", "AwaitingLoad", "Its pod serves, but has not reported its load yet.")


def _reporting(view: NodeView) -> tuple[Verdict, ...]:
    if view.report is not None:
        return (Verdict("Reporting", "True", "Reporting", "It reports its load."),)
    if not view.settled:
        return ()
    text = "It has not reported its load lately: it keeps its rooms and gets no new ones."
    return (Verdict("Reporting", "False", "Silent", text),)


def _explanation(node: MediaNode, view: NodeView) -> tuple[Verdict, ...]:
    """Said of a node that was ever found to be sick."""
    if view.report is None or (view.explained and find(node.status.conditions, LOAD_EXPLAINED) is None):
        return ()
    if view.explained:
        return (Verdict(LOAD_EXPLAINED, "True", "Explained", "Its load comes from what it serves."),)
    text = (
        "It reports far more load than what it serves can cost: something else takes its CPU or network, or "
        "a media worker has failed. It gets no new rooms while it is full."
    )
    return (Verdict(LOAD_EXPLAINED, "False", "LoadWithoutMedia", text),)


def _sickness_notes(node: MediaNode, view: NodeView) -> tuple[Note, ...]:
    known = find(node.status.conditions, LOAD_EXPLAINED)
    if view.report is None or view.explained or (known is not None and known.status == "False"):
        return ()
    text = f"It reports {view.report.utilization:.0%} of load with {view.report.consumers} consumers."
    return (Note("LoadWithoutMedia", text, "Watch", warning=True),)


def _phase_notes(node: MediaNode, phase: NodePhase, pod: Pod) -> tuple[Note, ...]:
    if phase == node.status.phase or phase == "Pending":
        return ()
    if phase == "Ready":
        return (Note("Ready", f"Its pod {pod.key.name} serves: it takes rooms.", "Watch"),)
    return (Note("Draining", "It takes no more rooms, and goes when it is empty.", "Drain"),)


def _not(reason: str, text: str) -> tuple[Verdict, ...]:
    return (Verdict("Ready", "False", reason, text),)


def _settle(
    node: MediaNode,
    view: NodeView,
    now: Moment,
    update: dict[str, object],
    verdicts: tuple[Verdict, ...],
    notes: tuple[Note, ...] = (),
) -> NodeDecision:
    generation = node.metadata.generation
    status = node.status.model_copy(
        update={
            **update,
            "observed_generation": generation,
            "conditions": with_verdicts(node.status.conditions, verdicts, generation, now.wall),
        }
    )
    figures = {"load": status.load, "last_report_time": status.last_report_time}
    urgent = node.status.model_copy(update=figures) != status
    if not urgent and not matters(node.status, status, view.nodes):
        return NodeDecision()
    return NodeDecision(status, notes=notes, urgent=urgent)
