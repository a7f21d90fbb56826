"""How old a report is, by the clock of the machine that made it and by ours.

Two clocks may stand apart by any distance, which must not be taken for age: a distance that stays is the
clocks', what exceeds it is age. Until it has been seen to stay, the clocks are trusted.
"""

from collections import deque

AGREEING = 3
"""So many reports in a row, made at different times, show by their lags that the clocks stand apart."""
SPREAD_SECONDS = 1.0
"""Within which these lags lie. Reports that were held back and come all at once differ by their interval."""


class ClockDistance:
    """Of one reporter. Times in seconds since 1970, each by the clock of its machine."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """Of its clock behind ours, and the shortest way from there."""
        self._lags: deque[float] = deque(maxlen=AGREEING)
        self._last: float | None = None

    def age(self, made: float, arrived: float) -> float:
        """Seconds between the two, never negative."""
        lag = arrived - made
        if made != self._last:  # one report in two messages is one witness
            self._last = made
            self._lags.append(lag)
        self.seconds = min(self.seconds, lag)
        if len(self._lags) == AGREEING and max(self._lags) - min(self._lags) <= SPREAD_SECONDS:
            self.seconds = min(self._lags)
        return max(lag - self.seconds, 0.0)
