import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from harness.browser import ChromiumTab, chromium
from harness.guest import Guest
from kubectl import Cluster

Enter = Callable[[str, str], Awaitable[Guest]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A cluster takes minutes for what it does."""
    for item in items:
        item.add_marker(pytest.mark.timeout(1500))


@pytest.fixture
def cluster() -> Cluster:
    """Where the chart is installed as the release `rotunda`, as `make demo` does it."""
    if not Path(os.environ.get("KUBECONFIG", "")).is_file():
        pytest.fail("KUBECONFIG must name a cluster with the chart installed: see make demo, make e2e")
    return Cluster(os.environ.get("ROTUNDA_E2E_NAMESPACE", "meet"))


@pytest_asyncio.fixture
async def enter() -> AsyncIterator[Enter]:
    """Opens a room's address in a Chromium of this story and joins under a name."""
    async with chromium(None, "--ignore-certificate-errors") as browser, AsyncExitStack() as people:

        async def enter(url: str, name: str) -> Guest:
            tab = await ChromiumTab.open(browser)
            people.push_async_callback(tab.close)
            origin, _, room = url.rpartition("/r/")
            return await Guest(name, tab).enter(origin, room)

        yield enter
