"""The TURN servers of a cluster: Deployment, and the Secret with configuration and key of the credentials."""

import base64
import hashlib
from collections.abc import Collection, Iterable
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
from rotunda_operator.specs.turn_config import allowed_peers, is_denied, turn_config

PORT = 3478
TLS_PORT = 5349
SECRET_KEY = "secret"
"""The key of the Secret from which time-limited credentials are made (TURN REST API)."""
_CONFIG = "turnserver.conf"
_CONFIG_DIRECTORY = "/etc/coturn"
_TLS_DIRECTORY = "/etc/coturn-tls"
_CONFIG_HASH = "rotunda.dev/config-hash"


def turn_objects(
    cluster: MediaCluster, installation: Installation, secret: str, peers: Iterable[str]
) -> list[Manifest]:
    """Secret, Deployment, PodDisruptionBudget; the Secret alone where TURN is not enabled.

    `secret` is drawn once and kept. `peers` are the addresses that media nodes announce: of all private
    addresses the only ones that may be reached through TURN.
    """
    tls = _TLS_DIRECTORY if cluster.spec.turn.tls_secret_ref else ""
    config = turn_config(
        secret=secret, realm=_realm(cluster), port=PORT, tls_port=TLS_PORT, tls_directory=tls, peers=peers
    )
    kept = _secret(cluster, secret, config)
    if not cluster.spec.turn.enabled:
        return [kept]
    return [kept, _deployment(cluster, installation, config), _disruption_budget(cluster)]


def turn_peers(manifest: Manifest, announced: Iterable[str], standing: Collection[str]) -> list[str]:
    """Which private addresses the TURN servers may relay to, given the Secret as it stands.

    Those that media nodes announce, and those that they have announced before from Kubernetes nodes that
    are `standing`: every change starts the TURN servers anew and cuts the calls through them, so a media
    node that is lost and comes back must not be one.
    """
    before = {address for address in _peers_of(manifest) if address in standing}
    return sorted({address for address in announced if is_denied(address)} | before)


def read_turn_secret(manifest: Manifest) -> str | None:
    """What was drawn, from the Secret as it stands; None where it is damaged."""
    return _text(manifest, SECRET_KEY) or None


def _peers_of(manifest: Manifest) -> list[str]:
    return allowed_peers(_text(manifest, _CONFIG))


def _text(manifest: Manifest, key: str) -> str:
    """Of a Secret; empty where it is damaged."""
    try:
        return base64.b64decode(manifest["data"][key], validate=True).decode()
    except (KeyError, TypeError, ValueError):
        return ""


def _realm(cluster: MediaCluster) -> str:
    return urlsplit(cluster.spec.public_url).hostname or cluster.spec.turn.host or cluster.metadata.name


def _metadata(cluster: MediaCluster) -> Manifest:
    return of_cluster(cluster, names.turn(cluster), names.TURN_COMPONENT)


def _selector(cluster: MediaCluster) -> dict[str, str]:
    return selector(cluster.metadata.name, names.TURN_COMPONENT)


def _secret(cluster: MediaCluster, secret: str, config: str) -> Manifest:
    data = {SECRET_KEY: secret, _CONFIG: config}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(cluster),
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


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
                    # coturn reads its configuration when it starts and never again.
                    "annotations": {_CONFIG_HASH: hashlib.sha256(config.encode()).hexdigest()},
                },
                "spec": _pod(cluster, installation),
            },
        },
    }


def _pod(cluster: MediaCluster, installation: Installation) -> Manifest:
    tls_secret = cluster.spec.turn.tls_secret_ref
    volumes = [scratch_volume("tmp"), scratch_volume("state"), secret_volume("config", names.turn(cluster))]
    volumes[2]["secret"]["items"] = [{"key": _CONFIG, "path": _CONFIG}]
    mounts: list[Manifest] = [
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "state", "mountPath": "/var/lib/coturn"},
        {"name": "config", "mountPath": _CONFIG_DIRECTORY, "readOnly": True},
    ]
    if tls_secret:
        volumes.append(secret_volume("tls", tls_secret))
        mounts.append({"name": "tls", "mountPath": _TLS_DIRECTORY, "readOnly": True})
    return {
        "hostNetwork": True,
        "dnsPolicy": "ClusterFirstWithHostNet",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": pod_security(),
        "topologySpreadConstraints": spread_over_nodes(_selector(cluster)),
        "containers": [_container(cluster, installation, mounts)],
        "volumes": volumes,
    }


def _container(cluster: MediaCluster, installation: Installation, mounts: list[Manifest]) -> Manifest:
    ports = [_port("turn-udp", PORT, "UDP"), _port("turn-tcp", PORT, "TCP")]
    if cluster.spec.turn.tls_secret_ref:
        ports.append(_port("turn-tls", TLS_PORT, "TCP"))
    return {
        "name": "coturn",
        "image": installation.image(cluster, "coturn"),
        "imagePullPolicy": installation.pull_policy,
        "command": ["turnserver"],
        "args": [
            "-c",
            f"{_CONFIG_DIRECTORY}/{_CONFIG}",
            "--listening-ip=$(HOST_IP)",
            "--relay-ip=$(HOST_IP)",
        ],
        "env": environment({"HOST_IP": field("status.hostIP")}),
        "ports": ports,
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": container_security(),
        "readinessProbe": {
            "tcpSocket": {"port": "turn-tcp"},
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
