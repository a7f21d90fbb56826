"""What changes about the TURN servers of a cluster while they run: pure functions.

It is the addresses that TURN servers may relay to, and the URLs that signaling gives to clients.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping

from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest
from rotunda_operator.nodes.addresses import announced_address
from rotunda_operator.pods import KubeNode, Pod
from rotunda_operator.specs.turn_config import peer_addresses
from rotunda_operator.specs.turn_secret import read_turn_peers

SECRET_HASH = "rotunda.dev/turn-secret"
"""Annotation of a pod that mounts the Secret of TURN: a hash of the Secret. When a pod changes, its kubelet
updates the mounted files at once. Otherwise it does so once a minute."""


def turn_peers(secret: Manifest, announced: Iterable[str], kube_nodes: Iterable[KubeNode]) -> list[str]:
    """The addresses that TURN may relay to. `secret`: the current Secret of TURN, or empty.

    They are the addresses that media nodes announce (`announced`, each `address:port`), and of those that
    media nodes announced earlier the ones whose Kubernetes node still exists: a media node that is lost and
    comes back there can be reached at once.
    """
    nodes = list(kube_nodes)
    current = {address.rpartition(":")[0].strip("[]") for address in announced}
    # On a Kubernetes node with IPv4 and IPv6 a media node is reached by relays of both families.
    further = {other for address in current for node in nodes for other in node.all_of(address)}
    existing = {
        each for node in nodes for ip in (node.internal_ip, node.external_ip) for each in node.all_of(ip)
    }
    earlier = {address for address in read_turn_peers(secret) if address in existing}
    return peer_addresses({*current, *further, *earlier})


def turn_urls(cluster: MediaCluster, pods: Iterable[Pod], kube_nodes: Mapping[str, KubeNode]) -> list[str]:
    """The TURN URLs (RFC 7065) that clients get, in the order in which they may try them.

    The host is `spec.turn.host` where it is set. Otherwise there is one host for each TURN pod that is ready:
    the address that a media node on the same Kubernetes node would announce.
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


def secret_hash(secret: Manifest) -> str:
    """The value of SECRET_HASH for a Secret."""
    text = "\n".join(f"{key} {value}" for key, value in sorted(secret["data"].items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _hosts(cluster: MediaCluster, pods: Iterable[Pod], kube_nodes: Mapping[str, KubeNode]) -> Collection[str]:
    network = cluster.spec.media_nodes.network
    ready = (pod for pod in pods if pod.ready and not pod.terminating and not pod.finished)
    found = {announced_address(network, kube_nodes.get(pod.node_name), pod) for pod in ready}
    return sorted(found - {""})
