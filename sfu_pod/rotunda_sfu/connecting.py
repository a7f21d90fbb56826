"""Transports of an origin, whatever their kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from rotunda_contract.errors import LimitExceeded
from rotunda_sfu.context import RoomContext
from rotunda_sfu.origin import Origin
from rotunda_sfu.transports.transport import Transport, TransportListener

_T = TypeVar("_T", bound=Transport)


def open_transport(
    room: RoomContext,
    origin: Origin,
    make: Callable[[TransportListener, structlog.stdlib.BoundLogger], _T],
) -> _T:
    """Opens one that `make` makes. Raises LimitExceeded, and whatever `make` raises."""
    most = origin.limits.transports
    if len(room.relations.transports.of(origin)) >= most:
        raise LimitExceeded(f"a participant has at most {most} transports; close one first")
    transport = make(room.relations, room.log.bind(participant=origin.id))
    room.relations.transports.add(transport, origin)
    return transport
