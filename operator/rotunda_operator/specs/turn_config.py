"""coturn's configuration: credentials that expire, and relays to media nodes only.

coturn reads its configuration only when it starts. What can change while calls go on is therefore not in it:
the keys of credentials and the addresses of media nodes are in further files, which `coturn/rotunda-coturn`
copies into database tables that coturn reads again and again.
"""

import ipaddress
from collections.abc import Iterable

from rotunda_operator.specs.invalid import one_word

STATE_DIRECTORY = "/var/lib/coturn"
RELAYS_PER_USER = 50
"""At the same time: two transports, each over UDP, TCP and TLS, on three networks, and all of them again
during an ICE restart."""
DENIED_PEERS = ("0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
"""All addresses: relaying is allowed for single addresses only. Otherwise anybody with a credential could
reach services of the cluster, the metadata service of its machines, or anything on the Internet from the
relay's address."""


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

    `loopback`: media nodes announce a loopback address. coturn refuses those unless an option allows them in
    general; the single address has to be allowed in addition. Raises InvalidSpec.
    """
    first, last = relay_ports
    lines = [
        "use-auth-secret",
        # A client that names no address family gets a relay of the family that it connects over.
        "allocation-default-address-family=keep",
        f"realm={one_word(realm, of='the realm of TURN')}",
        f"listening-port={port}",
        f"min-port={first}",
        f"max-port={last}",
        "fingerprint",
        "stale-nonce=600",
        "max-allocate-lifetime=3600",
        f"user-quota={RELAYS_PER_USER}",
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
    """Those of them that are addresses of a single machine, without duplicates and sorted.

    An unspecified address (0.0.0.0, ::) would allow everything: coturn takes it for the open end of a range.
    """
    found = {ip for ip in map(_parsed, addresses) if ip is not None}
    return [str(ip) for ip in sorted(found, key=lambda ip: (ip.version, int(ip)))]


def is_loopback(address: str) -> bool:
    """False where it is not an address."""
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
