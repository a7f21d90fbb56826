"""The Secret of a cluster's TURN servers. They and signaling mount it, so its keys are files that can change.

secret           the key with which signaling makes credentials
next, previous   further keys that are accepted during a rotation, otherwise empty
since            when the last step of a rotation was taken
asked            the value of the last annotation that requested a rotation
peers            addresses of media nodes, one per line: the only ones that TURN relays to
urls             the TURN URLs that clients get, one per line
turnserver.conf  read by coturn when it starts
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest
from rotunda_operator.specs import names
from rotunda_operator.specs.invalid import one_word
from rotunda_operator.specs.metadata import of_cluster

SECRET, NEXT, PREVIOUS, SINCE, REQUESTED = "secret", "next", "previous", "since", "asked"
PEERS, URLS, CONFIG = "peers", "urls", "turnserver.conf"
FOR_TURN = (CONFIG, SECRET, NEXT, PREVIOUS, PEERS)
"""The keys that the TURN servers mount."""
FOR_SIGNALING = (SECRET, URLS)
CREDENTIAL_SECONDS = 3600
"""How long a credential can be used to open relays. A relay that is open stays open as long as it is
refreshed."""


@dataclass(frozen=True, slots=True)
class TurnKeys:
    """`current` makes credentials. `next` and `previous` are accepted too; they are empty outside of a
    rotation."""

    current: str
    since: datetime
    next: str = ""
    previous: str = ""
    requested: str = ""


def turn_secret(
    cluster: MediaCluster, keys: TurnKeys, *, peers: Sequence[str], urls: Sequence[str], config: str
) -> Manifest:
    data = {
        SECRET: keys.current,
        NEXT: keys.next,
        PREVIOUS: keys.previous,
        SINCE: keys.since.isoformat(),
        REQUESTED: keys.requested,
        PEERS: _lines(peers),
        URLS: _lines(urls),
        CONFIG: config,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": of_cluster(cluster, names.turn(cluster), names.TURN_COMPONENT),
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def read_turn_keys(manifest: Manifest, now: datetime) -> TurnKeys | None:
    """The keys in the current Secret; None where it has none. A damaged value counts as missing."""
    current = _text(manifest, SECRET)
    if not current:
        return None
    try:
        since = datetime.fromisoformat(_text(manifest, SINCE))
    except ValueError:
        since = now
    return TurnKeys(
        current=current,
        since=min(since, now) if since.tzinfo is not None else now,
        next=_text(manifest, NEXT),
        previous=_text(manifest, PREVIOUS),
        requested=_text(manifest, REQUESTED),
    )


def read_turn_peers(manifest: Manifest) -> list[str]:
    """The addresses of media nodes in the current Secret."""
    return _text(manifest, PEERS).split()


def _text(manifest: Manifest, key: str) -> str:
    try:
        return base64.b64decode(manifest["data"][key], validate=True).decode().strip()
    except (KeyError, TypeError, ValueError, binascii.Error):
        return ""


def _lines(values: Sequence[str]) -> str:
    return "".join(f"{one_word(value, of='an address of TURN')}\n" for value in values)
