"""What the API server makes of right and wrong manifests, as a person with kubectl sees it."""

import json
from typing import Any

import pytest
import yaml

from rotunda_operator.testing import ControlPlane

Spec = dict[str, Any]

WRONG: list[tuple[str, Spec, str]] = [
    ("Room", {"maxParticipants": 0}, "spec.maxParticipants in body should be greater than or equal to 1"),
    ("Room", {"maxParticipants": 10001}, "should be less than or equal to 10000"),
    ("Room", {"maxParticipants": "many"}, 'spec.maxParticipants: Invalid value: "string"'),
    (
        "Room",
        {"maxParticipants": 4, "expectedParticipants": 5},
        "expectedParticipants must not be greater than maxParticipants",
    ),
    (
        "Room",
        {"expectedParticipants": -1},
        "spec.expectedParticipants in body should be greater than or equal to 0",
    ),
    (
        "Room",
        {"access": "Closed"},
        'spec.access: Unsupported value: "Closed": supported values: "Open", "Token"',
    ),
    ("Room", {"displayName": "x" * 129}, "spec.displayName: Too long: may not be more than 128"),
    ("Room", {"media": {"videoCodecs": []}}, "spec.media.videoCodecs in body should have at least 1 items"),
    ("Room", {"media": {"videoCodecs": ["VP8", "VP8"]}}, "spec.media.videoCodecs[1]: Duplicate value"),
    (
        "Room",
        {"media": {"videoCodecs": ["HEVC"]}},
        'Unsupported value: "HEVC": supported values: "VP8", "H264", "VP9", "AV1"',
    ),
    (
        "Room",
        {"media": {"maxVideoKbps": 10}},
        "spec.media.maxVideoKbps in body should be greater than or equal to 50",
    ),
    ("Room", {"placement": {"pinTo": "mn-1", "region": "eu"}}, "pinTo names the node already"),
    (
        "Room",
        {"placement": {"nodeSelector": {f"l{i}": "x" for i in range(17)}}},
        "spec.placement.nodeSelector: Too many: 17: must have at most 16 items",
    ),
    ("Room", {"emptyTTLSeconds": -1}, "spec.emptyTTLSeconds in body should be greater than or equal to 0"),
    ("Room", {"clusterRef": "Not_A_Label"}, "spec.clusterRef in body should match"),
    ("Room", {"recording": True}, "spec.recording in body must be of type object"),
    ("Room", {"recording": {"enabled": True}}, "recording is not built yet: leave recording.enabled false"),
    ("Room", {"hls": {"enabled": True}}, "watching by HLS is not built yet: leave hls.enabled false"),
    ("MediaNode", {"cordoned": "yes"}, "spec.cordoned in body must be of type boolean"),
    ("MediaNode", {"clusterRef": ""}, "spec.clusterRef in body should be at least 1 chars long"),
    ("MediaCluster", {"publicURL": "meet.example.org"}, "publicURL must be http:// or https:// and a host"),
    ("MediaCluster", {"publicURL": "https://meet.example.org/rooms"}, "no path: for example https://"),
    (
        "MediaCluster",
        {"mediaNodes": {"min": 3, "max": 2}},
        "mediaNodes.min must not be greater than mediaNodes.max",
    ),
    (
        "MediaCluster",
        {"mediaNodes": {"min": -1}},
        "spec.mediaNodes.min in body should be greater than or equal to 0",
    ),
    (
        "MediaCluster",
        {"mediaNodes": {"scaling": {"targetUtilizationPercent": 100}}},
        "targetUtilizationPercent in body should be less than or equal to 95",
    ),
    (
        "MediaCluster",
        {"mediaNodes": {"network": {"portFrom": 41000}}},
        "network.portFrom must not be greater than network.portTo",
    ),
    (
        "MediaCluster",
        {"mediaNodes": {"network": {"portFrom": 80}}},
        "should be greater than or equal to 1024",
    ),
    (
        "MediaCluster",
        {"mediaNodes": {"network": {"mode": "Bridge"}}},
        'Unsupported value: "Bridge": supported values: "HostNetwork", "HostPort"',
    ),
    (
        "MediaCluster",
        {"mediaNodes": {"network": {"announce": "10.0.0"}}},
        "network.announce must be NodeInternalIP, NodeExternalIP or an IP address",
    ),
    (
        "MediaCluster",
        {"mediaNodes": {"capacity": {"egressMbps": 0}}},
        "egressMbps in body should be greater than",
    ),
    (
        "MediaCluster",
        {"rooms": {"defaults": {"maxParticipants": 3, "expectedParticipants": 4}}},
        "rooms.defaults.expectedParticipants must not be greater than rooms.defaults.maxParticipants",
    ),
    (
        "MediaCluster",
        {"signaling": {"service": {"type": "ExternalName"}}},
        'supported values: "ClusterIP", "NodePort", "LoadBalancer"',
    ),
    (
        "MediaCluster",
        {"signaling": {"service": {"nodePort": 30080}}},
        "service.nodePort needs service.type NodePort",
    ),
    (
        "MediaCluster",
        {"turn": {"replicas": 0}},
        "spec.turn.replicas in body should be greater than or equal to 1",
    ),
    (
        "MediaCluster",
        {"mediaNodes": {"network": {"portFrom": 40000, "portTo": 40003}, "template": {"workers": 3}}},
        "must have at least two ports more than mediaNodes.template.workers",
    ),
    (
        "MediaCluster",
        {"mediaNodes": {"capacity": {"participants": 8}}, "rooms": {"defaults": {"expectedParticipants": 9}}},
        "rooms.defaults.expectedParticipants must not be greater than mediaNodes.capacity.participants",
    ),
    ("MediaCluster", {"turn": {"port": 5349}}, "turn.port and turn.tlsPort must differ"),
    ("MediaCluster", {"turn": {"tlsPort": 443}}, "must be 1024 or above where turn.enabled is true"),
    ("MediaCluster", {"turn": {"relayPortTo": 49151}}, "turn.relayPortFrom must not be greater than"),
    (
        "MediaCluster",
        {"turn": {"port": 50000}},
        "must not be among turn.relayPortFrom to turn.relayPortTo",
    ),
    ("MediaCluster", {"turn": {"port": 40500}}, "must not be among mediaNodes.network.portFrom to portTo"),
]


@pytest.mark.parametrize(("kind", "spec", "message"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_manifest_is_refused_with_what_is_accepted(
    control_plane: ControlPlane, kind: str, spec: Spec, message: str
) -> None:
    refusal = control_plane.kubectl(
        "create", "--dry-run=server", "-f", "-", stdin=_manifest(kind, "wrong", spec), check=False
    )

    assert message in refusal


@pytest.mark.parametrize("kind", ["Room", "MediaNode", "MediaCluster"])
@pytest.mark.parametrize("name", ["two.labels", "x" * 64])
def test_names_are_dns_labels(control_plane: ControlPlane, kind: str, name: str) -> None:
    refusal = control_plane.kubectl(
        "create", "--dry-run=server", "-f", "-", stdin=_manifest(kind, name, {}), check=False
    )

    assert "metadata.name must be a DNS label" in refusal


@pytest.mark.parametrize("kind", ["Room", "MediaNode"])
def test_the_cluster_of_a_thing_cannot_be_changed(control_plane: ControlPlane, kind: str) -> None:
    control_plane.kubectl("apply", "-f", "-", stdin=_manifest(kind, "settled", {}))

    refusal = control_plane.kubectl(
        "patch", kind, "settled", "--type=merge", "-p", '{"spec": {"clusterRef": "other"}}', check=False
    )

    assert "clusterRef cannot be changed" in refusal


def test_an_empty_spec_gets_every_default(control_plane: ControlPlane) -> None:
    control_plane.kubectl("apply", "-f", "-", stdin=_manifest("MediaCluster", "plain", {}))

    spec = json.loads(control_plane.kubectl("get", "mc", "plain", "-o", "json"))["spec"]

    assert spec["mediaNodes"]["network"] == {
        "mode": "HostNetwork",
        "portFrom": 40000,
        "portTo": 40999,
        "announce": "NodeInternalIP",
    }
    assert (spec["mediaNodes"]["min"], spec["mediaNodes"]["max"]) == (1, 10)


@pytest.mark.parametrize(
    "turn", [{"enabled": False, "tlsPort": 443}, {"port": 13478, "tlsPort": 15349, "relayPortTo": 50000}]
)
def test_turn_has_ports_of_its_own(control_plane: ControlPlane, turn: Spec) -> None:
    control_plane.kubectl(
        "create", "--dry-run=server", "-f", "-", stdin=_manifest("MediaCluster", "turning", {"turn": turn})
    )


@pytest.mark.parametrize("resource", ["rooms", "medianodes", "mediaclusters"])
def test_every_field_is_explained(control_plane: ControlPlane, resource: str) -> None:
    crd = json.loads(control_plane.kubectl("get", "crd", f"{resource}.rotunda.dev", "-o", "json"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    assert _undescribed(schema["properties"]["spec"], "spec") == []
    assert _undescribed(schema["properties"]["status"], "status") == []


def _manifest(kind: str, name: str, spec: Spec) -> str:
    return yaml.safe_dump(
        {"apiVersion": "rotunda.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    )


def _undescribed(schema: dict[str, Any], path: str) -> list[str]:
    missing = [] if schema.get("description") else [path]
    for name, child in schema.get("properties", {}).items():
        missing += _undescribed(child, f"{path}.{name}")
    items = schema.get("items", {})
    for name, child in items.get("properties", {}).items():
        missing += _undescribed(child, f"{path}[].{name}")
    return missing
