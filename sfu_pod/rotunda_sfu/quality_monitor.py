"""Asks the workers for their counters every few seconds and emits whose connection changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from rotunda_base.tasks import cancel_and_wait
from rotunda_contract.errors import Unavailable
from rotunda_contract.ids import ParticipantId
from rotunda_sfu.media_worker import ConsumerStats, MediaWorker, ProducerStats, TransportStats, WorkerStats
from rotunda_sfu.node import Node
from rotunda_sfu.origin import Origin
from rotunda_sfu.quality import (
    LinkSample,
    QualityMeter,
    UplinkCount,
    downlink_loss,
    uplink_count,
    uplink_loss,
)
from rotunda_sfu.relations import Relations
from rotunda_sfu.room import Room


@asynccontextmanager
async def watch_quality(node: Node) -> AsyncIterator[None]:
    """Runs a monitor for each worker until the context ends."""
    tasks = [asyncio.create_task(_run(node, worker)) for worker in node.workers]
    try:
        yield
    finally:
        await cancel_and_wait(*tasks)


class QualityMonitor:
    """The participants of one worker's rooms, from one set of counters to the next."""

    def __init__(self) -> None:
        self._known: dict[ParticipantId, _Measured] = {}

    def update(self, rooms: Sequence[Room], stats: WorkerStats) -> None:
        """Compares with the counters before and emits the scores that moved to each room."""
        counters = _Counters.of(stats)
        present: dict[ParticipantId, _Measured] = {}
        for room in rooms:
            for participant in room.participants.values():
                if not participant.rules.listed:
                    continue  # Nobody is shown its quality.
                measured = self._known.get(participant.id) or _Measured()
                present[participant.id] = measured
                report = measured.meter.update(
                    _sample(room.context.relations, participant, measured, counters)
                )
                if report is not None:
                    score, reason = report
                    room.context.log.info(
                        "connection_quality", participant=participant.id, score=score, reason=reason
                    )
                    room.context.events.connection_quality(participant.id, score, reason)
        self._known = present


@dataclass(slots=True)
class _Measured:
    meter: QualityMeter = field(default_factory=QualityMeter)
    uplink: dict[int, UplinkCount] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Counters:
    transports: Mapping[int, TransportStats]
    producers: Mapping[int, ProducerStats]
    consumers: Mapping[int, ConsumerStats]

    @classmethod
    def of(cls, stats: WorkerStats) -> _Counters:
        return cls(
            {each.transport: each for each in stats.transports},
            {each.producer: each for each in stats.producers},
            {each.consumer: each for each in stats.consumers},
        )


async def _run(node: Node, worker: MediaWorker) -> None:
    monitor = QualityMonitor()
    log = structlog.stdlib.get_logger().bind(worker=worker.index)
    while True:
        await asyncio.sleep(node.settings.stats_interval)
        try:
            stats = await worker.collect_stats()
        except Unavailable:
            continue  # It may be replaced.
        rooms = [room for room in node.rooms if room.context.worker is worker]
        try:
            monitor.update(rooms, stats)
        except Exception:
            log.exception("quality_failed")


def _sample(relations: Relations, origin: Origin, measured: _Measured, counters: _Counters) -> LinkSample:
    producers = [
        counters.producers[each.number]
        for each in relations.producers.of(origin).values()
        if each.number in counters.producers
    ]
    consumers = [
        counters.consumers[each.number]
        for each in relations.consumers.of(origin).values()
        if each.number in counters.consumers and not each.paused
    ]
    trips = [
        trip
        for each in relations.transports.of(origin).values()
        if each.number in counters.transports
        and (trip := counters.transports[each.number].round_trip_time) is not None
    ]
    uplink = {stats.producer: uplink_count(stats) for stats in producers}
    before = [measured.uplink.get(number, UplinkCount()) for number in uplink]
    measured.uplink = uplink
    return LinkSample(
        uplink_loss=uplink_loss(before, uplink.values()),
        downlink_loss=downlink_loss(consumers),
        jitter=max([*(each.jitter for each in producers), *(each.jitter for each in consumers), 0.0]),
        round_trip=max(trips, default=0.0),
    )
