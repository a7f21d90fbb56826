"""How many connections there may be of one address, and what keeps new ones out. Counts; has no sockets."""

import ipaddress
from collections import Counter

from rotunda_contract.errors import Unavailable
from rotunda_signaling.addresses import Network, parse_address, site_of

PER_ADDRESS = 1000
LOOPBACK = "127.0.0.1,::1"


_PROXIES = "proxies"
"""Whose connections are counted together."""


class Place:
    """Of one connection or request. Giving it back twice is allowed."""

    def __init__(self, taken: Counter[str], site: str) -> None:
        self._taken = taken
        self._site: str | None = site
        taken[site] += 1

    def give_back(self) -> None:
        site, self._site = self._site, None
        if site is None:
            return
        self._taken[site] -= 1
        if not self._taken[site]:
            del self._taken[site]


class Connections:
    """Of one listener. A proxy may have any number, and whom it speaks for as many as everybody.

    `proxies` are addresses and networks separated by commas, or `*` for all.
    """

    def __init__(self, per_address: int = PER_ADDRESS, proxies: str = LOOPBACK) -> None:
        self.proxies = proxies
        self.refused = 0
        """Connections and requests of addresses that had too many."""
        self.per_address = per_address
        self._all_are_proxies = proxies.strip() == "*"
        self._networks = _networks(proxies)
        self._connected: Counter[str] = Counter()
        self._asking: Counter[str] = Counter()
        self._shortage: str | None = None

    @property
    def open(self) -> int:
        """Connections that there are."""
        return self._connected.total()

    def enter(self, peer: str) -> Place | None:
        """A place for a connection of whoever is at its other end; None: that one has too many."""
        if self._all_are_proxies:
            return Place(self._connected, _PROXIES)
        return self._take(self._connected, peer)

    def ask(self, client: str) -> Place | None:
        """A place for a request or WebSocket of whom a proxy may have spoken for; None: too many run."""
        return self._take(self._asking, client)

    def starve(self, reason: str) -> bool:
        """The system gives no descriptor for a new connection. True when that is news."""
        news, self._shortage = self._shortage is None, reason
        return news

    def recover(self) -> bool:
        """A new connection could be taken. True when that is news."""
        news, self._shortage = self._shortage is not None, None
        return news

    def check_ready(self) -> None:
        """Raises Unavailable while no new connection can be taken."""
        if self._shortage is not None:
            raise Unavailable(f"no new connection can be taken: {self._shortage}", retry_after_ms=1000)

    def _take(self, taken: Counter[str], address: str) -> Place | None:
        if self._is_proxy(address):
            return Place(taken, _PROXIES)
        site = site_of(address)
        if taken[site] >= self.per_address:
            self.refused += 1
            return None
        return Place(taken, site)

    def _is_proxy(self, text: str) -> bool:
        address = parse_address(text)
        return address is not None and any(address in network for network in self._networks)


def _networks(proxies: str) -> list[Network]:
    found = []
    for item in proxies.split(","):
        try:
            found.append(ipaddress.ip_network(item.strip(), strict=False))
        except ValueError:
            continue  # `*`, or a name, which nobody connects from
    return found
