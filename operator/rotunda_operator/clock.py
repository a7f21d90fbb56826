"""The clock of the operator. It is passed as an argument, so that tests bring their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic


@dataclass(frozen=True, slots=True)
class Instant:
    """One point in time on two clocks.

    `monotonic` is in seconds of this process's monotonic clock: durations are measured with it. `wall` is UTC
    in whole seconds: it is what people read in a status.
    """

    monotonic: float
    wall: datetime

    def after(self, seconds: float) -> "Instant":
        return Instant(self.monotonic + seconds, self.wall + timedelta(seconds=seconds))

    def since(self, earlier: datetime) -> float:
        """Seconds of wall time since then. Never negative, because clocks of machines differ."""
        return max((self.wall - earlier).total_seconds(), 0.0)


Clock = Callable[[], Instant]


def system_clock() -> Instant:
    return Instant(monotonic(), datetime.now(UTC).replace(microsecond=0))
