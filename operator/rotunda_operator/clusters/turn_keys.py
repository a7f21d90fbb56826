"""Changing the key of TURN credentials so that no call notices: a pure function of what stands and the time.

Pods see a changed Secret one after another, and a credential lives on after it was handed out. So the next
key is accepted everywhere before it makes a credential, and the last one until its last credential is over:

  current                  for ROTATE_AFTER, or until somebody asks
  current, next            for SPREAD: every TURN server learns of the next
  next is current,         for a credential's life and SPREAD: every signaling pod learns of it, and then the
  the last is previous     last credential made from the previous key runs out
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from rotunda_operator.specs.turn_secret import CREDENTIAL_SECONDS, TurnKeys

ROTATE_AFTER = timedelta(days=7)
SPREAD = timedelta(minutes=5)
"""A kubelet carries a changed Secret into a pod within two minutes."""

ROTATE = "rotunda.dev/rotate-turn-key"
"""Annotation of a MediaCluster: a value that was not there before asks for another key."""


def keep_or_change(
    standing: TurnKeys | None, now: datetime, draw: Callable[[], str], *, asked: str = ""
) -> TurnKeys:
    """What shall stand now. One step is taken at a time, and each is written before the next."""
    if standing is None:
        return TurnKeys(draw(), since=now, asked=asked)
    passed = now - standing.since
    if standing.next:
        if passed < SPREAD:
            return standing
        return replace(standing, current=standing.next, next="", previous=standing.current, since=now)
    if standing.previous:
        if passed < SPREAD + timedelta(seconds=CREDENTIAL_SECONDS):
            return standing
        return replace(standing, previous="", since=now)
    if passed >= ROTATE_AFTER or (asked and asked != standing.asked):
        return replace(standing, next=draw(), since=now, asked=asked)
    return standing
