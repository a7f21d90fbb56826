"""How good somebody's connection is, from what the media worker counts. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rotunda_sfu.media_worker import ConsumerStats, ProducerStats

BEST = 10
_SMOOTHING = 0.5
"""Weight of the newest interval: a change shows within about two."""
_R_BEST = 93.2
_R_PER_LOSS = 250.0
"""R is lowered by 2.5 for each percent lost."""
_NOTABLE = 5.0
"""A factor that costs less R than this is not named as the reason."""


@dataclass(frozen=True, slots=True)
class LinkSample:
    """One participant over one interval: shares lost from 0 to 1, times in seconds."""

    uplink_loss: float = 0.0
    downlink_loss: float = 0.0
    jitter: float = 0.0
    round_trip: float = 0.0


@dataclass(frozen=True, slots=True)
class Quality:
    """`score` from 0 to 10 before rounding; `reason` is what costs most, if anything does."""

    score: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class UplinkCount:
    """What a producer's counters were."""

    received: int = 0
    lost: int = 0
    repaired: int = 0


def uplink_count(stats: ProducerStats) -> UplinkCount:
    """Retransmissions beyond those asked for are the sender's probing, which repairs nothing."""
    return UplinkCount(stats.packets_received, stats.packets_lost, min(stats.rtx_received, stats.nacks_sent))


def uplink_loss(before: Iterable[UplinkCount], after: Iterable[UplinkCount]) -> float:
    """The share lost on the way to us between two counts, whether or not it was repaired."""
    old, new = _sum(before), _sum(after)
    missing = max(0, new.lost - old.lost) + max(0, new.repaired - old.repaired)
    sent = max(0, new.received - old.received) + max(0, new.lost - old.lost)
    return min(1.0, missing / sent) if sent else 0.0


def downlink_loss(consumers: Iterable[ConsumerStats]) -> float:
    """The share lost on the way to the peer by its last reports; paused consumers say nothing."""
    reports = [stats.fraction_lost for stats in consumers if stats.packets_sent]
    return sum(reports) / len(reports) if reports else 0.0


def quality(sample: LinkSample) -> Quality:
    """The E-model of ITU-T G.107 in its usual simplification: R falls with delay, jitter and loss.

    Jitter counts twice as delay, because a receiver's buffer has to hold that much.
    """
    half_trip = sample.round_trip / 2
    costs = {
        "uplink loss": sample.uplink_loss * _R_PER_LOSS,
        "downlink loss": sample.downlink_loss * _R_PER_LOSS,
        "jitter": _delay_cost(half_trip + 2 * sample.jitter) - _delay_cost(half_trip),
        "round trip": _delay_cost(half_trip),
    }
    r = max(0.0, _R_BEST - sum(costs.values()))
    worst = max(costs, key=lambda name: costs[name])
    return Quality(r / _R_BEST * BEST, worst if costs[worst] >= _NOTABLE else None)


class QualityMeter:
    """One participant's score over time: smoothed, and reported only when it has moved by 1 or more."""

    def __init__(self) -> None:
        self._smoothed = float(BEST)
        self._reported = BEST

    def update(self, sample: LinkSample) -> tuple[int, str | None] | None:
        """The score and reason to report now, or None."""
        now = quality(sample)
        self._smoothed += _SMOOTHING * (now.score - self._smoothed)
        if abs(self._smoothed - self._reported) < 1 and not self._is_back_at_best():
            return None
        self._reported = round(self._smoothed)
        return self._reported, now.reason

    def _is_back_at_best(self) -> bool:
        """The last step up to the best score is half a step wide, else it would never be reported."""
        return self._reported == BEST - 1 and self._smoothed > BEST - 0.3


def _sum(counts: Iterable[UplinkCount]) -> UplinkCount:
    items = list(counts)
    return UplinkCount(
        sum(item.received for item in items),
        sum(item.lost for item in items),
        sum(item.repaired for item in items),
    )


def _delay_cost(seconds: float) -> float:
    """R lost to a one-way delay; it bends at 160 ms, from where talking over each other begins."""
    milliseconds = seconds * 1000 + 10
    return milliseconds / 40 if milliseconds < 160 else (milliseconds - 120) / 10
