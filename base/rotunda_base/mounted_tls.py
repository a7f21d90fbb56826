"""Certificates for mutual TLS between pods, read again whenever what is mounted has changed.

A directory holds `ca.crt`, `tls.crt` and `tls.key` (PEM), as a Secret of type kubernetes.io/tls is mounted:
by links through `..data`, which the kubelet points elsewhere when the Secret changes, so that the three of
one moment are always found together.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

_NAMES = ("ca.crt", "tls.crt", "tls.key")
_CURRENT = "..data"

_Signature = tuple[tuple[int, int, int], ...]

_log = logging.getLogger(__name__)


class NoCertificatesError(OSError):
    """What is mounted is not what it should be; the message says where and what is missing."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Whom we trust, and what we show; all PEM."""

    authority: bytes
    certificate: bytes
    key: bytes

    def for_channel(self) -> grpc.ChannelCredentials:
        """For connections that we open."""
        return grpc.ssl_channel_credentials(self.authority, self.key, self.certificate)

    def for_server(self) -> grpc.ServerCertificateConfiguration:
        """For connections that are made to us."""
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], self.authority)


class MountedCertificates:
    """The newest certificates that are complete. `version` counts how many there were.

    Raises OSError for a missing file and for what is no certificate with its key, at first only: later what
    was known is kept until what is mounted is whole again.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._signature = _signature(_folder(directory))
        self._current = _read(_folder(directory))
        self._bad: _Signature | None = None
        self.version = 1

    def current(self) -> Certificates:
        """The certificates that are mounted now.

        Reads the attributes of three files; the files themselves only if one has changed.
        """
        try:
            folder = _folder(self._directory)
            signature = _signature(folder)
            if signature != self._signature:
                self._take(_read(folder), signature)
        except NoCertificatesError as error:
            if signature != self._bad:
                self._bad = signature
                _log.warning("certificates are not renewed: %s", error)
        except OSError:
            pass  # it is being replaced: the next call reads it
        return self._current

    def _take(self, found: Certificates, signature: _Signature) -> None:
        self._signature = signature
        if found != self._current:
            self._current = found
            self.version += 1
            _log.info("certificates of %s were renewed", self._directory)


def server_credentials(directory: Path) -> grpc.ServerCredentials:
    """For a server whose callers must have a certificate of the same authority.

    Each new connection gets what is mounted then. Raises as MountedCertificates does.
    """
    mounted = MountedCertificates(directory)
    served = mounted.current()

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal served
        before, served = served, mounted.current()
        return served.for_server() if served is not before else None

    return grpc.dynamic_ssl_server_credentials(
        served.for_server(),
        fetch,  # type: ignore[arg-type]  # None, by gRPC's documentation: nothing has changed
        require_client_authentication=True,
    )


def _folder(directory: Path) -> Path:
    """The directory with the files: one symbolic link replaces all of them at once."""
    current = directory / _CURRENT
    return current.resolve(strict=True) if current.is_symlink() else directory


def _signature(folder: Path) -> _Signature:
    stats = [(folder / name).stat() for name in _NAMES]
    return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)


def _read(folder: Path) -> Certificates:
    authority, certificate, key = (folder / name for name in _NAMES)
    try:
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(certificate, key, password="")  # or it would ask for one
    except ssl.SSLError as error:
        raise NoCertificatesError(
            f"{folder} must hold PEM files of an authority (ca.crt), a certificate (tls.crt) and its private "
            f"key without a password (tls.key): {error}"
        ) from None
    return Certificates(*((folder / name).read_bytes() for name in _NAMES))
