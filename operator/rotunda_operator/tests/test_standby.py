"""What keeps the operator from acting is reported and waited for."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes.aio.client.configuration import Configuration

from rotunda_kube import KubeApi
from rotunda_kube.api import connect
from rotunda_operator.controller import Controller
from rotunda_operator.lease import NotHolder
from rotunda_operator.permissions import missing_permissions
from rotunda_operator.settings import OperatorSettings
from rotunda_operator.testing import ControlPlane, Stage
from rotunda_operator.testing.control_plane import REPOSITORY
from rotunda_operator.testing.ports import free_port

PATIENCE_SECONDS = 240.0
POD = {"containers": [{"name": "operator", "image": "operator"}]}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Its own, as definitions go."""
    with ControlPlane(tmp_path_factory.mktemp("own-plane")) as plane:
        yield plane


def until(holds: Callable[[], Any], stage: Stage) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert stage.operator.runs, stage.log()
        assert time.monotonic() < deadline, stage.log()
        time.sleep(0.1)


def asked(port: int, path: str, host: str = "127.0.0.1") -> httpx.Response | None:
    try:
        return httpx.get(f"http://{host}:{port}{path}", timeout=10)
    except httpx.TransportError:
        return None


def says(port: int, words: str) -> bool:
    """Whether these are among what keeps it from being ready."""
    found = asked(port, "/readyz")
    return found is not None and words in found.text


def lease(stage: Stage) -> str:
    """Who holds it."""
    found = stage.get("lease", "rotunda-operator")
    return str(found.get("spec", {}).get("holderIdentity", ""))


async def test_the_rules_are_all_that_it_needs_and_are_asked_one_by_one(plane: ControlPlane) -> None:
    plane.kubectl("create", "namespace", "asked")
    api = await connect(plane.operator_kubeconfig("asked"))
    try:
        assert await missing_permissions(api, "asked") == []
        plane.kubectl("delete", "rolebinding", "rotunda-operator", "-n", "asked")
        lacking = {str(permission) for permission in await missing_permissions(api, "asked")}
        assert {
            "patch rooms/status.rotunda.dev in namespace asked",
            "get secrets in namespace asked",
        } < lacking
        assert "list nodes in the whole cluster" not in lacking
    finally:
        await api.close()


def test_without_a_permission_it_does_not_take_the_lease_and_says_which(
    plane: ControlPlane, tmp_path: Path
) -> None:
    port = free_port()
    stage = Stage(plane, tmp_path, "poor", health_port=str(port))
    bound = "rotunda-operator-nodes-poor"
    binding = plane.kubectl("get", "clusterrolebinding", bound, "-o", "json")
    plane.kubectl("delete", "clusterrolebinding", bound)
    stage.operator.start()
    try:
        until(lambda: "list nodes in the whole cluster" in stage.operator.log.read_text(), stage)
        for host in ("127.0.0.1", "[::1]"):
            alive, ready = (asked(port, path, host) for path in ("/healthz", "/readyz"))
            assert alive is not None
            assert alive.status_code == 200
            assert ready is not None
            assert ready.status_code == 503
            assert any(
                "It may not list nodes in the whole cluster." in each for each in ready.json()["lacks"]
            )
        assert lease(stage) == ""

        clean = json.loads(binding)
        clean["metadata"] = {"name": bound}
        plane.kubectl("create", "-f", "-", stdin=json.dumps(clean))
        until(lambda: lease(stage), stage)
        until(lambda: (found := asked(port, "/readyz")) is not None and found.status_code == 200, stage)
    finally:
        stage.operator.kill()


def test_definitions_that_go_are_waited_for(plane: ControlPlane, tmp_path: Path) -> None:
    port = free_port()
    with Stage(plane, tmp_path, "undefined", health_port=str(port)) as stage:
        stage.apply("MediaCluster", "default", {"mediaNodes": {"min": 0}})
        stage.until("mc", "default", lambda found: found["status"]["conditions"])
        plane.kubectl("delete", "crd", "mediaclusters.rotunda.dev", "rooms.rotunda.dev")
        for kind in ("MediaCluster", "Room"):
            words = f"{kind} cannot be followed: "
            until(partial(says, port, words), stage)
        alive = asked(port, "/healthz")
        assert alive is not None
        assert alive.status_code == 200
        plane.kubectl("apply", "-f", str(REPOSITORY / "crds"))
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all")
        stage.apply("MediaCluster", "default", {"mediaNodes": {"min": 0}})
        stage.apply("Room", "again", {})
        stage.until("mc", "default", lambda found: found["status"]["conditions"])
        stage.until("room", "again", lambda found: found["status"]["phase"])
        until(lambda: (found := asked(port, "/readyz")) is not None and found.status_code == 200, stage)


def test_the_new_leader_takes_the_label_off_the_one_that_crashed(plane: ControlPlane, tmp_path: Path) -> None:
    stage = Stage(plane, tmp_path, "labelled", pod_name="new")
    for name, labels in (("old", {"rotunda.dev/leader": "true"}), ("new", {})):
        metadata = {"name": name, "labels": {"app.kubernetes.io/component": "operator", **labels}}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": POD}
        plane.kubectl("-n", "labelled", "apply", "-f", "-", stdin=json.dumps(pod))

    def leaders() -> list[str]:
        found = stage.items("pods", "-l", "rotunda.dev/leader=true")
        return [pod["metadata"]["name"] for pod in found]

    with stage:
        until(lambda: leaders() == ["new"], stage)


async def test_who_has_lost_the_lease_leaves_the_label_to_the_next() -> None:
    settings = OperatorSettings(namespace="labelled", identity="old", pod_name="old")
    controller = Controller(KubeApi(Configuration(), manager="tests"), settings)
    with pytest.raises(NotHolder):
        await controller._label_only_this_pod()
