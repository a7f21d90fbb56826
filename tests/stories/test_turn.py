"""Calls through TURN: coturn as the operator configures it, and Chromium that may use nothing else."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from harness.browser import ChromiumTab, chromium
from harness.guest import Guest, JsonObject, NetworkPath, eventually
from harness.server import Server, serve
from harness.turn import HOST, TurnClient, TurnServer, turn_server, until_accepted, until_refused
from playwright.async_api import Browser

from rotunda_signaling.turn import credentials

Enter = Callable[..., Awaitable[Guest]]
CREDENTIAL_SECONDS = 80.0
"""Long enough to open relays on a busy machine, and less than stories wait for what they expect."""
DIRECT = {"host", "prflx"}
"""Ways without a relay. A socket bound to no address reaches loopback from one that Chromium did not gather
(RFC 8445 section 7.2.5.3.1), and which pair comes first is Chromium's to choose."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def turn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TurnServer]:
    async with turn_server(tmp_path_factory.mktemp("turn") / "mounted") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def relayed_server(turn: TurnServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Its media node is announced on loopback, which the relay reaches, and nowhere else."""
    environment = turn.environment("udp", "tcp", "tls", ttl=CREDENTIAL_SECONDS)
    environment["ROTUNDA_SFU_LISTEN_ADDRESSES"] = HOST
    async with serve(tmp_path_factory.mktemp("relayed") / "server.log", environment) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def trusting(turn: TurnServer) -> AsyncIterator[Browser]:
    """Chromium that takes the TURN server's certificate for one of an authority that it knows."""
    async with chromium(None, f"--ignore-certificate-errors-spki-list={turn.key_fingerprint}") as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def enter_relayed(
    relayed_server: Server, trusting: Browser, new_room: Callable[[], str]
) -> AsyncIterator[Enter]:
    room = new_room()
    async with AsyncExitStack() as people:

        async def enter(name: str, path: NetworkPath, browser: Browser = trusting) -> Guest:
            tab = await ChromiumTab.open(browser)
            people.push_async_callback(tab.close)
            return await Guest(name, tab).enter(relayed_server.url, room, path=path)

        yield enter


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_call_through_a_relay(enter_relayed: Enter, transport: str) -> None:
    ada, ben = await enter_relayed("Ada", f"relay-{transport}"), await enter_relayed("Ben", "any")
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    for relay in await relays(ada):
        assert (relay["candidateType"], relay["relayProtocol"]) == ("relay", transport)
    assert {relay["candidateType"] for relay in await relays(ben)} <= DIRECT


async def test_a_turn_server_that_nobody_vouches_for_is_not_used(
    turn: TurnServer, enter_relayed: Enter, cafe: Browser
) -> None:
    """Or the story over TLS would show nothing of the certificate."""
    hung_up = re.compile(r"closed .* user <> .* reason: TLS/TCP")
    before = len(hung_up.findall(turn.log()))
    ada = await enter_relayed("Ada", "relay-tls", browser=cafe)

    async def refused() -> bool | None:
        return True if len(hung_up.findall(turn.log())) > before else None

    await eventually(refused, "Chromium hangs up on the TURN server")
    assert [relay["candidateType"] for relay in await relays(ada)] == [None, None]


async def test_a_relayed_call_outlives_its_credential(turn: TurnServer, enter_relayed: Enter) -> None:
    ada, ben = await enter_relayed("Ada", "relay-udp"), await enter_relayed("Ben", "any")
    await ada.sees_and_hears(ben)
    before = (await relays(ada))[0]
    assert before["username"].endswith(f":{ada.participant_id}")

    await until_refused(turn, *credentials_of(before))
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))

    await restart_ice(ada)
    after = await relays(ada)
    assert {relay["candidateType"] for relay in after} == {"relay"}
    assert all(expiry(relay) > expiry(before) for relay in after)
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))


async def test_who_waits_alone_for_longer_than_a_credential_lasts_sees_who_comes(
    turn: TurnServer, enter_relayed: Enter
) -> None:
    ada = await enter_relayed("Ada", "relay-udp")
    await until_refused(turn, *credentials_of((await relays(ada))[0]))
    ben = await enter_relayed("Ben", "any")
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))


async def test_a_changed_key_drops_no_call(turn: TurnServer, enter_relayed: Enter) -> None:
    ada, ben = await enter_relayed("Ada", "relay-tcp"), await enter_relayed("Ben", "relay-udp")
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    pairs = [relay["usernameFragment"] for relay in await relays(ben)]

    # The steps of the operator; the last of them without waiting for the last credential to end.
    turn.write(next="south")
    await until_accepted(turn, key="south")
    turn.write(secret="south", next="", previous="north")
    await restart_ice(ada)
    await (await TurnClient.open_with(turn, *credentials_of((await relays(ada))[0]))).close()
    turn.write(previous="")
    await until_refused(turn, *credentials("north", "eve", int(time.time()) + 600))

    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    assert [relay["usernameFragment"] for relay in await relays(ben)] == pairs, "Ben's relay stayed"
    assert "north" not in turn.log()


async def relays(guest: Guest) -> list[JsonObject]:
    """Of both transports, which are there a little after a page says that its person has joined."""

    async def poll() -> list[JsonObject] | None:
        found: list[JsonObject] = await guest.tab.call("() => window.harness.relays()")
        return found if len(found) == 2 else None

    return await eventually(poll, f"{guest.name} has two transports")


def credentials_of(relay: JsonObject) -> tuple[str, str]:
    return relay["username"], relay["credential"]


def expiry(relay: JsonObject) -> int:
    return int(relay["username"].split(":")[0])


async def restart_ice(guest: Guest) -> None:
    """Returns once both transports use new pairs."""
    before = {relay["usernameFragment"] for relay in await relays(guest)}
    for direction in ("send", "recv"):
        await guest.tab.call("(direction) => window.rotunda.restartIce(direction)", direction)

    async def restarted() -> bool | None:
        now = {relay["usernameFragment"] for relay in await relays(guest)}
        return None if now & before or None in now else True

    await eventually(restarted, f"{guest.name}'s transports use new relays")
