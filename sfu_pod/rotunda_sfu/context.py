"""What the things in a room share: where their media runs, whom they tell, and who else is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from rotunda_contract.ids import DataProducerId, ProducerId
from rotunda_contract.rtp import RtpCapabilities
from rotunda_sfu.clock import Clock
from rotunda_sfu.dtls import SessionLimits
from rotunda_sfu.events import RoomEvents
from rotunda_sfu.media_worker import MediaWorker
from rotunda_sfu.randomness import Randomness
from rotunda_sfu.sessions import Sessions
from rotunda_sfu.settings import Limits

if TYPE_CHECKING:
    from rotunda_sfu.data_channel import DataProducer
    from rotunda_sfu.producer import Producer


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
    sessions: Sessions
    randomness: Randomness
    limits: Limits
    session_limits: SessionLimits
    clock: Clock
    connect_deadline: float
    max_video_kbps: int
    log: structlog.stdlib.BoundLogger
    producers: dict[ProducerId, Producer] = field(default_factory=dict)
    data_producers: dict[DataProducerId, DataProducer] = field(default_factory=dict)
