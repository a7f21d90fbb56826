"""coturn's configuration: time-limited credentials, no way into the cluster."""

import ipaddress
from collections.abc import Iterable

RELAY_PORTS = (49152, 65535)
DENIED_PEERS = (
    "0.0.0.0-0.255.255.255",
    "10.0.0.0-10.255.255.255",
    "100.64.0.0-100.127.255.255",
    "127.0.0.0-127.255.255.255",
    "169.254.0.0-169.254.255.255",
    "172.16.0.0-172.31.255.255",
    "192.0.0.0-192.0.0.255",
    "192.168.0.0-192.168.255.255",
    "198.18.0.0-198.19.255.255",
    "224.0.0.0-255.255.255.255",
    "::",
    "::1",
    "::ffff:0.0.0.0-::ffff:255.255.255.255",
    "64:ff9b::-64:ff9b::ffff:ffff",
    "fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "ff00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
)
"""Addresses that are not the Internet's (IANA special-purpose registries): whoever holds a credential would
reach services of the cluster and the metadata of its machines through a relay that trusts everybody."""

_ALLOWED = "allowed-peer-ip="


def is_denied(address: str) -> bool:
    """Whether it can be relayed to only if it is allowed by itself. False for what is no address."""
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        return False
    for addresses in DENIED_PEERS:
        first, _, last = addresses.partition("-")
        start, end = ipaddress.ip_address(first), ipaddress.ip_address(last or first)
        if start.version == wanted.version and int(start) <= int(wanted) <= int(end):
            return True
    return False


def allowed_peers(config: str) -> list[str]:
    """The addresses that a configuration of ours lets through."""
    return [line.removeprefix(_ALLOWED) for line in config.splitlines() if line.startswith(_ALLOWED)]


def turn_config(
    *, secret: str, realm: str, port: int, tls_port: int, tls_directory: str, peers: Iterable[str]
) -> str:
    """turnserver.conf. No TLS where `tls_directory` is empty; `peers` are let through all the same."""
    first, last = RELAY_PORTS
    lines = [
        "use-auth-secret",
        f"static-auth-secret={secret}",
        f"realm={realm}",
        f"listening-port={port}",
        f"min-port={first}",
        f"max-port={last}",
        "fingerprint",
        "stale-nonce=600",
        "max-allocate-lifetime=3600",
        # Ten relays of a person at once: a few tabs, none of whom can take all ports.
        "user-quota=10",
        "no-cli",
        "no-tcp-relay",
        "no-multicast-peers",
        "no-software-attribute",
        "log-file=stdout",
        "simple-log",
        "pidfile=/tmp/turnserver.pid",
        "userdb=/var/lib/coturn/turndb",
        *_tls(tls_port, tls_directory),
        *(f"denied-peer-ip={addresses}" for addresses in DENIED_PEERS),
        *(f"{_ALLOWED}{address}" for address in sorted(set(peers))),
    ]
    return "\n".join(lines) + "\n"


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
