"""Services of the operator itself: they select the pod that holds the Lease."""

from rotunda_kube.resource import Manifest
from rotunda_operator.specs.metadata import COMPONENT, LEADER

OTLP = "rotunda-operator-otlp"
HEALTH = "rotunda-operator-health"
_NAMES = {"app.kubernetes.io/name": "rotunda", COMPONENT: "operator"}


def operator_services(namespace: str, *, otlp_port: int, health_port: int) -> list[Manifest]:
    """The Service that media nodes report to, and the Service of the health endpoints.

    Both have a cluster IP: after a change of the leader a reporter reaches the next one as soon as the label
    has moved. The addresses of a headless Service would be cached for half a minute.
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
            # The leader must get load reports even while it is not ready.
            "publishNotReadyAddresses": True,
            "selector": {**_NAMES, LEADER: "true"},
            "ports": [{"name": port_name, "port": port, "targetPort": port_name, "protocol": "TCP"}],
        },
    }
