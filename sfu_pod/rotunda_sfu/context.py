"""What it takes to do something in a room: where its media runs, what is there, and who gets the events."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from rotunda_contract.rtp import RtpCapabilities
from rotunda_sfu.clock import Clock
from rotunda_sfu.dtls import SessionLimits
from rotunda_sfu.events import RoomEvents
from rotunda_sfu.media_worker import MediaWorker
from rotunda_sfu.randomness import Randomness
from rotunda_sfu.relations import Relations
from rotunda_sfu.sessions import Sessions
from rotunda_sfu.settings import Limits


@dataclass(slots=True, eq=False)
class RoomContext:
    """One room's surroundings. `router` is its number in the worker.

    `connect_deadline`: seconds that a transport may stay unconnected.
    `max_video_kbps`: what one person may send as video, all of it together; 0 means as much as they like.
    """

    worker: MediaWorker
    router: int
    capabilities: RtpCapabilities
    events: RoomEvents
    relations: Relations
    sessions: Sessions
    randomness: Randomness
    limits: Limits
    session_limits: SessionLimits
    clock: Clock
    connect_deadline: float
    max_video_kbps: int
    log: structlog.stdlib.BoundLogger
