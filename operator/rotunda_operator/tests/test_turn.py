"""The TURN servers of a MediaCluster: their objects, what changes while they run, and their keys."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rotunda_contract.resources import MediaCluster
from rotunda_kube import Key, Manifest
from rotunda_operator.clusters.secrets import keep_or_create
from rotunda_operator.clusters.turn import secret_hash, turn_peers, turn_urls
from rotunda_operator.clusters.turn_keys import (
    PROPAGATION,
    ROTATE,
    ROTATE_AFTER,
    keep_or_rotate,
)
from rotunda_operator.pods import KubeNode, Pod, read_kube_node
from rotunda_operator.specs.coturn import turn_objects
from rotunda_operator.specs.turn_config import DENIED_PEERS, peer_addresses, turn_config
from rotunda_operator.specs.turn_secret import CREDENTIAL_SECONDS, TurnKeys, read_turn_keys
from rotunda_operator.testing import Stage
from rotunda_operator.testing.stage import Object
from rotunda_operator.tests import samples
from rotunda_operator.tests.golden import check_golden

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEYS = TurnKeys("drawn", since=NOW)
PEERS = ["10.1.2.3", "10.1.2.4"]
URLS = ["turn:10.1.2.3:3478?transport=udp", "turn:10.1.2.3:3478?transport=tcp"]
KUBE_NODES = {
    name: KubeNode(name, internal, external, "", "", unschedulable=False, reachable=True)
    for name, internal, external in (("a", "10.1.2.3", "203.0.113.3"), ("b", "10.1.2.9", ""))
}


def objects(cluster: MediaCluster, keys: TurnKeys = KEYS) -> list[Manifest]:
    return turn_objects(cluster, samples.INSTALLATION, keys, peers=PEERS, urls=URLS)


def config_of(manifests: list[Manifest]) -> list[str]:
    return base64.b64decode(manifests[0]["data"]["turnserver.conf"]).decode().splitlines()


def test_turn() -> None:
    check_golden("turn", *objects(samples.cluster()))


def test_turn_over_tls() -> None:
    cluster = samples.cluster(turn={"tlsSecretRef": "meet-tls"}, publicURL="https://meet.example.org:8443")
    made = objects(cluster)
    check_golden("turn_tls_deployment", made[1])
    config = config_of(made)
    assert "realm=meet.example.org" in config
    assert "cert=/etc/coturn-tls/tls.crt" in config
    assert "no-tls" not in config


@pytest.mark.parametrize(
    ("spec", "realm"),
    [
        ({"publicURL": "https://meet.example.org:8443"}, "meet.example.org"),
        ({"publicURL": "https://[2001:db8::1]:8443"}, "default"),
        ({"turn": {"host": "2001:db8::7"}}, "default"),
        ({}, "default"),
    ],
)
def test_the_realm_is_one_that_the_servers_script_takes(spec: dict[str, Any], realm: str) -> None:
    assert f"realm={realm}" in config_of(objects(samples.cluster(**spec)))


def test_two_installations_share_kubernetes_nodes_with_ports_of_their_own() -> None:
    turn = {"port": 13478, "tlsPort": 15349, "relayPortFrom": 20000, "relayPortTo": 20999}
    cluster = samples.cluster(turn={**turn, "tlsSecretRef": "meet-tls", "host": "turn.example.org"})
    made = objects(cluster)
    config = base64.b64decode(made[0]["data"]["turnserver.conf"]).decode().splitlines()
    wanted = {"listening-port=13478", "tls-listening-port=15349", "min-port=20000", "max-port=20999"}
    assert wanted <= {*config}
    ports = made[1]["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert [(port["hostPort"], port["protocol"]) for port in ports] == [
        (13478, "UDP"),
        (13478, "TCP"),
        (15349, "TCP"),
    ]
    assert turn_urls(cluster, [], {}) == [
        "turn:turn.example.org:13478?transport=udp",
        "turn:turn.example.org:13478?transport=tcp",
        "turns:turn.example.org:15349?transport=tcp",
    ]


def test_of_turn_that_is_not_wanted_the_secret_is_kept() -> None:
    assert [made["kind"] for made in objects(samples.cluster(turn={"enabled": False}))] == ["Secret"]


def test_the_configuration_denies_everything_and_holds_no_key() -> None:
    config = config_of(objects(samples.cluster()))
    assert [line for line in config if "peer" in line] == [
        "no-multicast-peers",
        *(f"denied-peer-ip={addresses}" for addresses in DENIED_PEERS),
    ]
    assert not any("drawn" in line for line in config)


def test_loopback_is_open_only_where_media_nodes_are_announced_there() -> None:
    announced = {"network": {"announce": "127.0.0.1"}}
    assert "allow-loopback-peers" in config_of(objects(samples.cluster(mediaNodes=announced)))
    assert "allow-loopback-peers" not in turn_config(realm="meet")


def test_keys_and_peers_change_without_another_pod() -> None:
    def pod_template(keys: TurnKeys, peers: list[str], urls: list[str]) -> Any:
        made = turn_objects(samples.cluster(), samples.INSTALLATION, keys, peers=peers, urls=urls)
        return made[1]["spec"]["template"], secret_hash(made[0])

    template, mark = pod_template(KEYS, PEERS, URLS)
    for other in (
        pod_template(replace(KEYS, next="coming"), PEERS, URLS),
        pod_template(KEYS, PEERS[:1], URLS),
        pod_template(KEYS, PEERS, []),
    ):
        assert other[0] == template
        assert other[1] != mark


def test_turn_peers_are_current_and_earlier_addresses_of_existing_kubernetes_nodes() -> None:
    secret = objects(samples.cluster())[0]
    nodes = list(KUBE_NODES.values())
    assert turn_peers(secret, [], nodes) == ["10.1.2.3"]
    assert turn_peers(secret, ["10.1.2.5:40000", "10.1.2.5:40001"], nodes) == ["10.1.2.3", "10.1.2.5"]
    assert turn_peers({}, ["[fd00::7]:40000", "203.0.113.7:40000"], nodes) == ["203.0.113.7", "fd00::7"]


def test_only_addresses_of_one_machine_may_be_peers() -> None:
    wrong = [
        "",
        "meet.example.org",
        "0.0.0.0",
        "::",
        "::0",
        "224.0.0.1",
        "ff02::1",
        "10.0.0.0/8",
        "1.2.3.4-5",
    ]
    assert peer_addresses([*wrong, "10.0.0.1", "::1", "10.0.0.1"]) == ["10.0.0.1", "::1"]


def pod(name: str, node: str, **fields: Any) -> Pod:
    values = {"ready": True, "terminating": False, "phase": "Running", "host_ip": "10.9.9.9", **fields}
    return Pod(
        key=Key("calls", name), uid=name, media_node="", owner_uid="", created="", node_name=node, **values
    )


def test_on_nodes_of_both_families_turn_reaches_media_nodes_by_either() -> None:
    addresses = [
        {"type": "InternalIP", "address": "10.1.2.3"},
        {"type": "InternalIP", "address": "fd00::3"},
        {"type": "ExternalIP", "address": "203.0.113.3"},
        {"type": "Hostname", "address": "three"},
    ]
    node = read_kube_node({"metadata": {"name": "three"}, "status": {"addresses": addresses}})
    assert turn_peers({}, ["10.1.2.3:40000"], [node]) == ["10.1.2.3", "fd00::3"]
    assert turn_peers({}, ["203.0.113.3:40000"], [node]) == ["203.0.113.3"]
    of_ipv6 = read_kube_node({"metadata": {"name": "six"}, "status": {"addresses": addresses[1:2]}})
    assert turn_peers({}, ["[fd00::3]:40000"], [of_ipv6]) == ["fd00::3"]
    assert turn_urls(samples.cluster(), [pod("one", "six")], {"six": of_ipv6}) == [
        "turn:[fd00::3]:3478?transport=udp",
        "turn:[fd00::3]:3478?transport=tcp",
    ]


@pytest.mark.parametrize(
    ("announce", "hosts"),
    [
        ("NodeInternalIP", ["10.1.2.3", "10.1.2.9"]),
        ("NodeExternalIP", ["203.0.113.3"]),
        ("198.51.100.7", ["198.51.100.7"]),
        ("2001:db8::7", ["[2001:db8::7]"]),
    ],
)
def test_turn_urls_have_the_announced_addresses_of_ready_servers(announce: str, hosts: list[str]) -> None:
    cluster = samples.cluster(mediaNodes={"network": {"announce": announce}})
    pods = [
        pod("one", "a"),
        pod("two", "b"),
        pod("new", "c", ready=False),
        pod("old", "d", terminating=True),
        pod("dead", "e", phase="Failed"),
    ]
    assert turn_urls(cluster, pods, KUBE_NODES) == [
        f"turn:{host}:3478?transport={transport}" for host in hosts for transport in ("udp", "tcp")
    ]


def test_a_configured_turn_host_replaces_the_addresses_of_all_servers() -> None:
    turn = {"host": "turn.example.org", "tlsSecretRef": "turn-tls"}
    urls = [
        "turn:turn.example.org:3478?transport=udp",
        "turn:turn.example.org:3478?transport=tcp",
        "turns:turn.example.org:5349?transport=tcp",
    ]
    assert turn_urls(samples.cluster(turn=turn), [pod("one", "a")], KUBE_NODES) == urls
    assert turn_urls(samples.cluster(turn=turn | {"enabled": False}), [], KUBE_NODES) == urls
    assert turn_urls(samples.cluster(turn={"enabled": False}), [pod("one", "a")], KUBE_NODES) == []


def test_a_key_is_accepted_before_it_is_used_and_until_its_last_credential_is_over() -> None:
    """Whatever a TURN server and a signaling pod have seen last, at most PROPAGATION ago, fits together."""
    drawn = iter(["first", "second", "third"])
    history: list[tuple[datetime, TurnKeys]] = []
    keys: TurnKeys | None = None
    step = timedelta(minutes=1)
    for minute in range(int(2.5 * ROTATE_AFTER / step)):
        now = NOW + minute * step
        keys = keep_or_rotate(keys, now, lambda: next(drawn))
        history.append((now, keys))

    assert {kept.current for _, kept in history} == {"first", "second", "third"}
    delay, life = PROPAGATION // step, timedelta(seconds=CREDENTIAL_SECONDS) // step
    for index, (now, _) in enumerate(history):
        accepted = [set(accepted_by(history[max(index - delay, 0)][1])), set(accepted_by(history[index][1]))]
        for made in (max(index - delay - life, 0), max(index - delay, 0), index):
            assert all(history[made][1].current in keys for keys in accepted), now


def accepted_by(keys: TurnKeys) -> Iterator[str]:
    return filter(None, (keys.current, keys.next, keys.previous))


def test_a_requested_rotation_happens_once() -> None:
    keys = keep_or_rotate(KEYS, NOW + DAY, lambda: "wished", requested="leaked")
    assert (keys.current, keys.next, keys.requested) == ("drawn", "wished", "leaked")
    later = NOW + DAY
    for _ in range(5):
        later += PROPAGATION + timedelta(seconds=CREDENTIAL_SECONDS)
        keys = keep_or_rotate(keys, later, lambda: "not wished", requested="leaked")
    assert (keys.current, keys.next, keys.previous) == ("wished", "", "")
    assert keep_or_rotate(keys, later, lambda: "again", requested="once more").next == "again"


def test_a_cluster_keeps_its_turn_keys_until_its_annotation_requests_a_rotation() -> None:
    cluster = samples.cluster()
    actual = {"default-turn": objects(cluster)[0]}
    assert keep_or_create(cluster, actual, None, NOW + DAY).turn == KEYS

    requesting = cluster.model_copy(deep=True)
    requesting.metadata.annotations[ROTATE] = "now"
    assert keep_or_create(requesting, actual, None, NOW + DAY).turn.next != ""


def test_the_key_of_somebodys_own_turn_server_is_left_alone() -> None:
    cluster = samples.cluster(turn={"enabled": False, "host": "turn.example.org"})
    theirs = {"default-turn": {"data": {"secret": base64.b64encode(b"theirs").decode()}}}
    kept = keep_or_create(cluster, theirs, None, NOW + 100 * DAY).turn
    assert (kept.current, kept.next) == ("theirs", "")


def test_the_keys_are_read_back() -> None:
    keys = TurnKeys("a", since=NOW - DAY, next="b", previous="c", requested="d")
    assert read_turn_keys(objects(samples.cluster(), keys)[0], NOW) == keys


@pytest.mark.parametrize(
    "manifest", [{}, {"data": None}, {"data": {"secret": "%"}}, {"data": {"secret": ""}}]
)
def test_of_a_damaged_secret_nothing_is_kept(manifest: Manifest) -> None:
    assert read_turn_keys(manifest, NOW) is None


@pytest.mark.parametrize("since", ["", "yesterday", "2026-03-01T11:00:00", "2031-01-01T00:00:00+00:00"])
def test_a_time_that_cannot_be_is_now(since: str) -> None:
    data = {"secret": "kept", "since": since}
    manifest = {"data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}}
    assert read_turn_keys(manifest, NOW) == TurnKeys("kept", since=NOW)


@pytest.mark.timeout(900)
def test_a_condition_says_why_a_turn_server_does_not_start(stage: Stage) -> None:
    taken = "rotunda-coturn: port 3478 is in use by another program of this machine: choose another"
    stage.apply("MediaCluster", "default", {"mediaNodes": {"min": 0}})
    made = stage.until("deployment", "default-turn", bool)
    replicas = {"replicas": 1, "unavailableReplicas": 1, "updatedReplicas": 1}
    _set_status(
        stage,
        "deployment",
        "default-turn",
        {"observedGeneration": made["metadata"]["generation"], **replicas},
    )
    template = made["spec"]["template"]
    metadata = {"name": "default-turn-1", "namespace": stage.namespace, **template["metadata"]}
    server = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    stage.plane.kubectl("apply", "-f", "-", stdin=json.dumps(server))
    container = {
        **{"name": "coturn", "image": "coturn", "imageID": "", "restartCount": 1, "ready": False},
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 64, "message": f"starts\n{taken}\n"}},
    }
    _set_status(stage, "pod", "default-turn-1", {"containerStatuses": [container]})

    def says(found: Object) -> bool:
        messages = {each["type"]: each["message"] for each in found["status"]["conditions"]}
        return taken in messages["TurnReady"] and taken in messages["Ready"]

    stage.until("mc", "default", says)


def _set_status(stage: Stage, kind: str, name: str, status: Object) -> None:
    """Writes a status, as its controller or kubelet would."""
    patch = json.dumps({"status": status})
    stage.kubectl("patch", kind, name, "--subresource=status", "--type=merge", "-p", patch)
