"""One client's place in a room: which events it gets, from which on."""

from collections.abc import Callable

from rotunda_contract.errors import Unavailable
from rotunda_contract.ids import ConnectionId, ParticipantId
from rotunda_signaling.service.client import Client, Event
from rotunda_signaling.service.room_state import Delivery


class Member:
    """Holds events back until the answer to `join` is known: it says who the client is and which events it
    contains."""

    def __init__(
        self,
        connection_id: ConnectionId,
        client: Client,
        on_gone: Callable[[], None] = lambda: None,
        *,
        counted: bool = True,
    ) -> None:
        """`on_gone` is called once, when somebody else ends the membership.

        `counted`: while they are on the way in the room is not empty.
        """
        self.connection_id = connection_id
        self.counted = counted
        self.participant_id: ParticipantId | None = None
        self.event_number = 0
        self._client = client
        self._on_gone = on_gone
        self._waiting: list[tuple[int | None, Delivery]] = []
        self._gone = False

    def deliver(self, delivery: Delivery, number: int | None = None) -> None:
        """Sends the event if it is for this client; `number` is its place in the room's stream."""
        if self.participant_id is None:
            self._waiting.append((number, delivery))
        elif self._concerned(delivery, number):
            self._client.send(delivery.event)

    def seat(self, participant_id: ParticipantId, event_number: int) -> None:
        """The join is done: events up to `event_number` are contained in its answer.

        Raises Unavailable when the membership ended meanwhile.
        """
        if self._gone:
            raise Unavailable("the room or the seat was lost while joining: join again", retry_after_ms=0)
        self.participant_id = participant_id
        self.event_number = event_number
        waiting, self._waiting = self._waiting, []
        for number, delivery in waiting:
            if number is None or number > event_number:
                self.deliver(delivery, number)

    def end(self, last: Event, *, disconnect: bool = False) -> None:
        """Sends the last event, which says why the membership ended."""
        if self._gone:
            return
        self._gone = True
        self._waiting.clear()
        self._client.send(last)
        self._on_gone()
        if disconnect:
            self._client.disconnect()

    def _concerned(self, delivery: Delivery, number: int | None) -> bool:
        contained = number is not None and number <= self.event_number
        if contained and delivery.event.name != "activeSpeaker":  # which no answer contains
            return False
        if delivery.recipient is not None:
            return delivery.recipient == self.participant_id
        return delivery.cause != self.participant_id
