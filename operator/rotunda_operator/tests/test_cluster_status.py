"""The status of a MediaCluster."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rotunda_contract.resources import MediaClusterStatus
from rotunda_kube import Manifest
from rotunda_operator.clock import Instant
from rotunda_operator.clusters.objects import not_ready_reasons
from rotunda_operator.clusters.status import FleetView, cluster_status
from rotunda_operator.conditions import find_condition
from rotunda_operator.specs import names
from rotunda_operator.specs.metadata import COMPONENT
from rotunda_operator.tests import samples

NOW = Instant(0.0, datetime(2026, 11, 21, 8, 0, tzinfo=UTC))
TAKEN = "rotunda-coturn: port 3478 is in use by another program of this machine"
READY = samples.media_node("default-media-0", status={"phase": "Ready"})
FLEET = FleetView(nodes=[READY], rooms=2, participants=7, utilization=[0.25])


def deployment(name: str, ready: int) -> Manifest:
    return {
        "metadata": {"name": name, "generation": 1},
        "status": {
            "observedGeneration": 1,
            "replicas": ready,
            "readyReplicas": ready,
            "updatedReplicas": ready,
        },
    }


def pod(
    name: str, component: str, *, ready: bool = False, terminating: bool = False, **container: Any
) -> Manifest:
    """With one container, whose status is `container`."""
    metadata: Manifest = {"name": name, "labels": {COMPONENT: component}}
    if terminating:
        metadata["deletionTimestamp"] = "2026-11-21T08:00:00Z"
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"metadata": metadata, "status": {"conditions": conditions, "containerStatuses": [container]}}


def all_ready() -> list[Manifest]:
    return [deployment("default-signaling", 2), deployment("default-turn", 1)]


def condition_of(status: MediaClusterStatus, type: str) -> tuple[str, str, str]:
    condition = find_condition(status.conditions, type)
    assert condition is not None
    return condition.status, condition.reason, condition.message


def test_a_cluster_is_ready_when_all_its_parts_are() -> None:
    status = cluster_status(samples.cluster(), FLEET, all_ready(), NOW)
    assert condition_of(status, "Ready") == ("True", "Standing", "All that it asks for stands.")
    assert (status.media_nodes, status.ready_media_nodes) == (1, 1)
    assert (status.rooms, status.participants, status.utilization_percent) == (2, 7, 25)
    assert status.observed_generation == 3


def test_the_same_again_is_equal_so_that_nothing_is_written() -> None:
    cluster = samples.cluster()
    first = cluster_status(cluster, FLEET, all_ready(), NOW)
    later = cluster_status(cluster.model_copy(update={"status": first}), FLEET, all_ready(), NOW.after(60))
    assert later == first


def test_what_is_missing_is_named() -> None:
    fleet = FleetView(nodes=[], rooms=0, participants=0, utilization=[])
    status = cluster_status(samples.cluster(), fleet, [deployment("default-signaling", 1)], NOW)
    assert condition_of(status, "Ready") == (
        "False",
        "MediaNodesStarting",
        "0 of at least 1 media nodes are ready. 1 of 2 signaling pods are ready. "
        "The Deployment of TURN is not made yet.",
    )


def test_what_could_not_be_made_comes_first() -> None:
    fleet = FleetView([READY], 0, 0, [], problems=["Service default-signaling is somebody else's."])
    status = cluster_status(samples.cluster(), fleet, all_ready(), NOW)
    assert condition_of(status, "Ready") == (
        "False",
        "CannotBeMade",
        "Service default-signaling is somebody else's.",
    )


def test_rooms_that_wait_at_the_maximum_say_which_setting_holds_them() -> None:
    fleet = FleetView([READY], 0, 0, [], waiting=3)
    cluster = samples.cluster(mediaNodes={"min": 1, "max": 1})
    status = cluster_status(cluster, fleet, all_ready(), NOW)
    text = "3 rooms wait for a media node, and mediaNodes.max allows no more than 1."
    assert condition_of(status, "CapacityAvailable") == ("False", "AtMaximum", text)
    assert condition_of(status, "Ready")[0] == "True"


def test_scaled_to_zero_is_ready() -> None:
    fleet = FleetView([], 0, 0, [])
    cluster = samples.cluster(mediaNodes={"min": 0}, turn={"enabled": False})
    status = cluster_status(cluster, fleet, all_ready(), NOW)
    assert condition_of(status, "Ready")[0] == "True"
    assert condition_of(status, "MediaNodesReady")[1] == "ScaledToZero"
    assert condition_of(status, "TurnReady")[1] == "Disabled"


def test_a_rollout_that_has_not_begun_is_not_taken_for_done() -> None:
    stale: dict[str, Any] = deployment("default-signaling", 2)
    stale["metadata"]["generation"] = 2
    status = cluster_status(samples.cluster(), FLEET, [stale, deployment("default-turn", 1)], NOW)
    assert condition_of(status, "SignalingReady")[:2] == ("False", "PodsStarting")


def test_pods_of_before_that_still_serve_are_not_taken_for_what_is_asked_for() -> None:
    stuck: dict[str, Any] = deployment("default-signaling", 2)
    stuck["status"] |= {"replicas": 3, "updatedReplicas": 1}
    words = "default-signaling-b: ImagePullBackOff."
    fleet = replace(FLEET, not_ready={names.SIGNALING_COMPONENT: words})
    status = cluster_status(samples.cluster(), fleet, [stuck, deployment("default-turn", 1)], NOW)
    text = f"2 of 2 signaling pods are ready. 1 are as the spec asks for now. {words}"
    assert condition_of(status, "SignalingReady") == ("True", "Renewing", text)
    assert condition_of(status, "Ready")[:2] == ("True", "Renewing")


def test_the_status_has_the_reasons_of_pods_that_are_not_ready() -> None:
    running: Manifest = {"state": {"running": {}}}
    pods = [
        pod("turn-a", "turn", lastState={"terminated": {"exitCode": 64, "message": "starts\n" + TAKEN}}),
        pod("turn-b", "turn", **running, ready=True, lastState={"terminated": {"message": "long ago"}}),
        pod("turn-c", "turn", **running, terminating=True, lastState={"terminated": {"message": "goes"}}),
        pod(
            "signaling-a",
            "signaling",
            state={"waiting": {"reason": "ErrImagePull", "message": "no such tag"}},
        ),
        pod("signaling-b", "signaling", **running),
    ]
    found = not_ready_reasons(pods)
    assert found == {
        "turn": f"turn-a: {TAKEN}.",
        "signaling": "signaling-a: ErrImagePull: no such tag.",
    }
    status = cluster_status(
        samples.cluster(), replace(FLEET, not_ready=found), [deployment("default-turn", 0)], NOW
    )
    assert condition_of(status, "TurnReady") == (
        "False",
        "PodsStarting",
        f"0 of 1 TURN pods are ready. turn-a: {TAKEN}.",
    )
    assert TAKEN in condition_of(status, "Ready")[2]
