"""A room that takes nobody without a token, and its moderator."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest_asyncio
from harness.browser import ChromiumTab
from harness.guest import SMALL_CAMERA, Guest, eventually, instrument
from harness.page import build_page
from harness.server import ANSWER_SECONDS, Server, serve
from playwright.async_api import Browser, Page, expect

from rotunda_signaling.auth.grants import GRANTS
from rotunda_signaling.auth.keys import ApiKey
from rotunda_signaling.auth.tokens import sign_api, sign_join

KEY = ApiKey("backend", b"0123456789abcdef0123456789abcdef")
ROOM = "board"
PATIENCE_MS = 90_000
ROOT = Path(__file__).resolve().parents[2]

OpenTab = Callable[[], Awaitable[ChromiumTab]]


def token(identity: str, *, moderates: bool = False, ttl: float = 600, now: float | None = None) -> str:
    grants = GRANTS if moderates else GRANTS[:3]
    moment = time.time() if now is None else now
    return sign_join(
        KEY, room=ROOM, identity=identity, name=identity.title(), grants=grants, now=moment, ttl=ttl
    )


@pytest_asyncio.fixture(loop_scope="session")
async def guarded(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with an API key and the room, which takes nobody without a token."""
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / KEY.id).write_bytes(KEY.secret)
    async with serve(tmp_path / "server.log", {"ROTUNDA_API_KEYS_DIRECTORY": str(keys)}) as server:
        headers = {"Authorization": f"Bearer {sign_api(KEY, now=time.time(), ttl=60)}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=ANSWER_SECONDS) as http:
            made = await http.post("/api/v1/rooms", json={"name": ROOM, "access": "Token"})
            assert made.status_code == 201, made.text
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(cafe: Browser) -> AsyncIterator[OpenTab]:
    async with AsyncExitStack() as tabs:

        async def opened() -> ChromiumTab:
            tab = await ChromiumTab.open(cafe)
            tabs.push_async_callback(tab.close)
            await tab.add_init_script(instrument(SMALL_CAMERA, "any"))
            return tab

        yield opened


async def says(page: Page, title: str) -> None:
    await expect(page.get_by_role("heading", name=title)).to_be_visible(timeout=PATIENCE_MS)


async def test_a_moderator_mutes_and_removes_somebody_who_cannot_come_back(
    guarded: Server, open_tab: OpenTab
) -> None:
    async def enter(name: str, shown: str) -> tuple[Guest, Page]:
        tab = await open_tab()
        guest = await Guest(name, tab).enter(guarded.url, ROOM, camera_on=False, token=shown)
        return guest, tab.page

    eves = token("eve")
    mo, at_mo = await enter("Mo", token("mo", moderates=True))
    eve, at_eve = await enter("Eve", eves)
    ada, at_ada = await enter("Ada", token("ada"))
    assert "token" not in at_eve.url
    await ada.hears(eve)

    await at_mo.get_by_role("button", name="People").click(timeout=PATIENCE_MS)
    notice = at_eve.get_by_text("A moderator has switched off your microphone.")
    await asyncio.gather(
        at_mo.get_by_role("button", name="Mute Eve").click(timeout=PATIENCE_MS),
        expect(notice).to_be_visible(timeout=PATIENCE_MS),  # for seconds only
        ada.knows(eve, lambda view: all(p["paused"] for p in view["producers"].values()), "is muted"),
    )
    assert await at_ada.get_by_role("button", name="Mute Eve").count() == 0

    await at_mo.get_by_role("button", name="Remove Eve").click(timeout=PATIENCE_MS)
    await at_mo.get_by_role("dialog").get_by_role("button", name="Remove").click(timeout=PATIENCE_MS)
    await says(at_eve, "You were removed")
    await ada.no_longer_sees(eve)
    await mo.no_longer_sees(eve)

    await at_eve.reload()
    await says(at_eve, "You were removed")
    for shown in (eves, token("eve")):
        elsewhere = (await open_tab()).page
        await elsewhere.goto(f"{guarded.url}/r/{ROOM}?join=1#token={shown}")
        await says(elsewhere, "You were removed")
    state = await ada.state()
    assert [view["displayName"] for view in state["people"]["participants"].values()] == ["Mo"]

    await at_mo.get_by_role("button", name="Close the room for everyone").click(timeout=PATIENCE_MS)
    await at_mo.get_by_role("dialog").get_by_role("button", name="Close the room").click(timeout=PATIENCE_MS)
    for page in (at_ada, at_mo):
        await says(page, "The room was closed")


async def test_a_link_that_opens_nothing_says_why(guarded: Server, open_tab: OpenTab) -> None:
    page = (await open_tab()).page
    await page.goto(f"{guarded.url}/r/{ROOM}?name=Ada&join=1")
    await says(page, "This room needs a link with a token")
    await page.goto(f"{guarded.url}/r/{ROOM}#token={token('ada', now=time.time() - 3600)}")
    await says(page, "This link has expired")
    await page.goto(f"{guarded.url}/r/other?name=Ada&join=1#token={token('ada')}")
    await says(page, "This link is for another room")


async def test_the_client_of_the_docs_is_heard(guarded: Server, open_tab: OpenTab, tmp_path: Path) -> None:
    ada = await Guest("Ada", await open_tab()).enter(guarded.url, ROOM, camera_on=False, token=token("ada"))
    built = await build_docs_client(tmp_path)
    async with serve(tmp_path / "page.log", {"ROTUNDA_WEB_ROOT": str(built)}) as elsewhere:
        robot = await open_tab()
        await robot.goto(f"{elsewhere.url}/")
        await robot.call(
            "(...all) => window.speak(...all).then(() => null)", guarded.url, ROOM, token("robot")
        )

        async def robots() -> Guest | None:
            people = (await ada.state())["people"]["participants"]
            for participant_id, view in people.items():
                if view["displayName"] == "Robot":
                    found = Guest("Robot", robot)
                    found.participant_id = participant_id
                    return found
            return None

        await ada.hears(await eventually(robots, "Ada knows of the robot"))


async def build_docs_client(tmp_path: Path) -> Path:
    """The TypeScript of docs/auth.md as a page; answers its directory."""
    found = re.search(r"```ts\n(.*?)```", (ROOT / "docs" / "auth.md").read_text(), re.DOTALL)
    assert found is not None
    main = 'import { speak } from "./client";\nObject.assign(window, { speak });\n'
    return await build_page({"main.ts": main, "client.ts": found[1]}, tmp_path / "page")
