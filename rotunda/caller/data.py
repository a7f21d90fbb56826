"""Data channels as mediasoup's clients open them: negotiated, one SCTP stream each (RFC 8831)."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCSctpTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities

JsonObject = dict[str, Any]
Message = str | bytes
OnMessage = Callable[[Message], None]

MESSAGES_BACKLOG = 10_000
"""Messages that may wait to be read; `missed` counts those beyond."""


class DataChannels:
    """The SCTP association of one transport, begun with its first channel."""

    def __init__(self, association: RTCSctpTransport, sctp_parameters: JsonObject) -> None:
        self._association = association
        self._remote = sctp_parameters
        self._streams = 0

    def next_stream(self, *, ordered: bool, max_retransmits: int | None) -> JsonObject:
        """The `sctpStreamParameters` of a channel that this side opens."""
        stream: JsonObject = {"streamId": self._streams, "ordered": ordered}
        if max_retransmits is not None:
            stream["maxRetransmits"] = max_retransmits
        self._streams += 1
        return stream

    async def open(
        self, channel_id: str, stream: JsonObject, on_message: OnMessage | None = None
    ) -> "DataChannel":
        """A channel that both sides know of by now; returns once messages can be sent."""
        parameters = RTCDataChannelParameters(
            negotiated=True,
            id=int(stream["streamId"]),
            ordered=stream.get("ordered") is not False,
            maxPacketLifeTime=stream.get("maxPacketLifeTime"),
            maxRetransmits=stream.get("maxRetransmits"),
        )
        channel = DataChannel(channel_id, RTCDataChannel(self._association, parameters), on_message)
        capabilities = RTCSctpCapabilities(maxMessageSize=int(self._remote["maxMessageSize"]))
        await self._association.start(capabilities, int(self._remote["port"]))
        await channel.opened.wait()
        return channel

    async def close(self) -> None:
        await self._association.stop()


class DataChannel:
    """One channel in one direction. `id` is that of the data producer or data consumer.

    Messages wait for `receive`, where nobody is given them by `on_message`.
    """

    def __init__(self, channel_id: str, channel: RTCDataChannel, on_message: OnMessage | None) -> None:
        self.id = channel_id
        self.missed = 0
        self.opened = asyncio.Event()
        self._channel = channel
        self._received: asyncio.Queue[Message] = asyncio.Queue(MESSAGES_BACKLOG)
        channel.on("open", self.opened.set)
        channel.on("message", on_message or self._keep)
        if channel.readyState == "open":
            self.opened.set()

    @property
    def buffered_bytes(self) -> int:
        """What waits to be sent."""
        return self._channel.bufferedAmount

    def send(self, message: Message) -> None:
        """Raises aiortc's InvalidStateError once the channel is closed."""
        self._channel.send(message)

    async def receive(self) -> Message:
        """The next message."""
        return await self._received.get()

    def _keep(self, message: Message) -> None:
        if self._received.full():
            self.missed += 1
        else:
            self._received.put_nowait(message)
