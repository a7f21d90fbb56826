"""The TURN servers of a cluster: Deployment, PodDisruptionBudget, and the Secret that they mount."""

import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest
from rotunda_operator.specs import names
from rotunda_operator.specs.installation import Installation
from rotunda_operator.specs.metadata import labels, of_cluster, selector
from rotunda_operator.specs.pods import (
    container_security,
    environment,
    field,
    pod_security,
    scratch_volume,
    secret_volume,
    spread_over_nodes,
)
from rotunda_operator.specs.turn_config import STATE_DIRECTORY, is_loopback, turn_config
from rotunda_operator.specs.turn_secret import FOR_TURN, TurnKeys, turn_secret

_DIRECTORY = "/etc/coturn"
_TLS_DIRECTORY = "/etc/coturn-tls"
_CONFIG_HASH = "rotunda.dev/config-hash"


def turn_objects(
    cluster: MediaCluster,
    installation: Installation,
    keys: TurnKeys,
    *,
    peers: Sequence[str] = (),
    urls: Sequence[str] = (),
) -> list[Manifest]:
    """Secret, Deployment, PodDisruptionBudget; the Secret alone where TURN is not enabled.

    `peers`: the addresses that media nodes announce; TURN relays to no other address. `urls`: the TURN URLs
    that clients get. Both can change without a restart of the TURN servers.
    """
    turn = cluster.spec.turn
    config = turn_config(
        realm=_realm(cluster),
        port=turn.port,
        tls_port=turn.tls_port,
        relay_ports=(turn.relay_port_from, turn.relay_port_to),
        tls_directory=_TLS_DIRECTORY if turn.tls_secret_ref else "",
        loopback=is_loopback(cluster.spec.media_nodes.network.announce),
    )
    secret = turn_secret(cluster, keys, peers=peers, urls=urls, config=config)
    if not turn.enabled:
        return [secret]
    return [secret, _deployment(cluster, installation, config), _disruption_budget(cluster)]


def _realm(cluster: MediaCluster) -> str:
    """Never an IPv6 address: the realm is part of the commands of coturn's database, which do not accept
    one."""
    host = urlsplit(cluster.spec.public_url).hostname or cluster.spec.turn.host
    return host if host and ":" not in host else cluster.metadata.name


def _metadata(cluster: MediaCluster) -> Manifest:
    return of_cluster(cluster, names.turn(cluster), names.TURN_COMPONENT)


def _selector(cluster: MediaCluster) -> dict[str, str]:
    return selector(cluster.metadata.name, names.TURN_COMPONENT)


def _deployment(cluster: MediaCluster, installation: Installation, config: str) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(cluster),
        "spec": {
            "replicas": cluster.spec.turn.replicas,
            "selector": {"matchLabels": _selector(cluster)},
            # Their ports are ports of the Kubernetes node, so a new pod may fit only where an old one was
            # deleted.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": {
                "metadata": {
                    "labels": labels(cluster.metadata.name, names.TURN_COMPONENT),
                    # coturn reads its configuration only when it starts: another configuration needs another
                    # pod.
                    "annotations": {_CONFIG_HASH: hashlib.sha256(config.encode()).hexdigest()},
                },
                "spec": _pod(cluster, installation),
            },
        },
    }


def _pod(cluster: MediaCluster, installation: Installation) -> Manifest:
    tls_secret = cluster.spec.turn.tls_secret_ref
    volumes = [scratch_volume("tmp"), scratch_volume("state"), secret_volume("config", names.turn(cluster))]
    volumes[2]["secret"]["items"] = [{"key": key, "path": key} for key in FOR_TURN]
    mounts: list[Manifest] = [
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "state", "mountPath": STATE_DIRECTORY},
        {"name": "config", "mountPath": _DIRECTORY, "readOnly": True},
    ]
    if tls_secret:
        volumes.append(secret_volume("tls", tls_secret))
        mounts.append({"name": "tls", "mountPath": _TLS_DIRECTORY, "readOnly": True})
    return {
        "hostNetwork": True,
        "dnsPolicy": "ClusterFirstWithHostNet",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **installation.image_pull_spec(),
        "terminationGracePeriodSeconds": 30,
        "securityContext": pod_security(),
        "topologySpreadConstraints": spread_over_nodes(_selector(cluster)),
        "containers": [_container(cluster, installation, mounts)],
        "volumes": volumes,
    }


def _container(cluster: MediaCluster, installation: Installation, mounts: list[Manifest]) -> Manifest:
    turn = cluster.spec.turn
    ports = [_port("turn-udp", turn.port, "UDP"), _port("turn-tcp", turn.port, "TCP")]
    if turn.tls_secret_ref:
        ports.append(_port("turn-tls", turn.tls_port, "TCP"))
    return {
        "name": "coturn",
        "image": installation.image(cluster, "coturn"),
        "imagePullPolicy": installation.pull_policy,
        "command": ["rotunda-coturn"],
        "args": [_DIRECTORY],
        # On the host network these are the addresses of the Kubernetes node, IPv4 and IPv6.
        "env": environment({"ROTUNDA_COTURN_ADDRESSES": field("status.podIPs")}),
        "ports": ports,
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": container_security(),
        # The operator copies the last line of the log into the MediaCluster's status.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        # Not a TCP probe: another program that has the port would answer it.
        "readinessProbe": {
            "exec": {"command": ["test", "-e", f"{STATE_DIRECTORY}/listening"]},
            "periodSeconds": 5,
            "timeoutSeconds": 3,
            "failureThreshold": 2,
        },
        "volumeMounts": mounts,
    }


def _port(name: str, number: int, protocol: str) -> Manifest:
    return {"name": name, "containerPort": number, "hostPort": number, "protocol": protocol}


def _disruption_budget(cluster: MediaCluster) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(cluster),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": _selector(cluster)}},
    }
