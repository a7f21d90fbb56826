"""What was made goes when its owner goes: a control plane with its controllers, and real media nodes."""

from pathlib import Path

import pytest

from rotunda_operator.testing import ControlPlane, Stage
from rotunda_operator.testing.ports import free_network
from rotunda_operator.testing.process_kubelet import ProcessKubelet
from rotunda_operator.testing.stage import Object

KINDS = (
    "pods,deployments,replicasets,services,poddisruptionbudgets,serviceaccounts,roles,rolebindings,secrets"
)

pytestmark = pytest.mark.timeout(900)


def test_nothing_remains_of_a_deleted_cluster(full_plane: ControlPlane, tmp_path: Path) -> None:
    with Stage(full_plane, tmp_path, "gone") as stage:
        kubelet = _populate(stage)

        stage.kubectl("delete", "room,mc", "--all", "--wait=false")

        # The Secret of the authority and the lease belong to the operator's installation.
        stage.until_items(f"rooms,mediaclusters,medianodes,{KINDS}", lambda found: not _of_cluster(found))
        assert kubelet.running == set()


def test_a_namespace_is_deleted_while_the_operator_is_stopped(
    full_plane: ControlPlane, tmp_path: Path
) -> None:
    with Stage(full_plane, tmp_path, "unattended") as stage:
        kubelet = _populate(stage)
        stage.operator.stop()

        full_plane.kubectl("delete", "namespace", "unattended", "--timeout=300s")

        assert full_plane.kubectl("get", "namespace", "unattended", "--ignore-not-found") == ""
        assert kubelet.running == set()


def _populate(stage: Stage) -> ProcessKubelet:
    kubelet = stage.process_kubelet()
    # The namespace controller tries again only after half of the longest grace period.
    media_nodes = {"network": free_network(10), "drainDeadlineSeconds": 0}
    stage.apply("MediaCluster", "default", {"mediaNodes": media_nodes})
    stage.apply("Room", "standup")
    assert stage.placed("standup") == "default-media-0"
    stage.until("deployment", "default-signaling", bool)
    stage.until("deployment", "default-turn", bool)
    assert kubelet.running
    return kubelet


def _of_cluster(found: list[Object]) -> list[str]:
    custom = ("Room", "MediaCluster", "MediaNode")
    return [
        f"{item['kind']} {item['metadata']['name']}"
        for item in found
        if item["kind"] in custom or "rotunda.dev/cluster" in item["metadata"].get("labels", {})
    ]
