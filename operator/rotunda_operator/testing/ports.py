"""Ports that nobody uses."""

import random
import socket

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Linux gives no connection a port from here by itself (net.ipv4.ip_local_port_range begins at 32768)."""


def free_port() -> int:
    """On loopback, for whatever starts right away."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_network(count: int) -> dict[str, int]:
    """`portFrom` and `portTo` of a MediaCluster, for so many ports that may be taken later, one by one."""
    while True:
        first = random.choice(_BELOW_EPHEMERAL[:-count])
        if all(_is_free(port) for port in range(first, first + count)):
            return {"portFrom": first, "portTo": first + count - 1}


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True
