"""Raised hands, reactions and lost connections, by the app's buttons and as the others see them."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest_asyncio
from harness.browser import ChromiumTab
from harness.guest import SMALL_CAMERA, instrument
from harness.server import Server, serve
from playwright.async_api import Browser, Locator, Page, expect

from rotunda_contract.signaling.common import Permission
from rotunda_signaling.auth.grants import GUEST_GRANTS
from rotunda_signaling.auth.keys import ApiKey
from rotunda_signaling.auth.tokens import sign_join

KEY = ApiKey("backend", b"0123456789abcdef0123456789abcdef")
ROOM = "gestures"
PATIENCE_MS = 90_000

Arrive = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def guarded(tmp_path: Path) -> AsyncIterator[Server]:
    """A server whose rooms take people with tokens, and keep their seats for long."""
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / KEY.id).write_bytes(KEY.secret)
    environment = {"ROTUNDA_API_KEYS_DIRECTORY": str(keys), "ROTUNDA_SFU_RECONNECT_GRACE": "300"}
    async with serve(tmp_path / "server.log", environment) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(guarded: Server, cafe: Browser) -> AsyncIterator[Arrive]:
    """Lets somebody in by a link: `await arrive("Ada", ("subscribe",))`."""
    async with AsyncExitStack() as tabs:

        async def enter(name: str, grants: tuple[Permission, ...] = GUEST_GRANTS) -> Page:
            tab = await ChromiumTab.open(cafe)
            tabs.push_async_callback(tab.close)
            await tab.add_init_script(instrument(SMALL_CAMERA, "any"))
            identity, now = name.lower(), time.time()
            token = sign_join(KEY, room=ROOM, identity=identity, name=name, grants=grants, now=now, ttl=600)
            await tab.goto(f"{guarded.url}/r/{ROOM}?join=1#token={token}")
            controls = tab.page.get_by_role("toolbar", name="Your controls")
            await expect(controls).to_be_visible(timeout=PATIENCE_MS)
            return tab.page

        yield enter


async def test_hands_reactions_and_lost_connections_are_seen(arrive: Arrive) -> None:
    ada, ben = await arrive("Ada"), await arrive("Ben")
    await ada.keyboard.press("h")
    for page in (ada, ben):
        await shows(page, "Ada", "Hand raised")

    await open_reactions(ben)
    heart = ben.get_by_role("button", name="Heart")
    await asyncio.gather(heart.click(timeout=PATIENCE_MS), shows(ada, "Ben", "Heart"))

    cleo = await arrive("Cleo", ("subscribe",))
    await open_reactions(cleo)
    await cleo.get_by_role("button", name="Raise your hand").click(timeout=PATIENCE_MS)
    late = await arrive("Late")
    for page in (ada, ben, cleo, late):
        await shows(page, "Ada", "Hand raised, 1 of 2")
        await shows(page, "Cleo", "Hand raised, 2 of 2")

    await ada.evaluate("window.rotunda.cutSocket()")
    for page in (ben, late):
        await expect(tile(page, "Ada").get_by_text("Reconnecting…")).to_be_visible(timeout=PATIENCE_MS)
    later = await arrive("Later")
    await expect(tile(later, "Ada").get_by_text("Reconnecting…")).to_be_visible(timeout=PATIENCE_MS)
    await ada.evaluate("window.rotunda.reopenSocket()")
    for page in (ben, late, later):
        await expect(tile(page, "Ada").get_by_text("Reconnecting…")).to_have_count(0, timeout=PATIENCE_MS)
        await shows(page, "Ada", "Hand raised, 1 of 2")

    await ada.keyboard.press("h")
    for page in (ada, ben, late):
        await expect(hand(page, "Ada")).to_have_count(0, timeout=PATIENCE_MS)
        await shows(page, "Cleo", "Hand raised")


async def open_reactions(page: Page) -> None:
    await page.get_by_role("button", name="Reactions").click(timeout=PATIENCE_MS)


async def shows(page: Page, name: str, what: str) -> None:
    badge = tile(page, name).get_by_role("img", name=what, exact=True)
    await expect(badge.first).to_be_visible(timeout=PATIENCE_MS)


def hand(page: Page, name: str) -> Locator:
    return tile(page, name).get_by_role("img", name=re.compile("^Hand raised"))


def tile(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=re.compile(f"^{name}($|,)"))
