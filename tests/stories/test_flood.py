"""What many at once, and one who sends without end, do to a call."""

import asyncio
from collections.abc import Awaitable, Callable

from harness.crowd import crowd
from harness.data_guest import DataGuest
from harness.guest import Guest, eventually
from harness.probe import probe
from harness.server import Server
from harness.torrent import torrent

Enter = Callable[..., Awaitable[Guest]]
EnterForData = Callable[[str], Awaitable[DataGuest]]

HANDFUL = 5
"""Packets that the kernel may lose where the whole machine is out of breath."""
ROOM_TAKES, TOO_MANY, LATECOMERS = 50, 10, 20
MESSAGE_BYTES = 1024
FLOOD_SECONDS = 5
TORRENT_RATE = 2_000
"""Sixteen times what is let through, and little enough for the socket's buffer while a machine stalls."""
TOLD_SECONDS = 180
"""A browser sends ever faster until something is refused; that is what takes the time."""

# Numbered messages, for so long or until the page was told that it sends too fast; answers how many.
FLOOD = """async ({ id, seconds, bytes, untilTold }) => {
  const told = () => data.limits.length > 0;
  const end = performance.now() + seconds * 1000;
  let sent = 0;
  while (performance.now() < end && !(untilTold && told())) {
    while (data.buffered(id) < 1 << 18) data.send(id, String(sent++).padEnd(bytes, "."));
    await new Promise((resume) => setTimeout(resume, 1));
  }
  return { sent, told: told() };
}"""
ARRIVED = "(id) => data.received(id).length"
IN_ORDER = "(id) => data.received(id).every((message, n) => parseInt(message) === n)"


async def test_a_crowd_at_the_door_leaves_calls_alone(server: Server, enter: Enter) -> None:
    """A call of browsers goes on, a call whose packets are counted loses none; everybody is answered."""
    ada, ben = await enter("Ada"), await enter("Ben")
    rooms = ["flood-crowded"] * ((ROOM_TAKES + TOO_MANY) // LATECOMERS) + ["flood-call"]
    people = ROOM_TAKES + TOO_MANY + LATECOMERS
    async with probe(server.url, "flood-call") as call:
        async with crowd(server.url, people, 1, rooms) as crush:
            await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
        phase = await call.phase()
    print(f"\ncrowd: {crush}, {phase}")
    assert crush.joined == ROOM_TAKES + LATECOMERS
    assert crush.refused == {"room_full": TOO_MANY}
    assert phase.lost <= HANDFUL


async def test_floods_of_data_leave_a_call_alone(
    server: Server, enter: Enter, enter_for_data: EnterForData
) -> None:
    """A browser sends all it can, and beside it somebody who knows no congestion control and is told so."""
    ada, ben = await enter("Ada"), await enter("Ben")
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    eve, fay = await enter_for_data("Eve"), await enter_for_data("Fay")
    producer = await eve.produce(label="flood", ordered=False, maxRetransmits=0)
    await fay.consume(producer)
    async with probe(server.url, "flood-call") as call:
        async with torrent(server.url, "flood-call", FLOOD_SECONDS, TORRENT_RATE) as seen:
            flooded, *_ = await asyncio.gather(flood(eve, producer), ben.sees_and_hears(ada))
            await ada.sees_and_hears(ben)
        phase = await call.phase()
    print(f"\nflood: {flooded}, {seen}, {phase}")
    assert flooded["sent"] > 0
    assert seen.told > 0
    assert seen.refused > 0
    assert phase.lost <= HANDFUL


async def test_a_page_is_told_of_its_flood_and_a_reliable_channel_brings_all_of_it(
    enter_for_data: EnterForData,
) -> None:
    ada, ben = await enter_for_data("Ada"), await enter_for_data("Ben")
    producer = await ada.produce(label="bulk", ordered=True)
    consumer = await ben.consume(producer)
    flooded = await flood(ada, producer, seconds=TOLD_SECONDS, until_told=True)
    assert flooded["told"]

    async def arrived() -> int | None:
        count: int = await ben.tab.call(ARRIVED, consumer)
        return count if count >= flooded["sent"] else None

    assert await eventually(arrived, "every message arrives") == flooded["sent"]
    assert await ben.tab.call(IN_ORDER, consumer)


async def flood(
    sender: DataGuest, producer: str, *, seconds: float = FLOOD_SECONDS, until_told: bool = False
) -> dict[str, int]:
    options = {"id": producer, "seconds": seconds, "bytes": MESSAGE_BYTES, "untilTold": until_told}
    flooded: dict[str, int] = await sender.tab.call(FLOOD, options)
    return flooded
