"""A media node dies in the middle of a call: the people are in it again by themselves, on another one."""

import asyncio
import signal
from contextlib import AsyncExitStack
from typing import Any

import pytest
from harness.browser import ChromiumTab, chromium
from harness.guest import Guest, JsonObject
from harness.server import Server
from stories_kubernetes.conftest import Cluster

ROOM = "standup"
WORDS = {"Ada": "Can you see my slides?", "Ben": "Yes, go on."}

WATCH_FOR_SILENCE = """() => {
  const grown = { camera: "framesDecoded", microphone: "packetsReceived" };
  const known = new Map();
  const last = { camera: performance.now(), microphone: performance.now() };
  window.harness.silence = { camera: 0, microphone: 0 };
  const poll = async () => {
    const stats = (await window.rotunda?.stats()) ?? [];
    const now = performance.now();
    for (const each of stats) {
      const count = each[grown[each.source]] ?? 0;
      if (count <= (known.get(each.consumerId) ?? 0)) continue;
      known.set(each.consumerId, count);
      const { silence } = window.harness;
      silence[each.source] = Math.max(silence[each.source], now - last[each.source]);
      last[each.source] = now;
    }
    setTimeout(poll, 50);
  };
  void poll();
}"""
"""Notes the longest time, in milliseconds, in which no new frame and no packet of sound arrived."""

pytestmark = pytest.mark.timeout(1400)


async def test_people_are_in_the_call_again_by_themselves_when_its_media_node_is_killed(
    cluster: Cluster, signaling: Server
) -> None:
    stage = cluster.stage
    await asyncio.to_thread(stage.apply, "Room", ROOM, {"displayName": "Daily standup"})
    victim = await asyncio.to_thread(stage.placed, ROOM)
    pod = stage.get("mn", victim)["status"]["podName"]
    async with chromium() as browser, AsyncExitStack() as people:
        ada, ben = [await _enter(people, browser, name, signaling.url) for name in WORDS]
        await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
        for guest in (ada, ben):
            await guest.tab.call("(text) => window.rotunda.sendChat(text)", WORDS[guest.name])
        await asyncio.gather(*(guest.until(_has_all_words, "has the chat") for guest in (ada, ben)))
        await asyncio.gather(*(guest.tab.call(WATCH_FOR_SILENCE) for guest in (ada, ben)))

        cluster.kubelet.signal(pod, signal.SIGKILL)
        other = await asyncio.to_thread(stage.placed, ROOM, 2)
        assert other != victim
        await asyncio.gather(*(_is_back(guest) for guest in (ada, ben)))
        await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))

        for guest, their in ((ada, ben), (ben, ada)):
            view = await guest.knows(their, bool, "is there")
            assert view["displayName"] == their.name
            await guest.until(_has_all_words, "has the chat of before")
            names = await guest.tab.call(
                "() => [...document.querySelectorAll('.tile-name')].map((each) => each.textContent)"
            )
            assert any(their.name in name for name in names), names
        await _tell_silence(ada, ben)
    await asyncio.to_thread(
        stage.until_items, "events", lambda events: any(_tells_loss(event, victim) for event in events)
    )
    assert await asyncio.to_thread(stage.placed, ROOM, 2) == other


async def _enter(people: AsyncExitStack, browser: Any, name: str, url: str) -> Guest:
    tab = await ChromiumTab.open(browser)
    people.push_async_callback(tab.close)
    return await Guest(name, tab).enter(url, ROOM)


async def _is_back(guest: Guest) -> None:
    """With a seat of the new node; nobody touched the page."""
    before = guest.participant_id
    state = await guest.until(
        lambda state: state["phase"]["name"] == "joined" and state["self"]["participantId"] != before,
        "has joined again",
    )
    guest.participant_id = state["self"]["participantId"]


def _has_all_words(state: JsonObject) -> bool:
    said = {(message["displayName"], message["text"]) for message in state["chat"]["messages"]}
    return said >= set(WORDS.items())


def _tells_loss(event: JsonObject, node: str) -> bool:
    found: tuple[str, str] = (event["reason"], event["involvedObject"]["name"])
    return found == ("Lost", node)


async def _tell_silence(*guests: Guest) -> None:
    """For whoever reads the log: no time is promised."""
    for guest in guests:
        silence = await guest.tab.call("() => window.harness.silence")
        print(
            f"\nmedia node killed: {guest.name} was without picture for {silence['camera'] / 1000:.1f} s, "
            f"without sound for {silence['microphone'] / 1000:.1f} s"
        )
