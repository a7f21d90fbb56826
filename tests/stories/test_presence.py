"""Joining and leaving: people who join later, people who leave, and browsers that die."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest_asyncio
from harness.browser import ChromiumTab, chromium
from harness.guest import Guest
from harness.server import Server, serve
from playwright.async_api import Browser

Enter = Callable[..., Awaitable[Guest]]


async def test_a_late_joiner_sees_everybody_and_is_seen(enter: Enter) -> None:
    ada, ben = await enter("Ada"), await enter("Ben")
    await asyncio.gather(ada.sees(ben), ben.sees(ada))
    late = await enter("Late")
    await asyncio.gather(late.sees_and_hears(ada, ben), ada.sees(late), ben.sees(late))


async def test_who_leaves_is_gone_for_the_others(enter: Enter) -> None:
    ada, ben = await enter("Ada"), await enter("Ben")
    await ada.sees(ben)
    await ben.tab.call("() => window.rotunda.leave()")
    await ada.no_longer_sees(ben)


@pytest_asyncio.fixture(loop_scope="session")
async def impatient_server(tmp_path: Path) -> AsyncIterator[Server]:
    """One that keeps the seat of a lost connection for two seconds only."""
    async with serve(tmp_path / "server.log", {"ROTUNDA_SFU_RECONNECT_GRACE": "2"}) as running:
        yield running


async def test_a_killed_browser_is_gone_for_the_others(impatient_server: Server, cafe: Browser) -> None:
    ada_tab = await ChromiumTab.open(cafe)
    ada = await Guest("Ada", ada_tab).enter(impatient_server.url, "killed")
    async with chromium() as doomed:
        victim = await Guest("Vic", await ChromiumTab.open(doomed)).enter(impatient_server.url, "killed")
        await ada.sees(victim)
        await kill(doomed)
        await ada.no_longer_sees(victim)
    await ada.close()


async def kill(browser: Browser) -> None:
    """Ends the whole browser at once, as the kernel would."""
    session = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    for process in processes:
        with suppress(ProcessLookupError):  # one of the others' children, which end with them
            os.kill(process["id"], signal.SIGKILL)
