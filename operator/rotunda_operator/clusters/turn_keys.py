"""Rotation of the key of TURN credentials, without interrupting calls: a pure function of keys and time.

Pods see a changed Secret at different times, and a credential is valid for some time after it was issued.
Therefore every TURN server accepts the next key before a credential is made with it, and accepts the previous
key until its last credential has expired:

  keys                for how long
  current             ROTATE_AFTER, or until somebody requests a rotation
  current, next       PROPAGATION: every TURN server gets the next key
  previous, current   PROPAGATION and the life of a credential: every signaling pod gets the new current key,
                      then the last credential that was made with the previous key expires
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from rotunda_operator.specs.turn_secret import CREDENTIAL_SECONDS, TurnKeys

ROTATE_AFTER = timedelta(days=7)
PROPAGATION = timedelta(minutes=5)
"""How long it takes at most until every pod has a changed Secret. A kubelet needs up to two minutes."""

ROTATE = "rotunda.dev/rotate-turn-key"
"""Annotation of a MediaCluster: a new value requests a rotation."""


def keep_or_rotate(
    keys: TurnKeys | None, now: datetime, draw: Callable[[], str], *, requested: str = ""
) -> TurnKeys:
    """The desired keys. At most one step of a rotation is taken; it must be written before the next call."""
    if keys is None:
        return TurnKeys(draw(), since=now, requested=requested)
    passed = now - keys.since
    if keys.next:
        if passed < PROPAGATION:
            return keys
        return replace(keys, current=keys.next, next="", previous=keys.current, since=now)
    if keys.previous:
        if passed < PROPAGATION + timedelta(seconds=CREDENTIAL_SECONDS):
            return keys
        return replace(keys, previous="", since=now)
    if passed >= ROTATE_AFTER or (requested and requested != keys.requested):
        return replace(keys, next=draw(), since=now, requested=requested)
    return keys
