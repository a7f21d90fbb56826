"""How signaling calls the media nodes of its cluster: with mutual TLS, where there are certificates."""

from pathlib import Path
from typing import Protocol

import grpc.aio

from rotunda_base.mounted_tls import MountedCertificates
from rotunda_contract.grpc_client import open_channel
from rotunda_contract.identities import identity_of


class Dial(Protocol):
    """Opens channels. Those that were opened with an older `version` should be replaced."""

    @property
    def version(self) -> int: ...

    def open(self, address: str) -> grpc.aio.Channel: ...


class PlainDial:
    """Implements Dial without TLS."""

    version = 1

    def open(self, address: str) -> grpc.aio.Channel:
        return open_channel(address)


class TlsDial:
    """Implements Dial with the certificates that are mounted now."""

    def __init__(self, mounted: MountedCertificates, identity: str) -> None:
        self._mounted = mounted
        self._identity = identity

    @property
    def version(self) -> int:
        self._mounted.current()
        return self._mounted.version

    def open(self, address: str) -> grpc.aio.Channel:
        return open_channel(address, self._mounted.current().for_channel(), identity=self._identity)


def dial_with(directory: Path | None, cluster: str, namespace: str) -> Dial:
    """`directory` holds ca.crt, tls.crt and tls.key; None: no TLS. Raises OSError for a missing file."""
    if directory is None:
        return PlainDial()
    return TlsDial(MountedCertificates(directory), identity_of("media-node", cluster, namespace))
