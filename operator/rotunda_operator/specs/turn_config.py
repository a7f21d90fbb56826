"""coturn's configuration: time-limited credentials, and no way to anything but media nodes.

What may change while calls go on is not in here, because coturn reads its configuration only when it starts:
the keys of credentials and the addresses of media nodes are files beside it, which `coturn/rotunda-coturn`
carries into tables that coturn reads again and again.
"""

import ipaddress
from collections.abc import Iterable

from rotunda_operator.specs.invalid import one_word

STATE_DIRECTORY = "/var/lib/coturn"
RELAYS_OF_A_PERSON = 50
"""At once: two transports, over UDP, TCP and TLS, on three networks, and again while ICE restarts."""
DENIED_PEERS = ("0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
"""Everything: what may be relayed to is allowed address by address. Who holds a credential could else reach
services of the cluster, the metadata of its machines, or anything on the Internet, in the relay's name."""


def turn_config(
    *,
    realm: str,
    tls_directory: str = "",
    loopback: bool = False,
    port: int = 3478,
    tls_port: int = 5349,
    relay_ports: tuple[int, int] = (49152, 65535),
    state_directory: str = STATE_DIRECTORY,
) -> str:
    """turnserver.conf. No TLS where `tls_directory` is empty.

    `loopback`: media nodes are announced at a loopback address, which coturn refuses before it looks at what
    is allowed. It then has to be allowed all the same, as every other address. Raises InvalidSpec.
    """
    first, last = relay_ports
    lines = [
        "use-auth-secret",
        # A client that comes over IPv6 and does not say which family it wants gets a relay of its own one.
        "allocation-default-address-family=keep",
        f"realm={one_word(realm, of='the realm of TURN')}",
        f"listening-port={port}",
        f"min-port={first}",
        f"max-port={last}",
        "fingerprint",
        "stale-nonce=600",
        "max-allocate-lifetime=3600",
        f"user-quota={RELAYS_OF_A_PERSON}",
        "no-cli",
        "no-tcp-relay",
        "no-multicast-peers",
        "no-software-attribute",
        "log-file=stdout",
        "simple-log",
        f"pidfile={state_directory}/turnserver.pid",
        f"userdb={state_directory}/turndb",
        *_tls(tls_port, tls_directory),
        *(f"denied-peer-ip={addresses}" for addresses in DENIED_PEERS),
        *(["allow-loopback-peers"] if loopback else []),
    ]
    return "\n".join(lines) + "\n"


def peer_addresses(addresses: Iterable[str]) -> list[str]:
    """Those that can be allowed, once each and in order: addresses of one machine.

    An unspecified address would allow everything (coturn takes it for an open end of a range).
    """
    found = {ip for ip in map(_parsed, addresses) if ip is not None}
    return [str(ip) for ip in sorted(found, key=lambda ip: (ip.version, int(ip)))]


def is_loopback(address: str) -> bool:
    """False for what is no address."""
    ip = _parsed(address)
    return ip is not None and ip.is_loopback


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return None
    return None if ip.is_unspecified or ip.is_multicast else ip


def _tls(port: int, directory: str) -> list[str]:
    if not directory:
        return ["no-tls", "no-dtls"]
    return [
        f"tls-listening-port={port}",
        "no-dtls",
        f"cert={directory}/tls.crt",
        f"pkey={directory}/tls.key",
        "no-tlsv1",
        "no-tlsv1_1",
    ]
