"""Services of the operator itself: they select the pod that holds the Lease."""

from rotunda_kube.resource import Manifest
from rotunda_operator.specs.metadata import COMPONENT, LEADER

OTLP = "rotunda-operator-otlp"
HEALTH = "rotunda-operator-health"
_NAMES = {"app.kubernetes.io/name": "rotunda", COMPONENT: "operator"}


def operator_services(namespace: str, *, otlp_port: int, health_port: int) -> list[Manifest]:
    """The Service that media nodes report to, and the one of health.

    Both have an address of their own: a reporter that lost the holder finds the next one as soon as the
    label has moved, where a name's addresses would be remembered for half a minute.
    """
    return [
        _service(namespace, OTLP, "otlp", otlp_port),
        _service(namespace, HEALTH, "health", health_port),
    ]


def _service(namespace: str, name: str, port_name: str, port: int) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(_NAMES)},
        "spec": {
            "type": "ClusterIP",
            "ipFamilyPolicy": "PreferDualStack",
            # Whom the label names acts: reports still have to reach it when it is not ready.
            "publishNotReadyAddresses": True,
            "selector": {**_NAMES, LEADER: "true"},
            "ports": [{"name": port_name, "port": port, "targetPort": port_name, "protocol": "TCP"}],
        },
    }
