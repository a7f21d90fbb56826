"""What many at once, and one who sends without end, do to a call."""

import asyncio
from collections.abc import Awaitable, Callable

from harness.crowd import crowd
from harness.guest import Guest, eventually
from harness.probe import probe
from harness.server import Server
from harness.torrent import torrent

Enter = Callable[..., Awaitable[Guest]]

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
  const told = () =>
    rotunda.client.store.getState().notices.some(({ text }) => text.includes("too fast"));
  const end = performance.now() + seconds * 1000;
  let sent = 0;
  while (performance.now() < end && !(untilTold && told())) {
    while (rotunda.bufferedData(id) < 1 << 18) rotunda.sendData(id, String(sent++).padEnd(bytes, "."));
    await new Promise((resume) => setTimeout(resume, 1));
  }
  return { sent, told: told() };
}"""
ARRIVED = "(id) => rotunda.receivedData(id).length"
IN_ORDER = "(id) => rotunda.receivedData(id).every((message, n) => parseInt(message) === n)"


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


async def test_floods_of_data_leave_a_call_alone(server: Server, enter: Enter) -> None:
    """A browser sends all it can, and beside it somebody who knows no congestion control and is told so."""
    ada, ben = await enter("Ada"), await enter("Ben")
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    channel = await produce(ada, ben, {"label": "flood", "ordered": False, "maxRetransmits": 0})
    async with probe(server.url, "flood-call") as call:
        async with torrent(server.url, "flood-call", FLOOD_SECONDS, TORRENT_RATE) as seen:
            flooded, *_ = await asyncio.gather(flood(ada, channel[0]), ben.sees_and_hears(ada))
            await ada.sees_and_hears(ben)
        phase = await call.phase()
    print(f"\nflood: {flooded}, {seen}, {phase}")
    assert flooded["sent"] > 0
    assert seen.told > 0
    assert seen.refused > 0
    assert phase.lost <= HANDFUL


async def test_a_page_is_told_of_its_flood_and_a_reliable_channel_brings_all_of_it(enter: Enter) -> None:
    ada, ben = await enter("Ada", camera_on=False), await enter("Ben", camera_on=False)
    producer, consumer = await produce(ada, ben, {"label": "bulk", "ordered": True})
    flooded = await flood(ada, producer, seconds=TOLD_SECONDS, until_told=True)
    assert flooded["told"]

    async def arrived() -> int | None:
        count: int = await ben.tab.call(ARRIVED, consumer)
        return count if count >= flooded["sent"] else None

    assert await eventually(arrived, "every message arrives") == flooded["sent"]
    assert await ben.tab.call(IN_ORDER, consumer)


async def flood(
    sender: Guest, producer: str, *, seconds: float = FLOOD_SECONDS, until_told: bool = False
) -> dict[str, int]:
    options = {"id": producer, "seconds": seconds, "bytes": MESSAGE_BYTES, "untilTold": until_told}
    flooded: dict[str, int] = await sender.tab.call(FLOOD, options)
    return flooded


async def produce(sender: Guest, receiver: Guest, options: dict[str, object]) -> tuple[str, str]:
    """A data channel from one to the other: the producer's and the consumer's id."""
    producer: str = await sender.tab.call("(options) => window.rotunda.produceData(options)", options)
    await receiver.knows(sender, lambda view: producer in view["dataProducers"], "a data channel")
    consumer: str = await receiver.tab.call("(id) => window.rotunda.consumeData(id)", producer)
    return producer, consumer
