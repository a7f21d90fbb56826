"""ICE candidates of a worker's sockets (RFC 8445 section 5.1)."""

import ipaddress
from functools import cache

from rotunda_contract.rtp import IceCandidate
from rotunda_sfu.media_worker import MediaAddress

_HOST_PREFERENCE = 126
_HIGHEST_LOCAL_PREFERENCE = 65535
_RTP_COMPONENT = 1


@cache
def ice_candidates(addresses: tuple[MediaAddress, ...]) -> tuple[IceCandidate, ...]:
    """One host candidate for each announced address and port, the first with the highest priority.

    Loopback comes last: a browser on the same machine reaches it, anybody else wastes checks on it.
    """
    told = {(address.announced, address.port): address for address in addresses}
    ordered = sorted(told.values(), key=lambda address: _is_loopback(address.announced))
    return tuple(
        IceCandidate(
            foundation=f"host{index}",
            priority=_priority(_HIGHEST_LOCAL_PREFERENCE - index),
            ip=address.announced,
            address=address.announced,
            protocol=address.protocol,
            port=address.port,
            type="host",
        )
        for index, address in enumerate(ordered)
    )


def _priority(local_preference: int) -> int:
    return (_HOST_PREFERENCE << 24) + (local_preference << 8) + (256 - _RTP_COMPONENT)


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback
