import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from harness.browser import ChromiumTab, chromium
from harness.guest import Guest
from kubectl import Cluster
from people import Enter, OpenTab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A cluster takes minutes for what it does."""
    for item in items:
        item.add_marker(pytest.mark.timeout(1500))


@pytest.fixture
def cluster() -> Cluster:
    """Where the chart is installed as the release `rotunda`, as `make demo` does it."""
    if not Path(os.environ.get("KUBECONFIG", "")).is_file():
        pytest.fail("KUBECONFIG must name a cluster with the chart installed: see make demo, make e2e")
    return Cluster(os.environ.get("ROTUNDA_E2E_NAMESPACE") or "meet")


@pytest.fixture
def next_tag() -> str:
    """Tag of images that the cluster can have, other than the installed ones."""
    tag = os.environ.get("ROTUNDA_E2E_NEXT_TAG", "")
    if not tag:
        pytest.fail("ROTUNDA_E2E_NEXT_TAG must be another tag of the images: make e2e makes one")
    return tag


@pytest_asyncio.fixture
async def open_tab() -> AsyncIterator[OpenTab]:
    """A new tab of this story's Chromium, which takes the chart's own certificate."""
    async with chromium(None, "--ignore-certificate-errors") as browser, AsyncExitStack() as tabs:

        async def open_tab() -> ChromiumTab:
            tab = await ChromiumTab.open(browser)
            tabs.push_async_callback(tab.close)
            return tab

        yield open_tab


@pytest.fixture
def enter(open_tab: OpenTab) -> Enter:
    """Opens a room's address in a tab of its own and joins under a name."""

    async def enter(url: str, name: str) -> Guest:
        origin, _, room = url.rpartition("/r/")
        return await Guest(name, await open_tab()).enter(origin, room)

    return enter
