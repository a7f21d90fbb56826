"""A connection to signaling: requests with their answers, and the events that came."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any

from rotunda.caller.errors import SignalingUnreachable
from rotunda.caller.patience import USUAL, Patience
from rotunda.caller.signaling_socket import OnEvent, SignalingSocket

JsonObject = dict[str, Any]
Event = tuple[str, JsonObject]

KEPT_EVENTS = 10_000


class Connection:
    """Made by `open`. `events` has the last 10,000 in order, each as name and payload.

    `on_event` is given each that comes from then on.
    """

    def __init__(self, patience: Patience) -> None:
        self.events: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self.on_event: OnEvent = lambda name, payload: None
        self._patience = patience
        self._socket: SignalingSocket
        self._is_lost = False
        self._news = asyncio.Event()

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        token: str = "",
        context: ssl.SSLContext | None = None,
        patience: Patience = USUAL,
    ) -> "Connection":
        """`context` checks the certificate of an https URL. Raises Refused or SignalingUnreachable."""
        connection = cls(patience)
        connection._socket = await SignalingSocket.connect(
            url,
            connection._on_event,
            connection._on_lost,
            token=token,
            context=context,
            seconds=patience.connect,
        )
        return connection

    async def request(self, name: str, /, **payload: Any) -> JsonObject:
        """Sends one request and returns its answer. Raises Refused or SignalingUnreachable."""
        return await self._socket.request(name, payload, self._patience.answer)

    async def event(
        self, name: str, matching: Callable[[JsonObject], bool] = lambda payload: True
    ) -> JsonObject:
        """The payload of the first such event, whether it has come or is still to come. Bring a deadline.

        Raises SignalingUnreachable once the connection is lost.
        """
        while True:
            for told, payload in self.events:
                if told == name and matching(payload):
                    return payload
            if self._is_lost:
                raise SignalingUnreachable(f"the event {name} did not come: the connection was lost")
            news = self._news
            await news.wait()

    async def close(self) -> None:
        """At once; whoever has a seat keeps it for its time."""
        await self._socket.close()

    def _on_event(self, name: str, payload: JsonObject) -> None:
        self.events.append((name, payload))
        self.on_event(name, payload)
        self._tell()

    def _on_lost(self) -> None:
        self._is_lost = True
        self._tell()

    def _tell(self) -> None:
        """Wakes all who wait, each once."""
        self._news.set()
        self._news = asyncio.Event()
