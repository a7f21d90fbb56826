"""What networks do to a call, and what the call does about it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest_asyncio
from harness.browser import ChromiumTab
from harness.guest import FULL_CAMERA, Guest, JsonObject, Received, eventually
from harness.network import TcpLine, UdpProxy, Weather
from harness.server import Server
from playwright.async_api import Browser

Enter = Callable[..., Awaitable[Guest]]
CUT_SECONDS = 10
LOSSY_FRAMES = 200
WINDOWS = 8


async def test_an_ice_restart_keeps_media(enter: Enter) -> None:
    ada, ben = await enter("Ada"), await enter("Ben")
    await ada.sees_and_hears(ben)
    for guest, direction in ((ada, "recv"), (ben, "send")):
        before = await selected_pair(guest, direction)
        await guest.tab.call("(direction) => window.rotunda.restartIce(direction)", direction)

        async def restarted(
            guest: Guest = guest, direction: str = direction, old: JsonObject = before
        ) -> bool | None:
            now = await selected_pair(guest, direction)
            return True if now["remoteUfrag"] != old["remoteUfrag"] else None

        await eventually(restarted, f"{guest.name}'s {direction} transport uses the new credentials")
        await ada.sees_and_hears(ben)


@pytest_asyncio.fixture(loop_scope="session")
async def line(server: Server) -> AsyncIterator[TcpLine]:
    opened = TcpLine("127.0.0.1", server.port)
    yield opened
    await opened.close()


async def test_a_cut_socket_resumes_and_media_never_stops(enter: Enter, line: TcpLine) -> None:
    ada = await enter("Ada")
    port = await line.open()
    ben = await enter("Ben", origin=f"http://127.0.0.1:{port}")
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))

    line.cut()
    await ben.until(lambda state: state["connection"] == "disconnected", "notices the cut")
    before = await ben.sees(ada)
    loop = asyncio.get_running_loop()
    end = loop.time() + CUT_SECONDS
    while loop.time() < end:
        await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    line.mend()

    state = await ben.until(
        lambda state: state["connection"] == "connected" and not state["resuming"], "is connected again"
    )
    assert state["self"]["participantId"] == ben.participant_id
    assert list(state["people"]["participants"]) == [ada.participant_id]
    after = await ben.sees(ada)
    # The very same stream, which has counted on all the while.
    assert after.consumer_id == before.consumer_id
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    frozen = after.freezes_seconds - before.freezes_seconds
    print(
        f"\ncut socket: {after.frames_decoded - before.frames_decoded} frames came, frozen for {frozen:.2f} s"
    )


async def test_a_call_over_ipv6(enter: Enter) -> None:
    ada = await enter("Ada")
    ben = await enter("Ben", path="ipv6")
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    for direction in ("send", "recv"):
        pair = await selected_pair(ben, direction)
        assert pair["remoteAddress"].count(":") > 1, pair


async def test_a_lossy_network_costs_no_picture(server: Server, studio: Browser, cafe: Browser) -> None:
    ada_tab, ben_tab = await ChromiumTab.open(studio), await ChromiumTab.open(cafe)
    async with AsyncExitStack() as opened:
        proxy = UdpProxy(Weather(loss=0.02, jitter=0.030, reordering=0.02), seed=2026)
        opened.callback(proxy.close)
        for tab in (ada_tab, ben_tab):
            opened.push_async_callback(tab.close)
            await tab.expose("harnessProxy", proxy.port_for)
        ada = await Guest("Ada", ada_tab).enter(server.url, "lossy", camera=FULL_CAMERA, path="proxied")
        ben = await Guest("Ben", ben_tab).enter(server.url, "lossy", path="proxied")

        # A busy machine stalls now and then; a bad repair would freeze every window.
        gaps: list[float] = []
        while not gaps or (gaps[-1] >= 1000 and len(gaps) < WINDOWS):
            first = await ben.sees(ada)
            await ben.tab.call("() => window.harness.watchGaps()")
            more = has_decoded(first.frames_decoded + LOSSY_FRAMES)
            last = await ben.until_received(ada, "camera", more, f"{LOSSY_FRAMES} more frames")
            gaps.append(await ben.tab.call("() => window.harness.longestGap()"))
        sent = await ada.tab.call("() => window.rotunda.senderStats('camera')")
        resent = sum(
            entry.get("retransmittedPacketsSent", 0) for entry in sent if entry["type"] == "outbound-rtp"
        )
        shown = ", ".join(f"{gap:.0f}" for gap in gaps)
        print(
            f"\nlossy network: {proxy.counters}, {last.nacks} NACKs, {last.retransmitted} packets resent "
            f"to Ben, {resent} by Ada, longest gaps between frames {shown} ms"
        )
        assert proxy.counters.lost > 0
        assert last.nacks > 0
        assert last.retransmitted > 0
        assert resent > 0
        assert 0 < gaps[-1] < 1000


async def selected_pair(guest: Guest, direction: str) -> JsonObject:
    async def poll() -> JsonObject | None:
        transports = await guest.tab.call("() => window.rotunda.transports()")
        pair: JsonObject | None = transports.get(direction, {}).get("selectedPair")
        return pair

    return await eventually(poll, f"{guest.name}'s {direction} transport has a pair")


def has_decoded(frames: int) -> Callable[[Received], bool]:
    return lambda received: received.frames_decoded >= frames
