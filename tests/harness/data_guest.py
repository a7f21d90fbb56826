"""A browser's page that uses data channels by plain mediasoup-client: the app opens none."""

from pathlib import Path
from typing import Any

from harness.browser import ChromiumTab
from harness.guest import eventually
from harness.page import build_page
from playwright.async_api import Browser

SOURCE = Path(__file__).parent / "data_page.js"


async def build_data_page(target: Path) -> Path:
    """Bundles the page into a directory, for any number of guests."""
    return await build_page({"main.js": SOURCE.read_text()}, target)


class DataGuest:
    """One person. `tab` has the page, whose `window.data` data_page.js describes."""

    def __init__(self, name: str, tab: ChromiumTab) -> None:
        self.name = name
        self.tab = tab
        self.participant_id = ""

    @classmethod
    async def enter(cls, browser: Browser, page: Path, url: str, room: str, name: str) -> "DataGuest":
        """Puts the script that was built into a page of the server, as if that had sent it, and joins."""
        guest = cls(name, await ChromiumTab.open(browser))
        (script,) = page.glob("assets/*.js")
        where = f"{url}/{script.name}"
        await guest.tab.page.route(where, lambda route: route.fulfill(path=script))
        await guest.tab.goto(url)
        await guest.tab.page.add_script_tag(url=where, type="module")
        guest.participant_id = await guest.tab.call("(...all) => data.enter(...all)", url, room, name)
        return guest

    async def produce(self, **options: Any) -> str:
        """Opens a data channel; the answer is its dataProducerId."""
        producer: str = await self.tab.call("(options) => data.produce(options)", options)
        return producer

    async def consume(self, producer: str) -> str:
        """Waits until the page was told of the channel, and receives it; the answer is the dataConsumerId."""

        async def poll() -> bool | None:
            return True if await self.tab.call("(id) => data.others.includes(id)", producer) else None

        await eventually(poll, f"{self.name} is told of a data channel")
        consumer: str = await self.tab.call("(id) => data.consume(id)", producer)
        return consumer

    async def received(self, consumer: str) -> list[object]:
        messages: list[object] = await self.tab.call("(id) => data.received(id)", consumer)
        return messages

    async def close(self) -> None:
        await self.tab.close()
