"""What strangers can do to a call by sending whatever they like to its ports."""

import asyncio
import os
from pathlib import Path

import pytest
from harness.browser import ChromiumTab
from harness.guest import Guest
from harness.saboteur import Kind, Saboteur
from harness.server import Server
from playwright.async_api import Browser

DATAGRAMS = int(os.environ.get("ROTUNDA_ATTACK_DATAGRAMS") or "10000")
MEBIBYTE = 1 << 20
LEAK_BYTES = 64 * MEBIBYTE


@pytest.mark.timeout(400 + DATAGRAMS // 500)
async def test_damaged_datagrams_of_every_kind_leave_the_call_alone(server: Server, cafe: Browser) -> None:
    saboteur = Saboteur()
    people = []
    for name in ("Ada", "Ben"):
        tab = await ChromiumTab.open(cafe)
        await tab.expose("harnessProxy", saboteur.port_for)
        people.append(await Guest(name, tab).enter(server.url, "under-attack", path="proxied"))
    ada, ben = people
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    assert all(saboteur.samples.values()), {kind: len(seen) for kind, seen in saboteur.samples.items()}
    # The first tenth fills what is bounded: queues, tables, allocator arenas.
    await attack_with_all(saboteur, DATAGRAMS // 10)
    before = resident_bytes(server.process.pid)

    watching = asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    await attack_with_all(saboteur, DATAGRAMS - DATAGRAMS // 10)
    await watching

    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    grown = resident_bytes(server.process.pid) - before
    print(f"\nattack: {dict(saboteur.sent)}, memory {grown / MEBIBYTE:+.1f} MiB")
    assert grown < LEAK_BYTES
    assert (await server.get("/readyz")).status_code == 200
    for person in people:
        await person.close()
    saboteur.close()


async def attack_with_all(saboteur: Saboteur, datagrams: int) -> None:
    for kind in Kind:
        await saboteur.attack(kind, datagrams)


def resident_bytes(pid: int) -> int:
    resident_pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return resident_pages * os.sysconf("SC_PAGE_SIZE")
