"""The status of a MediaCluster: counts over its fleet, and what is true of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rotunda_contract.resources import Condition, MediaCluster, MediaClusterStatus, MediaNode
from rotunda_kube.resource import Manifest
from rotunda_operator.clock import Moment
from rotunda_operator.clusters.rollout import Rollout
from rotunda_operator.conditions import Verdict, find, with_verdicts
from rotunda_operator.event_recorder import Note
from rotunda_operator.specs import names

RENEWING = "Renewing"
"""Reason of a condition: it serves, by pods of which some are older than the spec."""
_TOLD = ("CannotBeMade", "PodsRefused")


@dataclass(frozen=True, slots=True)
class FleetView:
    """What the status speaks of. `rooms` and `participants`: with a node, and the people in them.

    `utilization` of each ready media node by its last report, 0 to 1. `waiting`: Rooms without a node.
    `problems`: what could not be made and why, each a sentence. `troubles`: why pods of a component are not
    ready, in sentences.
    """

    nodes: Sequence[MediaNode]
    rooms: int
    participants: int
    utilization: Sequence[float]
    waiting: int = 0
    problems: Sequence[str] = ()
    troubles: Mapping[str, str] = field(default_factory=dict)
    renewal: Rollout = field(default_factory=Rollout)


def cluster_status(
    cluster: MediaCluster, fleet: FleetView, deployments: Sequence[Manifest], now: Moment
) -> MediaClusterStatus:
    """The whole of it; equal to what it was when nothing has changed."""
    ready = sum(node.status.phase == "Ready" for node in fleet.nodes)
    parts = _parts(cluster, fleet, deployments, ready)
    generation = cluster.metadata.generation
    mean = sum(fleet.utilization) / len(fleet.utilization) if fleet.utilization else 0.0
    return MediaClusterStatus(
        media_nodes=len(fleet.nodes),
        ready_media_nodes=ready,
        updated_media_nodes=fleet.renewal.updated,
        rooms=fleet.rooms,
        participants=fleet.participants,
        utilization_percent=min(round(mean * 100), 1000),
        observed_generation=generation,
        conditions=with_verdicts(
            cluster.status.conditions,
            [_whole(parts, fleet), *parts, _progressing(fleet.renewal)],
            generation,
            now.wall,
        ),
    )


def warnings(before: Sequence[Condition], now: Sequence[Condition]) -> list[Note]:
    """What is told as an Event besides: that something cannot be made, once when it begins."""
    known = {condition.type: condition.reason for condition in before}
    return [
        Note(condition.reason, condition.message, "Create", warning=True)
        for condition in now
        if condition.reason in _TOLD
        and known.get(condition.type) != condition.reason
        and not (condition.type == "Ready" and condition.reason != "CannotBeMade")
    ]


def _refusal(node: MediaNode) -> str:
    """Why a media node cannot be made, in a sentence; empty where it can."""
    ready = find(node.status.conditions, "Ready")
    if ready is None or ready.reason not in ("PodRefused", "NoPorts"):
        return ""
    return f"{node.metadata.name}: {ready.message}"


def _parts(
    cluster: MediaCluster, fleet: FleetView, deployments: Sequence[Manifest], ready: int
) -> list[Verdict]:
    found = {manifest["metadata"]["name"]: manifest for manifest in deployments}
    turn = cluster.spec.turn
    return [
        _media_nodes(cluster, fleet, ready),
        _pods(
            "SignalingReady",
            "signaling",
            found.get(names.signaling(cluster)),
            cluster.spec.signaling.replicas,
            fleet.troubles.get(names.SIGNALING_COMPONENT, ""),
        ),
        _pods(
            "TurnReady",
            "TURN",
            found.get(names.turn(cluster)),
            turn.replicas,
            fleet.troubles.get(names.TURN_COMPONENT, ""),
        )
        if turn.enabled
        else Verdict("TurnReady", "True", "Disabled", "TURN is not wanted: turn.enabled is false."),
        _capacity(cluster, fleet),
    ]


def _whole(parts: Sequence[Verdict], fleet: FleetView) -> Verdict:
    if fleet.problems:
        return Verdict("Ready", "False", "CannotBeMade", " ".join(fleet.problems)[:1000])
    missing = [part for part in parts if part.type != "CapacityAvailable" and part.status != "True"]
    if missing:
        text = " ".join(part.message for part in missing)
        return Verdict("Ready", "False", missing[0].reason, text)
    if fleet.renewal.older or fleet.renewal.under_way or any(part.reason == RENEWING for part in parts):
        text = "It serves; some of its pods are still to be replaced by such as the spec asks for now."
        return Verdict("Ready", "True", RENEWING, text)
    return Verdict("Ready", "True", "Standing", "All that it asks for stands.")


def _progressing(renewal: Rollout) -> Verdict:
    """True while pods of media nodes are older than the spec, or their successors do not serve yet."""
    if not renewal.older and not renewal.under_way:
        text = "No media node has a pod of an older template."
        return Verdict("Progressing", "False", "Updated", text)
    total = renewal.updated + renewal.older
    text = f"{renewal.updated} of {total} pods of media nodes are as the spec asks for now. {renewal.waits}"
    return Verdict("Progressing", "True", RENEWING, text.strip())


def _media_nodes(cluster: MediaCluster, fleet: FleetView, ready: int) -> Verdict:
    refused = [text for node in fleet.nodes if (text := _refusal(node))]
    if refused:
        return Verdict("MediaNodesReady", "False", "PodsRefused", " ".join(refused)[:1000])
    least, standing = cluster.spec.media_nodes.min, len(fleet.nodes)
    if ready < least:
        text = f"{ready} of at least {least} media nodes are ready."
        return Verdict("MediaNodesReady", "False", "MediaNodesStarting", text)
    if standing == 0:
        text = "There are no media nodes, as no room needs one."
        return Verdict("MediaNodesReady", "True", "ScaledToZero", text)
    return Verdict("MediaNodesReady", "True", "Ready", f"{ready} of {standing} media nodes are ready.")


def _capacity(cluster: MediaCluster, fleet: FleetView) -> Verdict:
    most = cluster.spec.media_nodes.max
    if not fleet.waiting:
        return Verdict("CapacityAvailable", "True", "NoRoomWaits", "No room waits for a media node.")
    rooms = "1 room waits" if fleet.waiting == 1 else f"{fleet.waiting} rooms wait"
    if len(fleet.nodes) >= most:
        text = f"{rooms} for a media node, and mediaNodes.max allows no more than {most}."
        return Verdict("CapacityAvailable", "False", "AtMaximum", text)
    return Verdict("CapacityAvailable", "False", "RoomsWait", f"{rooms} for a media node.")


def _pods(type: str, what: str, deployment: Manifest | None, wanted: int, trouble: str) -> Verdict:
    """`trouble`: why some are not ready, in sentences."""
    if deployment is None:
        return Verdict(type, "False", "Missing", f"The Deployment of {what} is not made yet.")
    status = deployment.get("status", {})
    failed = [
        c for c in status.get("conditions", ()) if c["type"] == "ReplicaFailure" and c["status"] == "True"
    ]
    if failed:
        text = f"The API server refuses {what} pods: {failed[0].get('message', '')}"
        return Verdict(type, "False", "PodsRefused", text[:1000])
    ready = status.get("readyReplicas", 0)
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return Verdict(type, "False", "PodsStarting", f"The Deployment of {what} is being rolled out.")
    text = f"{ready} of {wanted} {what} pods are ready."
    if ready < wanted:
        return Verdict(type, "False", "PodsStarting", f"{text} {trouble}".strip()[:1000])
    updated = status.get("updatedReplicas", 0)
    if updated < wanted or status.get("replicas", 0) > updated:
        text = f"{text} {updated} are as the spec asks for now. {trouble}"
        return Verdict(type, "True", RENEWING, text.strip()[:1000])
    return Verdict(type, "True", "Ready", text)
