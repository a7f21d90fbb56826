"""Time-limited TURN credentials, which a TURN server checks with a key that it shares with signaling.

"A REST API For Access To TURN Services" (draft-uberti-behave-turn-rest-00): the username is `expiry:name`,
the credential is base64(HMAC-SHA1(key, username)). The expiry is for opening relays: one that is open stays
for as long as its client refreshes it.
"""

import base64
import hashlib
import hmac
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from rotunda_contract.signaling.common import IceServer

MOST_SERVERS = 2
"""A client opens relays at every server of its list: one to use, and one in case that the first one fails."""
_URL = re.compile(r"turns?:(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(\?transport=(udp|tcp))?")

_log = structlog.get_logger(__name__)


def credentials(key: str, name: str, expires_at: int) -> tuple[str, str]:
    """Username and credential. `expires_at` in seconds since 1970; `name` counts for the server's quotas."""
    username = f"{expires_at}:{name}"
    digest = hmac.new(key.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def parse_urls(text: str) -> tuple[str, ...]:
    """URLs of TURN servers (RFC 7065), separated by white space or commas. Raises ValueError naming one."""
    urls = tuple(text.replace(",", " ").split())
    for url in urls:
        if _URL.fullmatch(url) is None:
            raise ValueError(
                f"{url} is no URL of a TURN server; give such as turn:turn.example.org:3478?transport=udp "
                "or turns:turn.example.org:5349?transport=tcp, separated by commas"
            )
    return urls


def some_servers(urls: Sequence[str], rng: random.Random, most: int = MOST_SERVERS) -> tuple[str, ...]:
    """All URLs of at most so many servers, picked by chance so that many share the load."""
    hosts = dict.fromkeys(_host(url) for url in urls)
    picked = set(rng.sample([*hosts], most)) if len(hosts) > most else hosts
    return tuple(url for url in urls if _host(url) in picked)


@dataclass(frozen=True, slots=True)
class TurnServers:
    """Where TURN servers are, and the key that they share.

    Both files, such as those of a mounted Secret, are read again each time, so a change takes effect at once.
    `urls_file` has further URLs beside `urls`. `ttl` in seconds.
    """

    urls: tuple[str, ...]
    urls_file: Path | None
    key_file: Path
    ttl: float

    def for_participant(self, name: str, now: float, rng: random.Random) -> IceServer | None:
        """The TURN servers for a client; None where there is no server, or no key. `now` in seconds since
        1970."""
        urls = some_servers((*self.urls, *self._urls_in_file()), rng)
        key = _read(self.key_file)
        if not urls or not key:
            return None
        username, credential = credentials(key, name, int(now + self.ttl))
        return IceServer(urls=urls, username=username, credential=credential)

    def _urls_in_file(self) -> tuple[str, ...]:
        if self.urls_file is None:
            return ()
        try:
            return parse_urls(_read(self.urls_file))
        except ValueError as error:
            _log.error("the file of TURN servers is not read", file=str(self.urls_file), error=str(error))
            return ()


@dataclass(frozen=True, slots=True)
class IceServers:
    """The ICE servers for each client: the `fixed` ones, and TURN servers with credentials for this
    client."""

    fixed: tuple[IceServer, ...]
    turn: TurnServers | None
    clock: Callable[[], float]
    rng: random.Random

    def __call__(self, participant_id: str) -> tuple[IceServer, ...]:
        if self.turn is None:
            return self.fixed
        server = self.turn.for_participant(participant_id, self.clock(), self.rng)
        return self.fixed if server is None else (*self.fixed, server)


def _host(url: str) -> str:
    found = _URL.fullmatch(url)
    return found["host"] if found is not None else url


def _read(file: Path) -> str:
    """Empty where it cannot be read, which is logged: a call may do without TURN."""
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        _log.error("a file of TURN is not read", file=str(file), error=str(error))
        return ""
