"""HTTPS: a certificate that is read again, for each new connection, when the mounted files have changed."""

import ssl
from pathlib import Path

import structlog

_NAMES = ("tls.crt", "tls.key")
_log = structlog.get_logger(__name__)

_Signature = tuple[tuple[int, int, int], ...]


class CertificateError(OSError):
    """What is mounted is no certificate with its key; the message says where and what is accepted."""


class ServedCertificate:
    """`context` is for a listener. Raises CertificateError at first only.

    Later what was known is kept until the files are whole again: a Secret of type kubernetes.io/tls is
    mounted by links that change all at once, but people copy files one by one.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._current = _read(directory)
        self._signature = _signature(directory)
        self.context = self._current
        # A listener keeps its context; the connection's is replaced at the first thing a client says.
        self.context.sni_callback = self._on_hello

    def _on_hello(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        self._look()
        connection.context = self._current

    def _look(self) -> None:
        """Costs two look-ups of a file's attributes while nothing has changed."""
        signature = _signature(self._directory)
        if signature == self._signature:
            return
        self._signature = signature
        try:
            self._current = _read(self._directory)
        except CertificateError as error:
            _log.warning("the certificate is not renewed", error=str(error))
        else:
            _log.info("the certificate was renewed", directory=str(self._directory))


def _read(directory: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    certificate, key = (directory / name for name in _NAMES)
    try:
        context.load_cert_chain(certificate, key, password="")  # or it would ask for one
    except OSError as error:
        raise CertificateError(
            f"{directory} must hold a certificate (tls.crt) and its private key without a password "
            f"(tls.key), both PEM, as a Secret of type kubernetes.io/tls does: {error}"
        ) from None
    return context


def _signature(directory: Path) -> _Signature:
    """Of the files as they are now; empty while they are being replaced."""
    try:
        stats = [(directory / name).stat() for name in _NAMES]
    except OSError:
        return ()
    return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)
