"""A call in a Room that kubectl applied: real API server, operator, media nodes, signaling and browsers.

Pods of media nodes are processes of this machine with the environment that the operator gave them; signaling
has the rights of the Role that the operator made for it.
"""

import asyncio
import os
from contextlib import AsyncExitStack

import pytest
from harness.browser import ChromiumTab, chromium
from harness.guest import Guest
from harness.server import Server

from rotunda_operator.testing import Stage

ABSENCE_SECONDS = float(os.environ.get("ROTUNDA_STORY_ABSENCE_SECONDS") or "15")
"""How long operator and API server are away while people talk; a minute tells more."""
ROOM = "standup"

pytestmark = pytest.mark.timeout(1400)


async def test_people_talk_on_while_operator_and_api_server_are_away(stage: Stage, signaling: Server) -> None:
    stage.apply("Room", ROOM, {"displayName": "Daily standup"})
    node = stage.placed(ROOM)
    async with chromium() as browser, AsyncExitStack() as people:

        async def enter(name: str, room: str = ROOM) -> Guest:
            tab = await ChromiumTab.open(browser)
            people.push_async_callback(tab.close)
            return await Guest(name, tab).enter(signaling.url, room)

        ada, ben = await enter("Ada"), await enter("Ben")
        await _talk(ada, ben)
        room = await asyncio.to_thread(stage.until, "room", ROOM, lambda r: r["status"]["participants"] == 2)
        assert room["status"]["phase"] == "Active"

        await asyncio.to_thread(stage.operator.kill)
        await _talk_for(ABSENCE_SECONDS, ada, ben)
        await asyncio.to_thread(stage.plane.stop_apiserver)
        try:
            await _talk_for(ABSENCE_SECONDS, ada, ben)
            late = await enter("Cleo")  # the room's node is known
            await asyncio.gather(late.sees(ada), ben.sees(late))
        finally:
            await asyncio.to_thread(stage.plane.start_apiserver)
        stage.operator.start()

        await _talk(ada, ben)
        await asyncio.to_thread(stage.until, "room", ROOM, lambda r: r["status"]["participants"] == 3)
        assert stage.placed(ROOM) == node  # with the epoch of before

        for guest in (ada, ben):
            assert (await guest.state())["phase"]["name"] == "joined"
        dora = await enter("Dora", "made-by-dora")
        made = stage.get("room", "made-by-dora")
        assert made["metadata"]["labels"]["rotunda.dev/made-on-join"] == "true"
        assert dora.participant_id


async def _talk(ada: Guest, ben: Guest) -> None:
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))


async def _talk_for(seconds: float, ada: Guest, ben: Guest) -> None:
    """All the time, as far as looking again and again tells."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        await _talk(ada, ben)
