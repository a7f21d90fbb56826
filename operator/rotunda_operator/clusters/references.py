"""The Secrets that a MediaCluster names and somebody else creates: pure functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest
from rotunda_operator.specs.signaling import URL


@dataclass(frozen=True, slots=True)
class Reference:
    """The field `field` of the spec names the Secret `secret`, which must have `keys`."""

    field: str
    secret: str
    keys: tuple[str, ...] = ()


def references(cluster: MediaCluster) -> Iterator[Reference]:
    """Those that the spec names. Pods that mount one wait until it exists."""
    spec, certificate = cluster.spec, ("tls.crt", "tls.key")
    named = (
        Reference("redis.secretRef", spec.redis.secret_ref, (URL,)),
        Reference("database.secretRef", spec.database.secret_ref, (URL,)),
        Reference("auth.apiKeysSecretRef", spec.auth.api_keys_secret_ref),
        Reference("signaling.tlsSecretRef", spec.signaling.tls_secret_ref, certificate),
        Reference("turn.tlsSecretRef", spec.turn.tls_secret_ref if spec.turn.enabled else "", certificate),
    )
    return (reference for reference in named if reference.secret)


def missing(cluster: MediaCluster, found: Mapping[str, Manifest]) -> list[str]:
    """What is wrong with them, a sentence each. `found`: the Secrets that exist, by name."""
    problems = []
    for reference in references(cluster):
        named = f"Secret {reference.secret}, which {reference.field} names,"
        if reference.secret not in found:
            problems.append(f"{named} is not there.")
            continue
        data = found[reference.secret].get("data") or {}
        lacking = [key for key in reference.keys if not data.get(key)]
        if lacking:
            problems.append(f"{named} has no {' and no '.join(lacking)}.")
        elif not data:
            problems.append(f"{named} is empty.")
    return problems
