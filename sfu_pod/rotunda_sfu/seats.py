"""Seats of one room: who holds which, and what happens to a seat whose connection is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rotunda_contract.ids import ConnectionId, ParticipantId, SeatToken, WatcherId
from rotunda_sfu.clock import Clock, Timer
from rotunda_sfu.participant import Connection, Participant

LOST_SECONDS = 1.0
"""Who is back sooner was hardly away: a page that loads anew, a signaling pod that was replaced."""


class SeatListener(Protocol):
    """Whoever emits the events about seats."""

    def on_seat_lost(self, participant: Participant) -> None:
        """Nobody has sat in the seat for `LOST_SECONDS`."""

    def on_seat_taken_again(self, participant: Participant) -> None:
        """Somebody sits in the seat that was empty, `on_seat_lost` or not."""

    def on_seat_expired(self, participant: Participant) -> None:
        """Nobody came back in time."""


@dataclass(slots=True)
class _Absence:
    """An empty seat's timers. `by_watcher` has the connection where only its watcher was lost."""

    lost: Timer
    expiry: Timer
    by_watcher: Connection | None

    def end(self) -> None:
        self.lost.cancel()
        self.expiry.cancel()


class Seats:
    """A seat is kept for `grace` seconds after its connection is lost, then it expires.

        held ──release──▶ empty ──grace──▶ expired
          ▲                 │
          └──── take ───────┘        take while held: the earlier connection loses the seat

    Losing a watcher empties the seats of all its connections; they are held again when the same
    watcher is back before they expire.
    """

    def __init__(self, clock: Clock, grace: float, listener: SeatListener) -> None:
        self._clock = clock
        self._grace = grace
        self._listener = listener
        self._by_token: dict[SeatToken, Participant] = {}
        self._absences: dict[ParticipantId, _Absence] = {}

    def add(self, participant: Participant) -> None:
        """A new participant, whose connection holds its seat."""
        self._by_token[participant.seat] = participant

    def remove(self, participant: Participant) -> None:
        self._by_token.pop(participant.seat, None)
        self._end_absence(participant)

    def find(self, token: SeatToken) -> Participant | None:
        return self._by_token.get(token)

    def holder(self, connection_id: ConnectionId) -> Participant | None:
        """Whose seat this connection holds."""
        held = (each for each in self._by_token.values() if each.connection is not None)
        return next((each for each in held if each.connection and each.connection.id == connection_id), None)

    def take(self, participant: Participant, connection: Connection) -> Connection | None:
        """The connection holds the seat from now on. The answer is the one that loses it, if any."""
        was_empty = self._end_absence(participant)
        earlier, participant.connection = participant.connection, connection
        if was_empty:
            self._listener.on_seat_taken_again(participant)
        return earlier if earlier is not None and earlier.id != connection.id else None

    def release(self, participant: Participant, connection_id: ConnectionId) -> bool:
        """The connection is lost. Ignored, with False, unless it holds the seat."""
        absence = self._absences.get(participant.id)
        if absence is not None and absence.by_watcher and absence.by_watcher.id == connection_id:
            absence.by_watcher = None
            return True
        if participant.connection is None or participant.connection.id != connection_id:
            return False
        self._begin_absence(participant, by_watcher=None)
        return True

    def lose_watcher(self, watcher: WatcherId) -> list[Participant]:
        """Empties the seats of all its connections, which are the answer."""
        lost = [
            each for each in self._by_token.values() if each.connection and each.connection.watcher == watcher
        ]
        for participant in lost:
            self._begin_absence(participant, by_watcher=participant.connection)
        return lost

    def regain_watcher(self, watcher: WatcherId) -> list[Participant]:
        """Undoes `lose_watcher`, as far as seats have not expired or been taken meanwhile."""
        back = []
        for participant in self._by_token.values():
            absence = self._absences.get(participant.id)
            connection = absence.by_watcher if absence else None
            if connection is not None and connection.watcher == watcher:
                self.take(participant, connection)
                back.append(participant)
        return back

    def close(self) -> None:
        """No seat expires any more."""
        for absence in self._absences.values():
            absence.end()
        self._absences.clear()
        self._by_token.clear()

    def _begin_absence(self, participant: Participant, *, by_watcher: Connection | None) -> None:
        participant.connection = None
        self._absences[participant.id] = _Absence(
            lost=self._clock.call_later(LOST_SECONDS, lambda: self._listener.on_seat_lost(participant)),
            expiry=self._clock.call_later(self._grace, lambda: self._expire(participant)),
            by_watcher=by_watcher,
        )

    def _end_absence(self, participant: Participant) -> bool:
        """False where there was none: the seat was held."""
        absence = self._absences.pop(participant.id, None)
        if absence is None:
            return False
        absence.end()
        return True

    def _expire(self, participant: Participant) -> None:
        self.remove(participant)
        self._listener.on_seat_expired(participant)
