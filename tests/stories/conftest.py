"""One server and two Chromium processes for all stories; every story has a room of its own."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from harness.bidi import FirefoxTab, firefox
from harness.browser import ChromiumTab, chromium
from harness.camera import camera_file
from harness.data_guest import DataGuest, build_data_page
from harness.guest import FULL_CAMERA, Guest
from harness.server import Server, serve
from playwright.async_api import Browser

Enter = Callable[..., Awaitable[Guest]]
EnterForData = Callable[[str], Awaitable[DataGuest]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers live as long as the session, so all stories run in one event loop."""
    for item in items:
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        item.add_marker(pytest.mark.timeout(900))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    patient = {"ROTUNDA_SFU_RECONNECT_GRACE": "300"}  # nobody's seat ends because the machine is busy
    async with serve(tmp_path_factory.mktemp("server") / "server.log", patient) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def studio() -> AsyncIterator[Browser]:
    """Chromium whose camera is the video file."""
    async with chromium(camera_file()) as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cafe() -> AsyncIterator[Browser]:
    """Chromium whose cameras show its test picture."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def fox() -> AsyncIterator[FirefoxTab]:
    """A Firefox of the story's own."""
    async with firefox() as tab:
        yield tab


_rooms = itertools.count(1)


@pytest.fixture(scope="module")
def new_room() -> Callable[[], str]:
    return lambda: f"story-{next(_rooms)}"


@pytest.fixture
def room(new_room: Callable[[], str]) -> str:
    """This story's."""
    return new_room()


@pytest_asyncio.fixture(loop_scope="session")
async def enter(server: Server, cafe: Browser, room: str) -> AsyncIterator[Enter]:
    """Lets people into this story's room: `await enter("Ada", camera=…)`. They leave when it is over."""
    async with AsyncExitStack() as people:
        yield _entrance(people, server, cafe, room)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def data_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of those who use data channels."""
    return await build_data_page(tmp_path_factory.mktemp("data-page"))


@pytest_asyncio.fixture(loop_scope="session")
async def enter_for_data(
    server: Server, cafe: Browser, room: str, data_page: Path
) -> AsyncIterator[EnterForData]:
    """Lets people who use data channels into this story's room: `await enter_for_data("Ada")`."""
    async with AsyncExitStack() as people:

        async def enter(name: str) -> DataGuest:
            guest = await DataGuest.enter(cafe, data_page, server.url, room, name)
            people.push_async_callback(guest.close)
            return guest

        yield enter


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def trio(
    server: Server, studio: Browser, cafe: Browser, new_room: Callable[[], str]
) -> AsyncIterator[tuple[Guest, Guest, Guest]]:
    """Ada with the good camera, Ben and Cleo with small ones, in a call for all stories of a module."""
    room = new_room()
    async with AsyncExitStack() as people:
        enter = _entrance(people, server, cafe, room)
        yield (
            await enter("Ada", browser=studio, camera=FULL_CAMERA),
            await enter("Ben"),
            await enter("Cleo"),
        )


def _entrance(people: AsyncExitStack, server: Server, cafe: Browser, room: str) -> Enter:
    async def enter(
        name: str, *, browser: Browser = cafe, origin: str = server.url, room: str = room, **options: Any
    ) -> Guest:
        tab = await ChromiumTab.open(browser)
        people.push_async_callback(tab.close)
        return await Guest(name, tab).enter(origin, room, **options)

    return enter
