"""Chromium through playwright, as the stories need it: fake devices, no questions, every address in use."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)

PATIENCE_MILLISECONDS = 120_000
"""More than playwright's own, for a machine that has other things to do."""


@asynccontextmanager
async def chromium(video: Path | None = None, *more_flags: str) -> AsyncIterator[Browser]:
    """One Chromium process; its fake camera shows the video file, or Chromium's test picture."""
    executable = os.environ.get("ROTUNDA_CHROMIUM") or shutil.which("chromium")
    if executable is None:
        raise FileNotFoundError("chromium is not on PATH; ROTUNDA_CHROMIUM may name another")
    flags = [*FLAGS, *more_flags, *([f"--use-file-for-fake-video-capture={video}"] if video else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=flags)
        try:
            yield browser
        finally:
            await browser.close()


class ChromiumTab:
    """One page in a context of its own, with the calls that the stories use on any browser's page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(cls, browser: Browser) -> "ChromiumTab":
        context = await browser.new_context()
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        return cls(await context.new_page())

    async def add_init_script(self, script: str) -> None:
        """Runs the script in every page of this tab before the page's own."""
        await self.page.add_init_script(script)

    async def expose(self, name: str, function: Callable[..., Awaitable[Any]]) -> None:
        """Gives every page of this tab a function of that name that calls ours, with JSON both ways."""
        await self.page.expose_function(name, function)

    async def goto(self, url: str) -> None:
        await self.page.goto(url)

    async def call(self, function: str, *arguments: Any) -> Any:
        """Calls a JavaScript function with JSON arguments and returns what it, or its promise, gives."""
        return await self.page.evaluate(f"(all) => ({function})(...all)", list(arguments))

    async def close(self) -> None:
        await self.page.context.close()
