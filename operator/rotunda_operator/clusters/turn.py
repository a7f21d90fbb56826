"""What the TURN servers of a cluster and those who tell of them are told while they run: pure functions."""

import hashlib
from collections.abc import Collection, Iterable, Mapping

from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest
from rotunda_operator.nodes.addresses import announced_address
from rotunda_operator.pods import KubeNode, Pod
from rotunda_operator.specs.turn_config import peer_addresses
from rotunda_operator.specs.turn_secret import read_turn_peers

SECRET_SEEN = "rotunda.dev/turn-secret"
"""Annotation of a pod that mounts the Secret of TURN: a hash of what the Secret holds. A kubelet renews what
a pod mounts at once when the pod changes, and else when its minute comes."""


def turn_peers(standing: Manifest, announced: Iterable[str], kube_nodes: Iterable[KubeNode]) -> list[str]:
    """Which addresses may be relayed to; `standing` is the Secret as it stands, or empty.

    Those that media nodes announce (`address:port`), and those that they have announced before from
    Kubernetes nodes that still stand: a media node that is lost and comes back is reached at once.
    """
    nodes = list(kube_nodes)
    told = {address.rpartition(":")[0].strip("[]") for address in announced}
    # On a Kubernetes node of both families a relay of either one reaches the media node.
    beside = {other for address in told for node in nodes for other in node.all_of(address)}
    there = {
        each for node in nodes for ip in (node.internal_ip, node.external_ip) for each in node.all_of(ip)
    }
    before = {address for address in read_turn_peers(standing) if address in there}
    return peer_addresses({*told, *beside, *before})


def turn_urls(cluster: MediaCluster, pods: Iterable[Pod], kube_nodes: Mapping[str, KubeNode]) -> list[str]:
    """What clients are told, in the order in which they may try it (RFC 7065).

    `spec.turn.host` where it is set, and else where the TURN servers' pods that are ready are reached, as
    media nodes there would be.
    """
    turn = cluster.spec.turn
    hosts = [turn.host] if turn.host else _hosts(cluster, pods, kube_nodes) if turn.enabled else []
    urls: list[str] = []
    for host in hosts:
        name = f"[{host}]" if ":" in host else host
        urls += [f"turn:{name}:{turn.port}?transport={transport}" for transport in ("udp", "tcp")]
        if turn.tls_secret_ref:
            urls.append(f"turns:{name}:{turn.tls_port}?transport=tcp")
    return urls


def seen_mark(secret: Manifest) -> str:
    """The value of SECRET_SEEN for a Secret."""
    told = "\n".join(f"{key} {value}" for key, value in sorted(secret["data"].items()))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _hosts(cluster: MediaCluster, pods: Iterable[Pod], kube_nodes: Mapping[str, KubeNode]) -> Collection[str]:
    network = cluster.spec.media_nodes.network
    ready = (pod for pod in pods if pod.ready and not pod.terminating and not pod.gone)
    found = {announced_address(network, kube_nodes.get(pod.node_name), pod) for pod in ready}
    return sorted(found - {""})
