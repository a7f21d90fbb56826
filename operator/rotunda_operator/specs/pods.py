"""What all pods have in common."""

from collections.abc import Mapping

from rotunda_kube.resource import Manifest

USER = 65532
"""The user and group of all images."""
TLS_DIRECTORY = "/etc/rotunda/tls"
"""Where a pod finds ca.crt, tls.crt and tls.key."""


def pod_security() -> Manifest:
    """What the restricted PodSecurity level asks of a pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Manifest:
    """What it asks of a container, and that nothing of the image can be changed."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def environment(values: Mapping[str, "str | Manifest"]) -> list[Manifest]:
    """By name: a text, or where the value comes from (`field`, `secret_key`)."""
    return [
        {"name": name, "value": value} if isinstance(value, str) else {"name": name, "valueFrom": value}
        for name, value in values.items()
    ]


def field(path: str) -> Manifest:
    """A field of the pod itself, known when its container starts."""
    return {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}


def secret_key(secret: str, key: str) -> Manifest:
    """A value of a Secret."""
    return {"secretKeyRef": {"name": secret, "key": key}}


def http_probe(path: str, port: str, *, every: int, failures: int) -> Manifest:
    """`every` in seconds; `port` is named after its scheme, and a kubelet takes any certificate."""
    return {
        "httpGet": {"path": path, "port": port, "scheme": port.upper()},
        "periodSeconds": every,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


def grpc_probe(port: int, *, every: int, failures: int) -> Manifest:
    """grpc.health.v1 without TLS, which is all that a kubelet speaks. `every` in seconds."""
    return {
        "grpc": {"port": port, "service": ""},
        "periodSeconds": every,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


def secret_volume(name: str, secret: str) -> Manifest:
    """Mounted readable for the pod's group alone."""
    return {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}}


def scratch_volume(name: str, megabytes: int = 64) -> Manifest:
    return {"name": name, "emptyDir": {"sizeLimit": f"{megabytes}Mi"}}


def spread_over_nodes(selector: Mapping[str, str]) -> list[Manifest]:
    """As evenly over the Kubernetes nodes as can be had."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(selector)},
        }
    ]
