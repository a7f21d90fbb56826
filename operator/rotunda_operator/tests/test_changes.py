"""The least that has to be written, first on plain objects, then against a real API server."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from rotunda_kube import Manifest
from rotunda_operator.certificates import new_authority
from rotunda_operator.clusters.changes import Change, Plan, missing, plan
from rotunda_operator.clusters.desired import desired
from rotunda_operator.clusters.secrets import keep_or_make
from rotunda_operator.specs.media_node import media_node
from rotunda_operator.specs.sfu_disruption_budget import sfu_disruption_budget
from rotunda_operator.specs.sfu_pod import sfu_pod
from rotunda_operator.testing import ControlPlane
from rotunda_operator.tests import samples

UID = "uid-of-default"
NOW = datetime.now(UTC)


def wanted(turn: bool = True, **spec: Any) -> list[Manifest]:
    cluster = samples.cluster(turn={"enabled": turn}, **spec)
    return desired(cluster, samples.INSTALLATION, keep_or_make(cluster, {}, None, NOW))


def names_of(found: Plan) -> list[tuple[str, str]]:
    return [(change.action, str(change.name)) for change in found.changes]


def test_everything_is_made_once_what_is_mounted_before_who_mounts_it() -> None:
    cluster = samples.cluster()
    authority = new_authority(NOW)
    objects = desired(cluster, samples.INSTALLATION, keep_or_make(cluster, {}, authority, NOW))
    assert names_of(plan(objects, [], owner_uid=UID)) == [
        ("create", "Secret default-signaling-tls"),
        ("create", "Secret default-media-node-tls"),
        ("create", "Secret default-turn"),
        ("create", "Deployment default-turn"),
        ("create", "PodDisruptionBudget default-turn"),
        ("create", "ServiceAccount default-signaling"),
        ("create", "Role default-signaling"),
        ("create", "RoleBinding default-signaling"),
        ("create", "Service default-signaling"),
        ("create", "Deployment default-signaling"),
        ("create", "PodDisruptionBudget default-signaling"),
    ]
    assert plan(objects, objects, owner_uid=UID) == Plan()


def test_only_what_differs_is_patched() -> None:
    before = wanted()
    after = deepcopy(before)
    deployment = next(m for m in after if m["kind"] == "Deployment" and "signaling" in m["metadata"]["name"])
    deployment["spec"]["replicas"] = 5
    (change,) = plan(after, before, owner_uid=UID).changes
    assert change == Change("patch", change.name, {"spec": {"replicas": 5}})


def test_what_is_not_wanted_any_more_goes() -> None:
    found = plan(wanted(turn=False), wanted(), owner_uid=UID)
    deleted = [name for action, name in names_of(found) if action == "delete"]
    assert sorted(deleted) == ["Deployment default-turn", "PodDisruptionBudget default-turn"]


def test_what_somebody_else_owns_is_left_alone_and_named() -> None:
    objects = wanted()
    foreign = deepcopy(objects[-1])
    foreign["metadata"]["ownerReferences"] = []
    foreign["spec"] = {}
    stray = {"kind": "Secret", "metadata": {"name": "stray"}}
    found = plan(objects, [*objects[:-1], foreign, stray], owner_uid=UID)
    assert found.changes == ()
    assert [str(name) for name in found.blocked] == ["PodDisruptionBudget default-signaling"]


@pytest.mark.parametrize(
    ("wants", "stands", "patch"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, {}),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 2}}, {"a": {"b": 1}}),
        ({"a": [{"n": 1}]}, {"a": [{"n": 1, "m": 2}]}, {}),
        ({"a": [{"n": 1}]}, {"a": [{"n": 1}, {"n": 2}]}, {"a": [{"n": 1}]}),
        ({"a": {}, "b": [], "c": ""}, {}, {}),
        ({"a": False, "n": 0}, {"a": True, "n": 1}, {"a": False, "n": 0}),
        ({"a": [1]}, {"a": {"b": 1}}, {"a": [1]}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": {"b": 1}}),
    ],
)
def test_what_is_missing(wants: Manifest, stands: Manifest, patch: Manifest) -> None:
    assert missing(wants, stands) == patch


def test_a_real_api_server_takes_everything_and_changes_nothing_that_is_wanted(
    control_plane: ControlPlane,
) -> None:
    plane = control_plane
    plane.kubectl("create", "namespace", "calls")
    cluster = samples.cluster(signaling={"service": {"type": "NodePort"}}, turn={"tlsSecretRef": "tls"})
    authority = new_authority(NOW)
    made = keep_or_make(cluster, {}, authority, NOW)
    objects = desired(cluster, samples.INSTALLATION, made, peers=["10.0.0.1"], urls=["turn:10.0.0.1:3478"])
    objects.append(media_node(cluster, "default-media-0"))
    objects.append(sfu_disruption_budget(samples.media_node(), closed=True))
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}

    answer = plane.kubectl("create", "-f", "-", "-o", "yaml", stdin=json.dumps(listed))

    standing = list(yaml.safe_load_all(answer))
    assert len(standing) == len(objects)
    assert [missing(*pair) for pair in zip(objects, standing, strict=True)] == [{}] * len(objects)


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
    deployment = next(m for m in wanted(turn=False) if m["kind"] == "Deployment")
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
