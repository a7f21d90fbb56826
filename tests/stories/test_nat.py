"""A NAT gives somebody another port in the middle of the call, of which the browser learns nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio
from harness.bidi import FirefoxTab
from harness.browser import ChromiumTab
from harness.guest import Guest, Received, Tab
from harness.network import UdpProxy, Weather
from harness.server import Server
from playwright.async_api import Browser

Enter = Callable[..., Awaitable[Guest]]
CALM = Weather(loss=0, jitter=0, reordering=0)
MORE_PACKETS = 10
DEADLINE = 20
"""Where the old port is kept until consent expires it takes 24 to 30 s."""


@pytest_asyncio.fixture(loop_scope="session")
async def nat() -> AsyncIterator[UdpProxy]:
    proxy = UdpProxy(CALM, seed=1)
    yield proxy
    proxy.close()


async def test_chromium_goes_on_from_another_port(
    enter: Enter, server: Server, cafe: Browser, nat: UdpProxy, new_room: Callable[[], str]
) -> None:
    tab = await ChromiumTab.open(cafe)
    await call_behind(nat, enter, server, new_room(), tab)
    await tab.close()


async def test_firefox_goes_on_from_another_port(
    enter: Enter, server: Server, fox: FirefoxTab, nat: UdpProxy, new_room: Callable[[], str]
) -> None:
    await call_behind(nat, enter, server, new_room(), fox)


async def call_behind(nat: UdpProxy, enter: Enter, server: Server, room: str, tab: Tab) -> None:
    """Somebody in this tab, behind the NAT, and somebody who is not."""
    ada = await enter("Ada", room=room)
    await tab.expose("harnessProxy", nat.port_for)
    ben = await Guest("Ben", tab).enter(server.url, room, path="proxied")
    await asyncio.gather(ben.sees_and_hears(ada), ada.sees_and_hears(ben))
    await goes_on(ben, ada, nat)


async def goes_on(moved: Guest, other: Guest, nat: UdpProxy) -> None:
    """Changes the ports of one and waits until both see and hear the other again; prints how long it took."""
    loop = asyncio.get_running_loop()
    await nat.rebind()
    start = loop.time()

    async def again(guest: Guest, sender: Guest, source: str) -> float:
        first = await guest.until_received(sender, source, lambda _: True, "is consumed")
        more = has_received(first.packets + MORE_PACKETS)
        await guest.until_received(sender, source, more, "comes from the new port", DEADLINE)
        return loop.time() - start

    took = await asyncio.gather(
        *(
            again(*pair, source)
            for pair in ((moved, other), (other, moved))
            for source in ("camera", "microphone")
        )
    )
    shown = ", ".join(f"{seconds:.1f}" for seconds in took)
    print(f"\n{moved.name} at another port: media again after {shown} s (in, in, out, out)")


def has_received(packets: int) -> Callable[[Received], bool]:
    return lambda received: received.packets >= packets
