"""How much a media node carries: from counters of its workers to the figures that it reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rotunda_sfu.media_worker import WorkerLoad, WorkerStats
from rotunda_sfu.quality import UplinkCount, uplink_count


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the node may carry at most; the bit rate in bit/s."""

    egress_bitrate: float
    participants: int


@dataclass(frozen=True, slots=True)
class WorkerSample:
    """One worker at one time. `stats` is None where it did not answer, `load` where it has failed."""

    load: WorkerLoad | None
    stats: WorkerStats | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The node at one time: `at` in seconds of a monotonic clock, `participants` by room."""

    at: float
    workers: Sequence[WorkerSample]
    participants: Mapping[str, int] = field(default_factory=dict)
    consumers: int = 0


@dataclass(frozen=True, slots=True)
class WorkerUse:
    """How far one worker is used: `utilization` is the share of a CPU, 0 to 1.

    What waits for it now is `backlog_bytes` in its sockets, as kernel memory, and `commands_waiting`.
    """

    utilization: float
    backlog_bytes: int = 0
    commands_waiting: int = 0


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """Utilizations and the share lost are 0 to 1, the bit rate in bit/s, jitter in seconds.

    `utilization` is the highest of the busiest worker's, of its backlog's, of what is sent and of the people.
    """

    utilization: float
    workers: Sequence[WorkerUse]
    egress_bitrate: float
    packet_loss: float
    jitter: float
    participants: Mapping[str, int]
    consumers: int
    packets_forwarded: int
    packets_dropped: int
    packets_overflowed: int
    packets_refused: int


class LoadMeter:
    """Compares each sample with the one before it; the first one shows no rates."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._before: Sample | None = None
        self._uplinks: dict[tuple[int, int], UplinkCount] = {}
        self._sent: dict[tuple[int, int], int] = {}

    def measure(self, sample: Sample) -> NodeLoad:
        """The load between the sample before and this one."""
        before, self._before = self._before or sample, sample
        seconds = sample.at - before.at
        pairs = list(zip(before.workers, sample.workers, strict=True))
        busy = [_busy(old.load, new.load, seconds) for old, new in pairs]
        behind = [_behind(old.load, new.load, seconds) for old, new in pairs]
        egress = 8 * _rate(_total(before, "bytes_sent"), _total(sample, "bytes_sent"), seconds)
        participants = sum(sample.participants.values())
        return NodeLoad(
            utilization=max(
                _busiest([max(both) for both in zip(busy, behind, strict=True)], sample),
                egress / self._capacity.egress_bitrate,
                participants / self._capacity.participants,
            ),
            workers=[_use(share, each.load) for share, each in zip(busy, sample.workers, strict=True)],
            egress_bitrate=egress,
            packet_loss=self._loss(sample),
            jitter=_jitter(sample),
            participants=sample.participants,
            consumers=sample.consumers,
            packets_forwarded=_total(sample, "packets_forwarded"),
            packets_dropped=_total(sample, "packets_dropped"),
            packets_overflowed=_total(sample, "packets_overflowed"),
            packets_refused=_total(sample, "packets_refused"),
        )

    def _loss(self, sample: Sample) -> float:
        """The share lost on the way to us and, by the receivers' last reports, from us."""
        answered = [
            (index, each.stats) for index, each in enumerate(sample.workers) if each.stats is not None
        ]
        uplinks = {
            (index, each.producer): uplink_count(each)
            for index, stats in answered
            for each in stats.producers
        }
        sent = {
            (index, each.consumer): each.packets_sent for index, stats in answered for each in stats.consumers
        }
        meant = lost = 0.0
        for key, now in uplinks.items():
            old = self._uplinks.get(key, UplinkCount())
            missing = max(now.lost - old.lost, 0)
            meant += max(now.received - old.received, 0) + missing
            lost += missing + max(now.repaired - old.repaired, 0)
        for index, stats in answered:
            for each in stats.consumers:
                packets = max(each.packets_sent - self._sent.get((index, each.consumer), 0), 0)
                meant += packets
                lost += packets * each.fraction_lost
        self._uplinks, self._sent = uplinks, sent
        return min(lost / meant, 1.0) if meant else 0.0


def _busiest(workers: Sequence[float], sample: Sample) -> float:
    """A room lives on one worker, so a full one hurts however idle the others are.

    One that has failed has nothing on it and gets nothing: it counts where no other is left.
    """
    alive = [busy for busy, each in zip(workers, sample.workers, strict=True) if each.load is not None]
    return max(alive or workers, default=0.0)


def _busy(before: WorkerLoad | None, now: WorkerLoad | None, seconds: float) -> float:
    """A worker that failed takes nothing more: it counts as full."""
    if now is None or before is None:
        return 1.0
    return min(_rate(before.busy_seconds, now.busy_seconds, seconds), 1.0)


def _behind(before: WorkerLoad | None, now: WorkerLoad | None, seconds: float) -> float:
    """The share of a receive buffer that was full at both ends of the time between two samples.

    A burst waits for milliseconds. A worker that gets less CPU than it needs, as others take it or a limit
    is met, is not busy all the time, but its sockets stay full and lose packets.
    """
    if now is None or before is None or seconds <= 0:
        return 0.0
    return min(before.backlog_share, now.backlog_share)


def _use(utilization: float, load: WorkerLoad | None) -> WorkerUse:
    if load is None:
        return WorkerUse(utilization)
    return WorkerUse(utilization, load.backlog_bytes, load.commands_waiting)


def _rate(before: float, now: float, seconds: float) -> float:
    """0 where a counter fell, as it does when a worker fails."""
    return max(now - before, 0.0) / seconds if seconds > 0 else 0.0


def _total(sample: Sample, counter: str) -> int:
    return sum(getattr(each.load, counter) for each in sample.workers if each.load is not None)


def _jitter(sample: Sample) -> float:
    """The mean over all that people send."""
    found = [each.jitter for worker in sample.workers if worker.stats for each in worker.stats.producers]
    return sum(found) / len(found) if found else 0.0
