"""What one participant sends without end: a producer and the source of its packets."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from rotunda.caller.rtp import Kind, ticks
from rotunda.caller.transport import OnPacket, Transport

JsonObject = dict[str, Any]
Request = Callable[..., Awaitable[JsonObject]]


class Source(Protocol):
    """Makes RTP packets of one SSRC. `interval`: seconds between two calls of `packets`."""

    @property
    def kind(self) -> Kind: ...
    @property
    def ssrc(self) -> int: ...
    @property
    def interval(self) -> float: ...

    @property
    def rtp_parameters(self) -> JsonObject:
        """Those of `produce`."""

    def packets(self, count: int) -> list[bytes]:
        """Those of one frame; `count` is 0, 1, 2, …"""

    def request_key_frame(self) -> None:
        """The media node wishes that the next frame needs none before it."""


class Publication:
    """Sends from `start` on. `id` is the producer's, `frames` counts what was sent."""

    def __init__(
        self,
        producer_id: str,
        transport: Transport,
        source: Source,
        request: Request,
        on_sent: OnPacket | None,
    ) -> None:
        self.id = producer_id
        self.frames = 0
        self._transport = transport
        self._source = source
        self._request = request
        self._on_sent = on_sent
        self._sending: asyncio.Task[None] | None = None
        transport.on_key_frame_wish(source.ssrc, source.request_key_frame)

    def start(self) -> None:
        """Once. Whoever consumes before that misses nothing."""
        self._sending = asyncio.create_task(self._send())

    async def pause(self) -> None:
        """The media node forwards nothing; packets are sent all the same."""
        await self._request("pauseProducer", producerId=self.id)

    async def resume(self) -> None:
        await self._request("resumeProducer", producerId=self.id)

    async def stop(self) -> None:
        """Sends no more; the producer stays. Raises what sending ended with, if anything."""
        self._transport.on_key_frame_wish(self._source.ssrc, None)
        if self._sending is not None:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending

    async def close(self) -> None:
        """Ends the producer, too."""
        await self.stop()
        await self._request("closeProducer", producerId=self.id)

    async def _send(self) -> None:
        async for count in ticks(self._source.interval):
            for packet in self._source.packets(count):
                at = self._transport.send_rtp(packet)
                if self._on_sent is not None:
                    self._on_sent(packet, at)
            self.frames += 1
