"""What one participant receives of another's producer."""

from collections.abc import Awaitable, Callable
from typing import Any

from rotunda.caller.counting import Count
from rotunda.caller.transport import OnPacket, Transport

JsonObject = dict[str, Any]
Request = Callable[..., Awaitable[JsonObject]]


class Consumer:
    """Made by Participant.consume. `packets` counts those that came; `rtp_parameters` tell how they look."""

    def __init__(
        self, answer: JsonObject, transport: Transport, request: Request, on_packet: OnPacket | None
    ) -> None:
        """`answer` is that to `consume`."""
        self.id = str(answer["id"])
        self.producer_id = str(answer["producerId"])
        self.kind = str(answer["kind"])
        self.rtp_parameters: JsonObject = answer["rtpParameters"]
        self.packets = Count()
        self._transport = transport
        self._request = request
        self._on_packet = on_packet
        for encoding in self.rtp_parameters["encodings"]:
            transport.receive(int(encoding["ssrc"]), self._arrived)

    async def resume(self) -> None:
        await self._request("resumeConsumer", consumerId=self.id)

    async def pause(self) -> None:
        await self._request("pauseConsumer", consumerId=self.id)

    async def request_key_frame(self) -> None:
        """For who has lost one: nothing can be decoded before the next."""
        await self._request("requestKeyFrame", consumerId=self.id)

    async def close(self) -> None:
        """Tells the server; what is under way is left out."""
        for encoding in self.rtp_parameters["encodings"]:
            self._transport.receive(int(encoding["ssrc"]), None)
        await self._request("closeConsumer", consumerId=self.id)

    def _arrived(self, packet: bytes, at: int) -> None:
        self.packets.add()
        if self._on_packet is not None:
            self._on_packet(packet, at)
