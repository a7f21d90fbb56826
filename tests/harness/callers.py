"""People without browsers for tests and benches: `rotunda.caller`'s, on this machine and patient with it."""

from collections.abc import Callable
from typing import Any

from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCSctpCapabilities, RTCSctpTransport

from rotunda.caller import CallerTransport, OnPacket, Patience, Person

PATIENCE = Patience(connect=60.0, answer=300.0, check=60.0, handshake=60.0)
LOOPBACK = "127.0.0.1"


async def enter(url: str, room: str, name: str) -> Person:
    """Connects and joins. Raises CallError; Refused with the code of what stood in the way."""
    return await Person.enter(url, room, name, patience=PATIENCE)


async def open_transport(
    person: Person, direction: str, on_packet: OnPacket | None = None
) -> CallerTransport:
    """A transport over loopback with ICE and DTLS done."""
    return await person.transport(direction, on_packet=on_packet, host=LOOPBACK)


class Listener(Person):
    """Counts the requests, and tells `on_event` of each event."""

    requests = 0
    on_event: Callable[[str, dict[str, Any]], None] | None = None

    async def request(self, name: str, /, **payload: Any) -> dict[str, Any]:
        self.requests += 1
        return await super().request(name, **payload)

    def _keep(self, name: str, payload: dict[str, Any]) -> None:
        super()._keep(name, payload)
        if self.on_event is not None:
            self.on_event(name, payload)


class Sctp:
    """An SCTP association whose data channels are negotiated by signaling (RFC 8831)."""

    def __init__(self, sctp: RTCSctpTransport) -> None:
        self._sctp = sctp

    @classmethod
    async def open(cls, transport: CallerTransport) -> "Sctp":
        """Begins the association; what is sent before it stands waits."""
        options = transport._options["sctpParameters"]
        sctp = RTCSctpTransport(transport._dtls)
        await sctp.start(RTCSctpCapabilities(options["maxMessageSize"]), options["port"])
        return cls(sctp)

    async def close(self) -> None:
        """To be called before the transport ends."""
        await self._sctp.stop()

    def channel(self, stream: int) -> RTCDataChannel:
        """Reliable and ordered."""
        return RTCDataChannel(self._sctp, RTCDataChannelParameters(negotiated=True, id=stream))
