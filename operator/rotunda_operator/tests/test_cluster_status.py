"""What a MediaCluster says of itself."""

from datetime import UTC, datetime
from typing import Any

from rotunda_contract.resources import MediaClusterStatus
from rotunda_kube import Manifest
from rotunda_operator.clusters.status import FleetView, cluster_status
from rotunda_operator.conditions import find
from rotunda_operator.moment import Moment
from rotunda_operator.tests import samples

NOW = Moment(0.0, datetime(2026, 11, 21, 8, 0, tzinfo=UTC))
READY = samples.media_node("default-media-0", status={"phase": "Ready"})
FLEET = FleetView(nodes=[READY], rooms=2, participants=7, utilization=[0.25])


def deployment(name: str, ready: int) -> Manifest:
    return {
        "metadata": {"name": name, "generation": 1},
        "status": {"observedGeneration": 1, "readyReplicas": ready},
    }


def all_ready() -> list[Manifest]:
    return [deployment("default-signaling", 2), deployment("default-turn", 1)]


def said(status: MediaClusterStatus, type: str) -> tuple[str, str, str]:
    condition = find(status.conditions, type)
    assert condition is not None
    return condition.status, condition.reason, condition.message


def test_everything_stands() -> None:
    status = cluster_status(samples.cluster(), FLEET, all_ready(), NOW)
    assert said(status, "Ready") == ("True", "Standing", "All that it asks for stands.")
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
    assert said(status, "Ready") == (
        "False",
        "MediaNodesStarting",
        "0 of at least 1 media nodes are ready. 1 of 2 signaling pods are ready. "
        "The Deployment of TURN is not made yet.",
    )


def test_what_could_not_be_made_comes_first() -> None:
    fleet = FleetView([READY], 0, 0, [], problems=["Service default-signaling is somebody else's."])
    status = cluster_status(samples.cluster(), fleet, all_ready(), NOW)
    assert said(status, "Ready") == ("False", "CannotBeMade", "Service default-signaling is somebody else's.")


def test_rooms_that_wait_at_the_maximum_say_which_setting_holds_them() -> None:
    fleet = FleetView([READY], 0, 0, [], waiting=3)
    cluster = samples.cluster(mediaNodes={"min": 1, "max": 1})
    status = cluster_status(cluster, fleet, all_ready(), NOW)
    text = "3 rooms wait for a media node, and mediaNodes.max allows no more than 1."
    assert said(status, "CapacityAvailable") == ("False", "AtMaximum", text)
    assert said(status, "Ready")[0] == "True"


def test_scaled_to_zero_is_ready() -> None:
    fleet = FleetView([], 0, 0, [])
    cluster = samples.cluster(mediaNodes={"min": 0}, turn={"enabled": False})
    status = cluster_status(cluster, fleet, all_ready(), NOW)
    assert said(status, "Ready")[0] == "True"
    assert said(status, "MediaNodesReady")[1] == "ScaledToZero"
    assert said(status, "TurnReady")[1] == "Disabled"


def test_a_rollout_that_has_not_begun_is_not_taken_for_done() -> None:
    stale: dict[str, Any] = deployment("default-signaling", 2)
    stale["metadata"]["generation"] = 2
    status = cluster_status(samples.cluster(), FLEET, [stale, deployment("default-turn", 1)], NOW)
    assert said(status, "SignalingReady")[:2] == ("False", "PodsStarting")
