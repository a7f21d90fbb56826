"""Mutual TLS between pods, with certificates that are renewed while the process runs.

A directory holds `ca.crt`, `tls.crt` and `tls.key` (PEM), as a Secret of type kubernetes.io/tls is mounted.
"""

from __future__ import annotations

from pathlib import Path

import grpc


def client_credentials(directory: Path | None) -> grpc.ChannelCredentials | None:
    """For a connection that we open; None without a directory. Raises OSError for a missing file."""
    if directory is None:
        return None
    authority, certificate, key = _read(directory)
    return grpc.ssl_channel_credentials(authority, key, certificate)


def server_credentials(directory: Path) -> grpc.ServerCredentials:
    """For connections that are made to us, whose callers must have a certificate of the same authority.

    Each new connection sees the files as they are then. Raises OSError for a missing file.
    """
    authority, certificate, key = _read(directory)
    initial = grpc.ssl_server_certificate_configuration([(key, certificate)], authority)
    known = (authority, certificate, key)

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal known
        try:
            found = _read(directory)
        except OSError:
            return None  # it is being replaced: what was known is good a while longer
        if found == known:
            return None
        known = found
        return grpc.ssl_server_certificate_configuration([(found[2], found[1])], found[0])

    return grpc.dynamic_ssl_server_credentials(
        initial,
        fetch,  # type: ignore[arg-type]  # None, by gRPC's documentation: nothing has changed
        require_client_authentication=True,
    )


def _read(directory: Path) -> tuple[bytes, bytes, bytes]:
    authority, certificate, key = (
        (directory / name).read_bytes() for name in ("ca.crt", "tls.crt", "tls.key")
    )
    return authority, certificate, key
