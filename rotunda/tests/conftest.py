"""Fixtures of the contract of media nodes: what asks for them runs over the fake and the real one."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from harness.media_node import Room, fake_node, open_room, real_node

from rotunda_signaling.service.media_node import MediaNode


@pytest_asyncio.fixture(params=[fake_node, real_node], ids=["fake", "real"])
async def node(request: pytest.FixtureRequest) -> AsyncIterator[MediaNode]:
    async with request.param() as made:
        yield made


@pytest_asyncio.fixture
async def room(node: MediaNode) -> AsyncIterator[Room]:
    """An open room that one signaling process watches."""
    async with open_room(node) as opened:
        yield opened
