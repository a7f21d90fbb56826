"""Free ports for tests."""

import random
import socket

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Linux assigns no port of this range to a connection (net.ipv4.ip_local_port_range begins at 32768)."""
_given: set[int] = set()
"""Ports that this process has given out. They may not be in use yet."""


def free_port() -> int:
    """Free for TCP and UDP, on every address."""
    return _free_block(1)[0]


def free_network(count: int) -> dict[str, int]:
    """`portFrom` and `portTo` of a MediaCluster: a range of so many free ports."""
    block = _free_block(count)
    return {"portFrom": block[0], "portTo": block[-1]}


def _free_block(count: int) -> range:
    while True:
        first = random.choice(_BELOW_EPHEMERAL[:-count])
        block = range(first, first + count)
        if _given.isdisjoint(block) and all(_is_free(port) for port in block):
            _given.update(block)
            return block


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True
