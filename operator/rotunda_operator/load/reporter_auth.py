"""Who may report load: with TLS only media nodes, by their certificate and for their own namespace.

A forged report of a low load would attract every new room.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import grpc

from rotunda_contract.identities import OPERATOR, identity_of
from rotunda_operator.certificates import Pair, issue, must_renew

_NAMES = "x509_subject_alternative_name"


def receiver_credentials(authority: Pair, now: Callable[[], datetime]) -> grpc.ServerCredentials:
    """Mutual TLS with a certificate that is issued here, and issued again before it expires."""
    own = issue(authority, OPERATOR, now())

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal own
        if not must_renew(own, now()):
            return None
        own = issue(authority, OPERATOR, now())
        return _configuration(own, authority)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(own, authority),
        renewed,  # type: ignore[arg-type]  # by gRPC's documentation None means: unchanged
        require_client_authentication=True,
    )


def may_report(auth_context: Mapping[str, Iterable[bytes]], namespace: str) -> bool:
    """Whether the caller may report for media nodes of the namespace. Without TLS everybody may."""
    if b"ssl" not in auth_context.get("transport_security_type", ()):
        return True
    start, _, end = identity_of("media-node", "?", namespace).partition("?")
    names = (name.decode(errors="replace") for name in auth_context.get(_NAMES, ()))
    return any(
        name.startswith(start) and name.endswith(end) and _is_label(name, start, end) for name in names
    )


def _is_label(name: str, start: str, end: str) -> bool:
    """Whether the text between start and end is one DNS label: the name of a cluster."""
    cluster = name[len(start) : len(name) - len(end)]
    return bool(cluster) and "." not in cluster


def _configuration(own: Pair, authority: Pair) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(own.key, own.certificate)], authority.certificate)
