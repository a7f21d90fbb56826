"""What was made goes when its owner goes: a control plane with its controllers, garbage collection too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rotunda_operator.testing import ControlPlane, Stage
from rotunda_operator.testing.stage import Object

REPOSITORY = Path(__file__).resolve().parents[3]
KINDS = (
    "pods,deployments,replicasets,services,poddisruptionbudgets,serviceaccounts,roles,rolebindings,secrets"
)

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def full_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("full-plane"), full=True) as plane:
        plane.kubectl("apply", "-f", str(REPOSITORY / "crds"))
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all")
        yield plane


def test_nothing_remains_of_a_deleted_cluster(full_plane: ControlPlane, tmp_path: Path) -> None:
    with Stage(full_plane, tmp_path, "gone") as stage:
        _populate(stage)

        stage.kubectl("delete", "room,mc", "--all", "--wait=false")

        # The Secret of the authority and the lease belong to the operator's installation.
        stage.until_items(f"rooms,mediaclusters,medianodes,{KINDS}", lambda found: not _of_cluster(found), 90)


def test_a_namespace_goes_while_the_operator_is_stopped(full_plane: ControlPlane, tmp_path: Path) -> None:
    with Stage(full_plane, tmp_path, "unattended") as stage:
        _populate(stage)
        stage.operator.stop()

        full_plane.kubectl("delete", "namespace", "unattended", "--timeout=90s")

        assert full_plane.kubectl("get", "namespace", "unattended", "--ignore-not-found") == ""


def _populate(stage: Stage) -> None:
    stage.kubelet()
    stage.apply("MediaCluster", "default", {"signaling": {"replicas": 1}})
    stage.until("mn", "default-media-0", bool)
    stage.reporter.tell("default-media-0")
    stage.apply("Room", "standup")
    assert stage.placed("standup") == "default-media-0"
    stage.until("deployment", "default-signaling", bool)


def _of_cluster(found: list[Object]) -> list[str]:
    custom = ("Room", "MediaCluster", "MediaNode")
    return [
        f"{item['kind']} {item['metadata']['name']}"
        for item in found
        if item["kind"] in custom or "rotunda.dev/cluster" in item["metadata"].get("labels", {})
    ]
