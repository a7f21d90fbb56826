"""The gRPC channel to one media node. It is opened again when the certificates were renewed.

A connection stays open when its certificates expire. So the calls on the old channel, such as the event
streams of rooms, go on until they end by themselves. New calls use a new channel with the new certificates.
"""

from __future__ import annotations

import asyncio

import grpc.aio

from rotunda_base.tasks import cancel_and_wait
from rotunda_contract import grpc_client
from rotunda_contract.pb import media_node_pb2_grpc
from rotunda_signaling.media_node.tls import Dial

SETTLE_SECONDS = 60.0
"""For calls that are about to begin on the old channel, including their retries."""
MAX_SECONDS = 30 * 86_400.0
"""A call that is still open on the old channel after this time is cut."""


class RenewedChannel:
    """`stub` is the client of the newest channel."""

    def __init__(self, address: str, dial: Dial) -> None:
        self._address = address
        self._dial = dial
        self._retiring: dict[asyncio.Task[None], grpc.aio.Channel] = {}
        self._open()

    @property
    def stub(self) -> media_node_pb2_grpc.MediaNodeAsyncStub:
        if self._dial.version != self._version:
            task = asyncio.create_task(_retire(self._channel), name=f"old channel to {self._address}")
            self._retiring[task] = self._channel
            task.add_done_callback(self._retiring.pop)
            self._open()
        return self._stub

    async def close(self) -> None:
        """Ends all calls and closes all channels."""
        retiring = dict(self._retiring)
        await cancel_and_wait(*retiring)
        for channel in (self._channel, *retiring.values()):
            await channel.close()

    def _open(self) -> None:
        self._version = self._dial.version
        self._channel = self._dial.open(self._address)
        self._stub = grpc_client.media_node_stub(self._channel)


async def _retire(channel: grpc.aio.Channel) -> None:
    await asyncio.sleep(SETTLE_SECONDS)
    await channel.close(grace=MAX_SECONDS)
