"""The Secret of a cluster's TURN servers. They and signaling mount it: its keys are files that change.

secret           makes the credentials that signaling hands out
next, previous   accepted beside it while keys are changed, empty else
since            when the last step of changing them was taken
asked            which wish for a change was followed last
peers            addresses of media nodes, one a line: what may be relayed to
urls             what clients are told, one a line
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

SECRET, NEXT, PREVIOUS, SINCE, ASKED = "secret", "next", "previous", "since", "asked"
PEERS, URLS, CONFIG = "peers", "urls", "turnserver.conf"
FOR_TURN = (CONFIG, SECRET, NEXT, PREVIOUS, PEERS)
"""What the TURN servers read of it."""
FOR_SIGNALING = (SECRET, URLS)
CREDENTIAL_SECONDS = 3600
"""How long a credential may open relays. Those that it has opened stay, for as long as they are refreshed."""


@dataclass(frozen=True, slots=True)
class TurnKeys:
    """`current` makes credentials; `next` and `previous` are accepted too, and empty while there is none."""

    current: str
    since: datetime
    next: str = ""
    previous: str = ""
    asked: str = ""


def turn_secret(
    cluster: MediaCluster, keys: TurnKeys, *, peers: Sequence[str], urls: Sequence[str], config: str
) -> Manifest:
    data = {
        SECRET: keys.current,
        NEXT: keys.next,
        PREVIOUS: keys.previous,
        SINCE: keys.since.isoformat(),
        ASKED: keys.asked,
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
    """From the Secret as it stands; None where there is no key in it. What is damaged counts as missing."""
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
        asked=_text(manifest, ASKED),
    )


def read_turn_peers(manifest: Manifest) -> list[str]:
    """The addresses that may be relayed to, from the Secret as it stands."""
    return _text(manifest, PEERS).split()


def _text(manifest: Manifest, key: str) -> str:
    try:
        return base64.b64decode(manifest["data"][key], validate=True).decode().strip()
    except (KeyError, TypeError, ValueError, binascii.Error):
        return ""


def _lines(values: Sequence[str]) -> str:
    return "".join(f"{one_word(value, of='an address of TURN')}\n" for value in values)
