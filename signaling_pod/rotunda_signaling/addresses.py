"""Client addresses as limits see them. Pure."""

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SITE = 64
"""Bits of an IPv6 address that are somebody's at least; the rest is that one's to choose (RFC 6177)."""
_MOST = 128
"""Characters of an address, its interface included: what is remembered must not grow with its text."""


def parse_address(text: str) -> Address | None:
    """An IPv4 address also where a socket of both families spells it as IPv6; None: this is no address."""
    return _parsed(text) if len(text) <= _MOST else None


def site_of(text: str) -> str:
    """Whom an address belongs to: itself for IPv4, its /64 for IPv6. What is no address is its own site."""
    return _site(text[:_MOST])


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=4096)
def _site(text: str) -> str:
    address = parse_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _SITE), strict=False))
    return str(address) if address is not None else text
