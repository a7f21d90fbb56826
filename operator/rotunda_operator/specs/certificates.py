"""Secrets with certificates that the operator's authority issued, and with the authority itself."""

import base64

from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest
from rotunda_operator.certificates import Pair
from rotunda_operator.specs.metadata import COMPONENT, MANAGED_BY, OPERATOR, of_cluster

AUTHORITY = "rotunda-operator-ca"


def certificate_secret(
    cluster: MediaCluster, name: str, component: str, pair: Pair, authority: Pair
) -> Manifest:
    """tls.crt and tls.key of a component, and ca.crt, with which it verifies the others."""
    return _secret(of_cluster(cluster, name, component), pair, authority)


def operator_secret(namespace: str, name: str, pair: Pair, authority: Pair) -> Manifest:
    """The authority itself (AUTHORITY), or the certificate of the operator's own OTLP server."""
    labels = {"app.kubernetes.io/name": "rotunda", COMPONENT: "operator", MANAGED_BY: OPERATOR}
    return _secret({"name": name, "namespace": namespace, "labels": labels}, pair, authority)


def read_pair(secret: Manifest) -> Pair | None:
    """The pair in such a Secret; None where it is damaged."""
    try:
        data = secret["data"]
        parts = (base64.b64decode(data[key], validate=True) for key in ("tls.crt", "tls.key"))
        return Pair(*parts)
    except (KeyError, TypeError, ValueError):
        return None


def _secret(metadata: Manifest, pair: Pair, authority: Pair) -> Manifest:
    data = {"ca.crt": authority.certificate, "tls.crt": pair.certificate, "tls.key": pair.key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }
