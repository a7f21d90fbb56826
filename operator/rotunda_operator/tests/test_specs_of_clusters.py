"""The objects of a MediaCluster."""

import base64
from typing import Any

import pytest

from rotunda_kube import Manifest
from rotunda_operator.specs.coturn import read_turn_secret, turn_objects, turn_peers
from rotunda_operator.specs.operator_services import operator_services
from rotunda_operator.specs.signaling import signaling_objects
from rotunda_operator.specs.turn_config import DENIED_PEERS, is_denied
from rotunda_operator.tests import samples
from rotunda_operator.tests.golden import check_golden

PEERS = ["10.1.2.4", "10.1.2.3"]


def config_of(objects: list[Manifest]) -> list[str]:
    return base64.b64decode(objects[0]["data"]["turnserver.conf"]).decode().splitlines()


def test_signaling() -> None:
    check_golden("signaling", *signaling_objects(samples.cluster(), samples.INSTALLATION))


def test_signaling_at_a_port_of_every_kubernetes_node() -> None:
    spec = {"replicas": 1, "service": {"type": "NodePort", "nodePort": 30080}}
    objects = signaling_objects(samples.cluster(signaling=spec), samples.PLAIN)
    service, deployment = objects[3], objects[4]
    assert service["spec"]["type"] == "NodePort"
    assert service["spec"]["ports"][0]["nodePort"] == 30080
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "signaling:dev"


def test_turn() -> None:
    check_golden("turn", *turn_objects(samples.cluster(), samples.INSTALLATION, "drawn", PEERS))


def test_turn_over_tls() -> None:
    cluster = samples.cluster(turn={"tlsSecretRef": "meet-tls"}, publicURL="https://meet.example.org:8443")
    objects = turn_objects(cluster, samples.INSTALLATION, "drawn", [])
    check_golden("turn_tls_deployment", objects[1])
    config = config_of(objects)
    assert "realm=meet.example.org" in config
    assert "cert=/etc/coturn-tls/tls.crt" in config
    assert "no-tls" not in config


def test_of_turn_that_is_not_wanted_the_secret_is_kept() -> None:
    kept = turn_objects(samples.cluster(turn={"enabled": False}), samples.INSTALLATION, "drawn", PEERS)
    assert [manifest["kind"] for manifest in kept] == ["Secret"]


def test_turn_reaches_media_nodes_and_no_other_private_address() -> None:
    config = config_of(turn_objects(samples.cluster(), samples.INSTALLATION, "drawn", PEERS))
    allowed = [line for line in config if line.startswith("allowed-peer-ip=")]
    assert allowed == ["allowed-peer-ip=10.1.2.3", "allowed-peer-ip=10.1.2.4"]
    assert {f"denied-peer-ip={addresses}" for addresses in DENIED_PEERS} < set(config)


def test_turn_keeps_the_peers_of_kubernetes_nodes_that_stand() -> None:
    secret = turn_objects(samples.cluster(), samples.INSTALLATION, "drawn", PEERS)[0]
    standing = {"10.1.2.3", "10.1.2.9"}
    assert turn_peers(secret, [], standing) == ["10.1.2.3"]
    assert turn_peers(secret, ["10.1.2.5"], standing) == ["10.1.2.3", "10.1.2.5"]
    assert turn_peers({}, ["fd00::7", "203.0.113.7", "2001:db8::7", "damaged"], standing) == ["fd00::7"]


@pytest.mark.parametrize(
    ("address", "denied"),
    [
        ("10.0.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("169.254.169.254", True),
        ("198.51.100.1", False),
        ("::1", True),
        ("fdff::1", True),
        ("2001:db8::1", False),
    ],
)
def test_which_addresses_are_denied(address: str, denied: bool) -> None:
    assert is_denied(address) is denied


def test_turn_pods_start_anew_only_when_the_configuration_changes() -> None:
    def annotations(peers: list[str]) -> Any:
        deployment = turn_objects(samples.cluster(), samples.INSTALLATION, "drawn", peers)[1]
        return deployment["spec"]["template"]["metadata"]["annotations"]

    assert annotations(PEERS) == annotations([*reversed(PEERS), PEERS[0]])
    assert annotations(PEERS) != annotations(PEERS[:1])


def test_the_turn_secret_is_read_back() -> None:
    secret = turn_objects(samples.cluster(), samples.INSTALLATION, "drawn", [])[0]
    assert read_turn_secret(secret) == "drawn"


@pytest.mark.parametrize(
    "manifest", [{}, {"data": None}, {"data": {"secret": "%"}}, {"data": {"secret": ""}}]
)
def test_a_damaged_turn_secret_is_none(manifest: Manifest) -> None:
    assert read_turn_secret(manifest) is None


def test_services_of_the_operator_select_who_holds_the_lease() -> None:
    check_golden("operator_services", *operator_services("rotunda-system", otlp_port=4317, health_port=8081))


def test_a_clusters_own_images_win() -> None:
    cluster = samples.cluster(images={"registry": "mirror.example.net", "tag": "2.0.0"})
    assert samples.INSTALLATION.image(cluster, "sfu") == "mirror.example.net/sfu:2.0.0"
    assert samples.INSTALLATION.image(samples.cluster(), "sfu") == "registry.example.org/rotunda/sfu:1.2.3"
