"""Whom a certificate speaks for: DNS names that both ends of mutual TLS know beforehand.

Addresses are no use for that, as pods come and go on the addresses of Kubernetes nodes.
"""

_SUFFIX = "rotunda.internal"

OPERATOR = f"operator.{_SUFFIX}"
"""Where media nodes report their load."""


def identity_of(component: str, cluster: str, namespace: str) -> str:
    """A component of a MediaCluster, such as `media-node` or `signaling`."""
    return f"{component}.{cluster}.{namespace}.{_SUFFIX}"
