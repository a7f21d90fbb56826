"""One instant by both clocks: durations count on the monotonic one, what people read is wall time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic


@dataclass(frozen=True, slots=True)
class Moment:
    """`mono` in seconds of this process's monotonic clock; `wall` in UTC, whole seconds."""

    mono: float
    wall: datetime

    def after(self, seconds: float) -> "Moment":
        return Moment(self.mono + seconds, self.wall + timedelta(seconds=seconds))

    def since(self, earlier: datetime) -> float:
        """Seconds of wall time; never negative, as clocks of machines differ."""
        return max((self.wall - earlier).total_seconds(), 0.0)


def now() -> Moment:
    return Moment(monotonic(), datetime.now(UTC).replace(microsecond=0))
