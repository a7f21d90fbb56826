"""The channel to one media node, opened anew when certificates were renewed.

A connection outlives the certificates that it began with, so what runs on the old channel, such as the event
streams of rooms, goes on there until it ends by itself. A new connection would need the new ones.
"""

from __future__ import annotations

import asyncio

import grpc.aio

from rotunda_base.tasks import cancel_and_wait
from rotunda_contract import grpc_client
from rotunda_contract.pb import media_node_pb2_grpc
from rotunda_signaling.media_node.tls import Dial

SETTLE_SECONDS = 60.0
"""For a call that was about to begin on the old channel, retries included."""
LONGEST_SECONDS = 30 * 86_400.0
"""What still runs on the old channel after this is cut; its certificates are long over."""


class Line:
    """`stub` is what to call now."""

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
        """Ends everything that runs."""
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
    await channel.close(grace=LONGEST_SECONDS)
