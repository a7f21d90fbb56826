"""ICE candidates of a worker's sockets (RFC 8445 section 5.1, RFC 6544 section 4)."""

import ipaddress
from functools import cache

from rotunda_contract.rtp import IceCandidate
from rotunda_sfu.media_worker import MediaAddress

_HOST_PREFERENCE = 126
_HOST_TCP_PREFERENCE = 90
"""Below every kind of UDP, relayed ones excepted: who has UDP uses it."""
_HIGHEST_LOCAL_PREFERENCE = 65535
_PASSIVE_DIRECTION = 4
_HIGHEST_OTHER_PREFERENCE = 8191
_RTP_COMPONENT = 1


@cache
def ice_candidates(addresses: tuple[MediaAddress, ...]) -> tuple[IceCandidate, ...]:
    """One host candidate for each announced address and port, the first with the highest priority.

    UDP comes before TCP. Loopback comes last: a browser on the same machine reaches it, anybody else
    wastes checks on it.
    """
    distinct = {(address.protocol, address.announced, address.port): address for address in addresses}
    ordered = sorted(distinct.values(), key=lambda address: _is_loopback(address.announced))
    datagrams = [address for address in ordered if address.protocol == "udp"]
    streams = [address for address in ordered if address.protocol == "tcp"]
    return (
        *(
            _candidate(address, f"host{index}", _udp_priority(index))
            for index, address in enumerate(datagrams)
        ),
        *(_candidate(address, f"tcp{index}", _tcp_priority(index)) for index, address in enumerate(streams)),
    )


def _candidate(address: MediaAddress, foundation: str, priority: int) -> IceCandidate:
    return IceCandidate(
        foundation=foundation,
        priority=priority,
        ip=address.announced,
        address=address.announced,
        protocol=address.protocol,
        port=address.port,
        type="host",
        tcp_type="passive" if address.protocol == "tcp" else None,
    )


def _udp_priority(index: int) -> int:
    return _priority(_HOST_PREFERENCE, _HIGHEST_LOCAL_PREFERENCE - index)


def _tcp_priority(index: int) -> int:
    """RFC 6544 section 4.2 has the direction in the upper three bits of the local preference."""
    return _priority(_HOST_TCP_PREFERENCE, (_PASSIVE_DIRECTION << 13) + _HIGHEST_OTHER_PREFERENCE - index)


def _priority(type_preference: int, local_preference: int) -> int:
    return (type_preference << 24) + (local_preference << 8) + (256 - _RTP_COMPONENT)


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback
