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

    `peers` are the addresses that media nodes announce, which alone may be reached through TURN; `urls` are
    what clients are told. Both change without the TURN servers' starting anew.
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
    kept = turn_secret(cluster, keys, peers=peers, urls=urls, config=config)
    if not turn.enabled:
        return [kept]
    return [kept, _deployment(cluster, installation, config), _disruption_budget(cluster)]


def _realm(cluster: MediaCluster) -> str:
    """A name: it stands in a database's commands, which take no address of IPv6."""
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
            # Their ports are the Kubernetes node's: a new one may find space only where an old one left.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": {
                "metadata": {
                    "labels": labels(cluster.metadata.name, names.TURN_COMPONENT),
                    # coturn reads its configuration when it starts and never again. What changes while
                    # calls go on is not in it.
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
        **installation.pulling(),
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
        # On the host's network these are the Kubernetes node's, of both families.
        "env": environment({"ROTUNDA_COTURN_ADDRESSES": field("status.podIPs")}),
        "ports": ports,
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": container_security(),
        # The operator tells in the MediaCluster's status why it ended.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        # Not a connection: another program that has the port would answer it.
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
