"""The meeting app by its buttons and keys, as people use it."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest_asyncio
from harness.browser import ChromiumTab
from harness.guest import SMALL_CAMERA, instrument
from harness.network import TcpLine
from harness.server import Server
from playwright.async_api import Browser, Locator, Page, expect

Arrive = Callable[[str, str], Awaitable[Page]]

expect.set_options(timeout=90_000)


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(cafe: Browser) -> AsyncIterator[Arrive]:
    """Opens a room's address and goes in by the pre-join page: `await arrive(url, "Ada")`."""
    async with AsyncExitStack() as people:

        async def enter(url: str, name: str) -> Page:
            page = await open_page(cafe, people)
            await page.goto(url)
            return await go_in(page, name)

        yield enter


async def test_from_the_landing_page_into_a_call_and_out(
    server: Server, cafe: Browser, arrive: Arrive
) -> None:
    async with AsyncExitStack() as people:
        ada = await open_page(cafe, people)
        await ada.goto(server.url)
        await ada.get_by_role("button", name="Start", exact=True).click()
        await expect(ada).to_have_url(re.compile(r"/r/[a-z0-9-]+$"))
        await go_in(ada, "Ada")
        ben = await arrive(ada.url, "Ben")
        await expect(tile(ada, "Ben").locator("video")).to_be_visible()
        await expect(tile(ben, "Ada").locator("video")).to_be_visible()

        await ben.keyboard.press("m")
        await expect(tile(ada, "Ben").get_by_label("Microphone off")).to_be_visible()
        await ben.keyboard.press("v")
        await expect(tile(ada, "Ben").locator("video")).to_have_count(0)

        await ben.get_by_role("button", name="Leave").click()
        await expect(ben.get_by_role("heading", name="You have left")).to_be_visible()
        await expect(tile(ada, "Ben")).to_have_count(0)


async def test_what_is_said_to_one_is_read_by_one(server: Server, arrive: Arrive) -> None:
    url = f"{server.url}/r/chatting?cam=0"
    ada, ben, cleo = await arrive(url, "Ada"), await arrive(url, "Ben"), await arrive(url, "Cleo")
    for page in (ada, ben, cleo):
        await page.get_by_role("button", name=re.compile("^Chat")).click()
    await say(ada, "Good morning", to="Everyone")
    await expect(messages(ben)).to_contain_text("Good morning")
    await say(ben, "Only for you", to="Ada, privately")
    await expect(messages(ada)).to_contain_text("Only for you")
    await expect(messages(ada)).to_contain_text("to you alone")
    # Messages keep their order: when Cleo has this one, the private one would have come before.
    await say(ben, "For all again", to="Everyone")
    await expect(messages(cleo)).to_contain_text("For all again")
    await expect(messages(cleo)).not_to_contain_text("Only for you")


async def test_a_lost_connection_is_told_and_mended(server: Server, arrive: Arrive) -> None:
    line = TcpLine("127.0.0.1", server.port)
    page = await arrive(f"http://127.0.0.1:{await line.open()}/r/cut-off?cam=0", "Ada")
    banner = page.get_by_text("Connection to the server lost.")
    await expect(banner).to_have_count(0)
    line.cut()
    await expect(banner).to_be_visible()
    line.mend()
    await expect(banner).to_have_count(0)
    await expect(tile(page, "Ada")).to_be_visible()
    await line.close()


async def open_page(browser: Browser, people: AsyncExitStack) -> Page:
    tab = await ChromiumTab.open(browser)
    people.push_async_callback(tab.close)
    await tab.add_init_script(instrument(SMALL_CAMERA, "any"))
    return tab.page


async def go_in(page: Page, name: str) -> Page:
    await page.get_by_label("Your name").fill(name)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("toolbar", name="Your controls")).to_be_visible()
    return page


async def say(page: Page, text: str, *, to: str) -> None:
    await page.get_by_role("combobox").select_option(label=to)
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")
    await expect(messages(page)).to_contain_text(text)


def tile(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=re.compile(f"^{name}"))


def messages(page: Page) -> Locator:
    return page.get_by_role("log", name="Messages")
