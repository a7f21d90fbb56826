"""What is made is taken by a real API server as it is, and drift is mended there."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from rotunda_kube import KubeApi, Manifest, Resource
from rotunda_kube.api import connect
from rotunda_kube.resource import DEPLOYMENTS, SECRETS, SERVICES
from rotunda_operator.certificates import new_authority
from rotunda_operator.clusters.desired import desired_objects
from rotunda_operator.clusters.secrets import keep_or_create
from rotunda_operator.event_handlers import OWNED
from rotunda_operator.owned.compare import FORMER_MANAGER, MANAGER, Name
from rotunda_operator.owned.write import OwnedByOther, apply_object
from rotunda_operator.specs.media_node import media_node
from rotunda_operator.specs.sfu_disruption_budget import sfu_disruption_budget
from rotunda_operator.specs.sfu_pod import sfu_pod
from rotunda_operator.testing import ControlPlane, Stage
from rotunda_operator.testing.stage import Object
from rotunda_operator.tests import samples

pytestmark = pytest.mark.timeout(900)
NOW = datetime.now(UTC)
RESOURCES: dict[str, Resource] = {resource.kind: resource for resource in (*OWNED, SECRETS)}
_NUMBERS = itertools.count()

Keeper = Callable[[], Awaitable[int]]


def wanted(namespace: str, **spec: Any) -> list[Manifest]:
    cluster = samples.cluster(**spec)
    metadata = cluster.metadata.model_copy(update={"namespace": namespace})
    cluster = cluster.model_copy(update={"metadata": metadata})
    secrets = keep_or_create(cluster, {}, new_authority(NOW), NOW)
    peers, urls = ["10.0.0.1"], ["turn:10.0.0.1:3478"]
    return desired_objects(cluster, samples.INSTALLATION, secrets, peers=peers, urls=urls)


class Counting:
    """An operator's client in a namespace of its own that counts what it writes."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        self.writes = 0
        self.context = samples.context(api.guarded(self._count))

    def _count(self) -> None:
        self.writes += 1

    async def bring(self, objects: list[Manifest]) -> int:
        """How many writes it took."""
        before = self.writes
        for manifest in objects:
            await apply_object(self.context, RESOURCES[manifest["kind"]], manifest, None)
        return self.writes - before

    async def get(self, manifest: Manifest) -> Manifest:
        resource = RESOURCES[manifest["kind"]]
        return await self.api.get(resource, self.namespace, manifest["metadata"]["name"])


@pytest.fixture
async def hands(control_plane: ControlPlane) -> AsyncIterator[Counting]:
    namespace = f"owned-{next(_NUMBERS)}"
    await asyncio.to_thread(control_plane.kubectl, "create", "namespace", namespace)
    api = await connect(control_plane.kubeconfig, manager=MANAGER)
    yield Counting(api, namespace)
    await api.close()


async def test_everything_is_made_by_one_write_each_and_then_nothing_is_written(hands: Counting) -> None:
    for spec in ({}, {"signaling": {"service": {"type": "NodePort"}}, "turn": {"tlsSecretRef": "tls"}}):
        objects = wanted(hands.namespace, **spec)
        assert await hands.bring(objects) <= len(objects)
        assert await hands.bring(objects) == 0
    entries = [entry for each in objects for entry in (await hands.get(each))["metadata"]["managedFields"]]
    assert {(entry["manager"], entry["operation"]) for entry in entries} == {(MANAGER, "Apply")}


async def test_what_the_former_operator_made_is_taken_over(
    control_plane: ControlPlane, hands: Counting
) -> None:
    objects = wanted(hands.namespace)
    api = await connect(control_plane.kubeconfig, manager=FORMER_MANAGER)
    for manifest in objects:
        former = deepcopy(manifest)
        former["metadata"]["labels"]["from-the-past"] = "true"
        if former["kind"] == "Deployment":
            container = former["spec"]["template"]["spec"]["containers"][0]
            container["env"] = [*container.get("env", []), {"name": "FROM_THE_PAST", "value": "1"}]
        await api.create(RESOURCES[former["kind"]], former)
    await api.close()

    assert await hands.bring(objects) == 2 * len(objects)

    for manifest in objects:
        text = json.dumps({**await hands.get(manifest), "status": {}})
        assert "from-the-past" not in text
        assert "FROM_THE_PAST" not in text
    assert await hands.bring(objects) == 0


@pytest.mark.parametrize("record", ["kept", "cleared"])
async def test_fields_that_others_set_in_owned_paths_are_removed_and_others_stay(
    control_plane: ControlPlane, hands: Counting, record: str
) -> None:
    objects = wanted(hands.namespace)
    await hands.bring(objects)
    service = next(each for each in objects if Name.of(each) == ("Service", "default-signaling"))
    deployment = next(each for each in objects if Name.of(each) == ("Deployment", "default-signaling"))
    cleared: Manifest = {"managedFields": [{}]} if record == "cleared" else {}
    api = await connect(control_plane.kubeconfig, manager="somebody")
    theirs = {"labels": {"theirs": "1"}, "annotations": {"theirs": "1"}}
    drift = {"selector": {"track": "beta"}, "sessionAffinity": "ClientIP"}
    patch = {"metadata": {**theirs, **cleared}, "spec": drift}
    await api.patch(SERVICES, hands.namespace, "default-signaling", patch)
    container = deepcopy(deployment["spec"]["template"]["spec"]["containers"][0])
    container["env"].append({"name": "THEIRS", "value": "1"})
    template = {
        "metadata": {"labels": {"theirs": "1"}, "annotations": {"restarted": "now"}},
        "spec": {"containers": [container], "nodeSelector": {"disk": "ssd"}},
    }
    patch = {"metadata": cleared, "spec": {"replicas": 9, "template": template}}
    await api.patch(DEPLOYMENTS, hands.namespace, "default-signaling", patch)
    await api.close()

    await hands.bring(objects)

    found = await hands.get(service)
    assert found["spec"]["selector"] == service["spec"]["selector"]
    assert found["spec"]["sessionAffinity"] == "ClientIP"
    assert found["metadata"]["labels"]["theirs"] == found["metadata"]["annotations"]["theirs"] == "1"
    spec = (await hands.get(deployment))["spec"]
    assert spec["replicas"] == deployment["spec"]["replicas"]
    assert spec["template"]["metadata"]["labels"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert spec["template"]["metadata"]["annotations"] == {"restarted": "now"}
    assert "THEIRS" not in json.dumps(spec)
    await hands.bring(objects)
    assert "nodeSelector" not in (await hands.get(deployment))["spec"]["template"]["spec"]
    assert await hands.bring(objects) == 0


async def test_what_belongs_to_somebody_else_is_left_alone(hands: Counting) -> None:
    service = next(each for each in wanted(hands.namespace) if each["kind"] == "Service")
    foreign = deepcopy(service)
    foreign["metadata"]["ownerReferences"] = []
    await hands.api.create(SERVICES, foreign)
    with pytest.raises(OwnedByOther, match="Service default-signaling is there already"):
        await hands.bring([service])


def test_drift_is_mended_as_it_comes(stage: Stage) -> None:
    stage.apply("MediaCluster", "meet", {"mediaNodes": {"min": 0}})
    stage.until("pdb", "meet-signaling", bool)

    stage.kubectl("patch", "service", "meet-signaling", "-p", '{"spec": {"selector": {"track": "beta"}}}')
    stage.until("service", "meet-signaling", lambda found: "track" not in found["spec"]["selector"])

    stage.kubectl("delete", "service", "meet-signaling")
    stage.until("service", "meet-signaling", bool)

    stage.kubectl("label", "role", "meet-signaling", "rotunda.dev/cluster-")
    stage.until("role", "meet-signaling", lambda found: found["metadata"]["labels"]["rotunda.dev/cluster"])
    cluster = stage.get("mc", "meet")
    assert "somebody else" not in json.dumps(cluster["status"])


def test_the_budget_of_a_media_node_is_kept_too(stage: Stage) -> None:
    stage.kubelet()
    stage.apply("MediaCluster", "default", {"mediaNodes": {"min": 0}})
    stage.serve("a")
    stage.until("pdb", "a", bool)
    stage.kubectl("delete", "pdb", "a")
    stage.until("pdb", "a", bool)
    patch = '{"spec": {"selector": {"matchLabels": {"track": "beta"}}}}'
    stage.kubectl("patch", "pdb", "a", "--type", "merge", "-p", patch)
    stage.until("pdb", "a", lambda found: "track" not in found["spec"]["selector"]["matchLabels"])


def test_a_real_api_server_takes_media_nodes_and_their_budgets(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "namespace", "calls")
    node = media_node(samples.cluster(), "default-media-0")
    budget = sfu_disruption_budget(samples.media_node(), closed=True)
    listed: Object = {"apiVersion": "v1", "kind": "List", "items": [node, budget]}
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(listed))


@pytest.mark.parametrize("mode", ["HostNetwork", "HostPort"])
@pytest.mark.parametrize("announce", ["NodeInternalIP", "NodeExternalIP"])
def test_a_real_api_server_takes_the_pod_of_a_media_node(
    control_plane: ControlPlane, mode: str, announce: str
) -> None:
    namespace = f"pods-{mode}-{announce}".lower()
    _namespace(control_plane, namespace, level="privileged")
    cluster = samples.cluster(mediaNodes={"network": {"mode": mode, "announce": announce}})
    pod = sfu_pod(
        cluster, samples.media_node(), samples.PORTS, samples.INSTALLATION, name="default-media-0-1"
    )
    pod["metadata"]["namespace"] = namespace
    control_plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))


def test_signaling_pods_are_restricted_in_terms_of_pod_security(control_plane: ControlPlane) -> None:
    _namespace(control_plane, "restricted", level="restricted")
    deployment = next(m for m in wanted("restricted", turn={"enabled": False}) if m["kind"] == "Deployment")
    template = deployment["spec"]["template"]
    template["spec"]["serviceAccountName"] = "default"
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {**template["metadata"], "name": "signaling", "namespace": "restricted"}
    control_plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))


def _namespace(plane: ControlPlane, name: str, *, level: str) -> None:
    """With the account that the controller-manager would make."""
    plane.kubectl("create", "namespace", name)
    plane.kubectl("label", "namespace", name, f"pod-security.kubernetes.io/enforce={level}")
    plane.kubectl("create", "serviceaccount", "default", "-n", name)
