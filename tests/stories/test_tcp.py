"""Media over TCP: for people whose network lets no UDP through, and what strangers make of those ports."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest_asyncio
from harness import callers
from harness.browser import chromium
from harness.guest import FULL_CAMERA, LARGE_PICTURE_SECONDS, Guest, JsonObject, eventually
from harness.intruders import HOST, crowd_the_port, send_garbage, trickle
from harness.probe import probe
from harness.server import Server
from playwright.async_api import Browser

Enter = Callable[..., Awaitable[Guest]]

NO_UDP = "disable_non_proxied_udp"
"""Chromium's policy for networks where calls may not use UDP: it opens no UDP socket for one."""
HALF_OPEN, SLOW, GARBAGE = 2_000, 50, 200
HANDFUL = 5
"""Packets that the kernel may lose where the whole machine is out of breath."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def walled() -> AsyncIterator[Browser]:
    """Chromium that has no UDP."""
    flags = (f"--force-webrtc-ip-handling-policy={NO_UDP}", f"--webrtc-ip-handling-policy={NO_UDP}")
    async with chromium(None, *flags) as browser:
        yield browser


async def test_a_call_of_who_has_no_udp_and_who_has(enter: Enter, walled: Browser) -> None:
    ada, ben = await enter("Ada", browser=walled), await enter("Ben")
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    for direction in ("send", "recv"):
        assert (await selected_pair(ada, direction))["protocol"] == "tcp"
        await until_over_udp(ben, direction)


async def test_a_large_picture_over_tcp_and_an_ice_restart(
    enter: Enter, walled: Browser, studio: Browser
) -> None:
    """The largest of a camera's sizes comes, and goes on coming with new credentials."""
    ada, ben = await enter("Ada", browser=studio, camera=FULL_CAMERA), await enter("Ben", browser=walled)
    consumer_id = (await ben.sees(ada)).consumer_id
    await ben.tab.call("(id) => window.rotunda.setPreferredLayers(id, 2)", consumer_id)
    await ben.until_received(
        ada, "camera", lambda got: got.frame_width == 960, "is 960 wide", LARGE_PICTURE_SECONDS
    )
    before = await selected_pair(ben, "recv")
    await ben.tab.call("() => window.rotunda.restartIce('recv')")

    async def restarted() -> bool | None:
        now = await selected_pair(ben, "recv")
        return True if now["remoteUfrag"] != before["remoteUfrag"] else None

    await eventually(restarted, "Ben's transport uses the new credentials")
    assert (await selected_pair(ben, "recv"))["protocol"] == "tcp"
    await ben.sees_and_hears(ada)


async def test_strangers_on_the_tcp_ports_leave_a_call_alone(
    server: Server, enter: Enter, walled: Browser
) -> None:
    """Half-open connections by the thousand, garbage, and a byte now and then; who has to gets in by TCP.

    A call over UDP whose packets are counted loses none of them.
    """
    ports = await media_ports(server)
    ada = await enter("Ada")
    async with probe(server.url, "tcp-under-attack") as call, AsyncExitStack() as attack:
        crowd = await attack.enter_async_context(crowd_the_port(ports, HALF_OPEN))
        slow = await attack.enter_async_context(trickle(ports, SLOW))
        refused = await send_garbage(ports, GARBAGE)
        ben = await enter("Ben", browser=walled)
        await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
        left = await crowd.until_given_up(), await slow.until_given_up()
        phase = await call.phase()
    print(f"\nstrangers: {left} (half-open, slow) let go, {refused} refused for garbage, {phase}")
    assert (*left, refused) == (HALF_OPEN, SLOW, GARBAGE)
    assert phase.lost <= HANDFUL
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    assert (await selected_pair(ben, "recv"))["protocol"] == "tcp"
    assert (await server.get("/readyz")).status_code == 200


async def media_ports(server: Server) -> list[int]:
    """The ports for TCP on loopback of the workers that a few rooms are on, at least one."""
    ports = set()
    for number in range(4):
        scout = await callers.enter(server.url, f"tcp-ports-{number}", "Scout")
        answer = await scout.request("createWebRtcTransport", direction="recv")
        ports |= {
            each["port"]
            for each in answer["iceCandidates"]
            if (each["protocol"], each["address"]) == ("tcp", HOST)
        }
        await scout.leave()
    assert ports
    return sorted(ports)


async def until_over_udp(guest: Guest, direction: str) -> None:
    """TCP may carry the first packets: Chromium takes the better pair when its check is answered."""

    async def poll() -> bool | None:
        return True if (await selected_pair(guest, direction))["protocol"] == "udp" else None

    await eventually(poll, f"{guest.name}'s {direction} transport goes over UDP")


async def selected_pair(guest: Guest, direction: str) -> JsonObject:
    async def poll() -> JsonObject | None:
        transports = await guest.tab.call("() => window.rotunda.transports()")
        pair: JsonObject | None = transports.get(direction, {}).get("selectedPair")
        return pair

    return await eventually(poll, f"{guest.name}'s {direction} transport has a pair")
