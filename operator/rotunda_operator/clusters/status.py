"""The status of a MediaCluster: counts over its fleet, and conditions. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rotunda_contract.resources import Condition, MediaCluster, MediaClusterStatus, MediaNode
from rotunda_kube.resource import Manifest
from rotunda_operator.clock import Instant
from rotunda_operator.clusters.rollout import Rollout
from rotunda_operator.conditions import NewCondition, find_condition, set_conditions
from rotunda_operator.event_recorder import Event
from rotunda_operator.specs import names

RENEWING = "Renewing"
"""Reason of a condition: it serves, but some of its pods are older than the spec."""
_EVENT_REASONS = ("CannotBeMade", "PodsRefused")


@dataclass(frozen=True, slots=True)
class FleetView:
    """What the status is made from.

    `rooms`: how many have a node. `participants`: the people in them. `utilization`: of each ready media node
    by its last report, 0 to 1. `waiting`: how many Rooms wait for a node. `problems`, `not_ready`: see
    ObjectsStatus.
    """

    nodes: Sequence[MediaNode]
    rooms: int
    participants: int
    utilization: Sequence[float]
    waiting: int = 0
    problems: Sequence[str] = ()
    not_ready: Mapping[str, str] = field(default_factory=dict)
    rollout: Rollout = field(default_factory=Rollout)


def cluster_status(
    cluster: MediaCluster, fleet: FleetView, deployments: Sequence[Manifest], now: Instant
) -> MediaClusterStatus:
    """The whole status. It is equal to the one before if nothing has changed."""
    ready = sum(node.status.phase == "Ready" for node in fleet.nodes)
    parts = _parts(cluster, fleet, deployments, ready)
    generation = cluster.metadata.generation
    mean = sum(fleet.utilization) / len(fleet.utilization) if fleet.utilization else 0.0
    return MediaClusterStatus(
        media_nodes=len(fleet.nodes),
        ready_media_nodes=ready,
        updated_media_nodes=fleet.rollout.updated,
        rooms=fleet.rooms,
        participants=fleet.participants,
        utilization_percent=min(round(mean * 100), 1000),
        observed_generation=generation,
        conditions=set_conditions(
            cluster.status.conditions,
            [_ready(parts, fleet), *parts, _progressing(fleet.rollout)],
            generation,
            now.wall,
        ),
    )


def warnings(before: Sequence[Condition], now: Sequence[Condition]) -> list[Event]:
    """Events about conditions of which something cannot be created; one when this begins, no more while it
    lasts."""
    known = {condition.type: condition.reason for condition in before}
    return [
        Event(condition.reason, condition.message, "Create", warning=True)
        for condition in now
        if condition.reason in _EVENT_REASONS
        and known.get(condition.type) != condition.reason
        and not (condition.type == "Ready" and condition.reason != "CannotBeMade")
    ]


def _refusal(node: MediaNode) -> str:
    """Why the pod of a media node cannot be created, in a sentence; empty where it can."""
    ready = find_condition(node.status.conditions, "Ready")
    if ready is None or ready.reason not in ("PodRefused", "NoPorts"):
        return ""
    return f"{node.metadata.name}: {ready.message}"


def _parts(
    cluster: MediaCluster, fleet: FleetView, deployments: Sequence[Manifest], ready: int
) -> list[NewCondition]:
    found = {manifest["metadata"]["name"]: manifest for manifest in deployments}
    turn = cluster.spec.turn
    return [
        _media_nodes(cluster, fleet, ready),
        _pods(
            "SignalingReady",
            "signaling",
            found.get(names.signaling(cluster)),
            cluster.spec.signaling.replicas,
            fleet.not_ready.get(names.SIGNALING_COMPONENT, ""),
        ),
        _pods(
            "TurnReady",
            "TURN",
            found.get(names.turn(cluster)),
            turn.replicas,
            fleet.not_ready.get(names.TURN_COMPONENT, ""),
        )
        if turn.enabled
        else NewCondition("TurnReady", "True", "Disabled", "TURN is not wanted: turn.enabled is false."),
        _capacity(cluster, fleet),
    ]


def _ready(parts: Sequence[NewCondition], fleet: FleetView) -> NewCondition:
    if fleet.problems:
        return NewCondition("Ready", "False", "CannotBeMade", " ".join(fleet.problems)[:1000])
    missing = [part for part in parts if part.type != "CapacityAvailable" and part.status != "True"]
    if missing:
        text = " ".join(part.message for part in missing)
        return NewCondition("Ready", "False", missing[0].reason, text)
    if fleet.rollout.older or fleet.rollout.in_progress or any(part.reason == RENEWING for part in parts):
        text = "It serves; some of its pods are still to be replaced by such as the spec asks for now."
        return NewCondition("Ready", "True", RENEWING, text)
    return NewCondition("Ready", "True", "Standing", "All that it asks for stands.")


def _progressing(rollout: Rollout) -> NewCondition:
    """True while pods of media nodes are older than the spec, or the pods that replace them do not serve
    yet."""
    if not rollout.older and not rollout.in_progress:
        text = "No media node has a pod of an older template."
        return NewCondition("Progressing", "False", "Updated", text)
    total = rollout.updated + rollout.older
    text = (
        f"{rollout.updated} of {total} pods of media nodes are as the spec asks for now. {rollout.waits_for}"
    )
    return NewCondition("Progressing", "True", RENEWING, text.strip())


def _media_nodes(cluster: MediaCluster, fleet: FleetView, ready: int) -> NewCondition:
    refused = [text for node in fleet.nodes if (text := _refusal(node))]
    if refused:
        return NewCondition("MediaNodesReady", "False", "PodsRefused", " ".join(refused)[:1000])
    minimum, existing = cluster.spec.media_nodes.min, len(fleet.nodes)
    if ready < minimum:
        text = f"{ready} of at least {minimum} media nodes are ready."
        return NewCondition("MediaNodesReady", "False", "MediaNodesStarting", text)
    if existing == 0:
        text = "There are no media nodes, as no room needs one."
        return NewCondition("MediaNodesReady", "True", "ScaledToZero", text)
    return NewCondition("MediaNodesReady", "True", "Ready", f"{ready} of {existing} media nodes are ready.")


def _capacity(cluster: MediaCluster, fleet: FleetView) -> NewCondition:
    maximum = cluster.spec.media_nodes.max
    if not fleet.waiting:
        return NewCondition("CapacityAvailable", "True", "NoRoomWaits", "No room waits for a media node.")
    rooms = "1 room waits" if fleet.waiting == 1 else f"{fleet.waiting} rooms wait"
    if len(fleet.nodes) >= maximum:
        text = f"{rooms} for a media node, and mediaNodes.max allows no more than {maximum}."
        return NewCondition("CapacityAvailable", "False", "AtMaximum", text)
    return NewCondition("CapacityAvailable", "False", "RoomsWait", f"{rooms} for a media node.")


def _pods(type: str, what: str, deployment: Manifest | None, wanted: int, not_ready: str) -> NewCondition:
    """`not_ready`: why some pods are not ready, in sentences."""
    if deployment is None:
        return NewCondition(type, "False", "Missing", f"The Deployment of {what} is not made yet.")
    status = deployment.get("status", {})
    failed = [
        c for c in status.get("conditions", ()) if c["type"] == "ReplicaFailure" and c["status"] == "True"
    ]
    if failed:
        text = f"The API server refuses {what} pods: {failed[0].get('message', '')}"
        return NewCondition(type, "False", "PodsRefused", text[:1000])
    ready = status.get("readyReplicas", 0)
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return NewCondition(type, "False", "PodsStarting", f"The Deployment of {what} is being rolled out.")
    text = f"{ready} of {wanted} {what} pods are ready."
    if ready < wanted:
        return NewCondition(type, "False", "PodsStarting", f"{text} {not_ready}".strip()[:1000])
    updated = status.get("updatedReplicas", 0)
    if updated < wanted or status.get("replicas", 0) > updated:
        text = f"{text} {updated} are as the spec asks for now. {not_ready}"
        return NewCondition(type, "True", RENEWING, text.strip()[:1000])
    return NewCondition(type, "True", "Ready", text)
