"""Parts of pod specs that several components share."""

from collections.abc import Mapping

from rotunda_kube.resource import Manifest

USER = 65532
"""The user and group id of all images."""
TLS_DIRECTORY = "/etc/rotunda/tls"
"""Where ca.crt, tls.crt and tls.key are mounted."""


def pod_security() -> Manifest:
    """What the PodSecurity level `restricted` requires of a pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Manifest:
    """What it requires of a container, and a read-only root file system."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def environment(values: Mapping[str, "str | Manifest"]) -> list[Manifest]:
    """Stage variables by name: a text, or the source of the value (see `field` and `secret_key`)."""
    return [
        {"name": name, "value": value} if isinstance(value, str) else {"name": name, "valueFrom": value}
        for name, value in values.items()
    ]


def field(path: str) -> Manifest:
    """The value is a field of the pod itself."""
    return {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}


def secret_key(secret: str, key: str) -> Manifest:
    """The value is a key of a Secret."""
    return {"secretKeyRef": {"name": secret, "key": key}}


def http_probe(path: str, port: str, *, every: int, failures: int) -> Manifest:
    """`every` in seconds. `port` is named after its scheme. The kubelet accepts any certificate."""
    return {
        "httpGet": {"path": path, "port": port, "scheme": port.upper()},
        "periodSeconds": every,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


def grpc_probe(port: int, *, every: int, failures: int) -> Manifest:
    """grpc.health.v1 without TLS: the kubelet knows no other. `every` in seconds."""
    return {
        "grpc": {"port": port, "service": ""},
        "periodSeconds": every,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


def secret_volume(name: str, secret: str) -> Manifest:
    """Readable by the pod's group only."""
    return {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}}


def scratch_volume(name: str, megabytes: int = 64) -> Manifest:
    return {"name": name, "emptyDir": {"sizeLimit": f"{megabytes}Mi"}}


def spread_over_nodes(selector: Mapping[str, str]) -> list[Manifest]:
    """As evenly over the Kubernetes nodes as possible."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(selector)},
        }
    ]
