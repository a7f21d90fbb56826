"""Ids of messages: opaque to clients, and in the order of time, so that the id alone says what is older.

48 bits of milliseconds since 1970, 16 bits that count within one, 64 random bits; as 32 hexadecimal digits.
"""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime

_SEQUENCES = 1 << 16


class MessageIds:
    """Draws the ids of one process, each greater than the one before even where the clock is set back."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """`clock`: seconds since 1970."""
        self._clock = clock
        self._last = 0

    def next(self) -> tuple[str, datetime]:
        """A new id, and the time in it."""
        now = round(self._clock() * 1000) * _SEQUENCES
        self._last = max(now, self._last + 1)
        milliseconds = self._last // _SEQUENCES
        made_at = datetime.fromtimestamp(milliseconds / 1000, UTC)
        return f"{self._last:016x}{secrets.token_hex(8)}", made_at


def first_id_at(seconds: float) -> str:
    """No id of that time or later is less than this; `seconds` since 1970."""
    return f"{max(0, round(seconds * 1000)) * _SEQUENCES:016x}"
