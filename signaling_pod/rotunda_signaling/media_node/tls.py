"""How signaling calls the media nodes of its cluster: with mutual TLS, where there are certificates."""

from functools import partial
from pathlib import Path

import grpc

from rotunda_contract.grpc_client import open_channel
from rotunda_contract.identities import identity_of
from rotunda_signaling.media_node.grpc import Dial


def dial_with(directory: Path | None, cluster: str, namespace: str) -> Dial:
    """`directory` holds ca.crt, tls.crt and tls.key; None: no TLS. Raises OSError for a missing file."""
    if directory is None:
        return open_channel
    authority, certificate, key = (
        (directory / name).read_bytes() for name in ("ca.crt", "tls.crt", "tls.key")
    )
    credentials = grpc.ssl_channel_credentials(authority, key, certificate)
    identity = identity_of("media-node", cluster, namespace)
    return partial(open_channel, credentials=credentials, identity=identity)
