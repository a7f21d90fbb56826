"""The age of a report, by the clock of the machine that made it and by our own clock.

The two clocks may differ by any offset, which must not be taken for age. A difference that stays the same
over several reports is the offset of the clocks; what exceeds it is age. Until then the clocks are trusted.
"""

from collections import deque

AGREEING_REPORTS = 3
"""If the lags of so many reports in a row, made at different times, agree, they are the offset of the
clocks."""
AGREEMENT_SECONDS = 1.0
"""Lags agree if they differ by no more. The lags of reports that were delayed and arrive all at once do not
agree: they differ by the interval of the reports."""


class ClockOffset:
    """Of one reporter. Times are in seconds since 1970, `made` by its clock and `arrived` by ours."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """How far its clock is behind ours, including the shortest time a report was under way."""
        self._lags: deque[float] = deque(maxlen=AGREEING_REPORTS)
        self._last: float | None = None

    def age(self, made: float, arrived: float) -> float:
        """The age of a report in seconds, never negative."""
        lag = arrived - made
        if made != self._last:  # parts of the same report count once
            self._last = made
            self._lags.append(lag)
        self.seconds = min(self.seconds, lag)
        if len(self._lags) == AGREEING_REPORTS and max(self._lags) - min(self._lags) <= AGREEMENT_SECONDS:
            self.seconds = min(self._lags)
        return max(lag - self.seconds, 0.0)
