"""What senders put between their pictures costs viewers none of them."""

from collections.abc import Awaitable, Callable

from harness.guest import Guest, eventually
from harness.padding import PaddingSender
from harness.server import Server

Enter = Callable[..., Awaitable[Guest]]
PICTURES = 450


async def test_padding_between_pictures_costs_a_viewer_none(
    enter: Enter, server: Server, new_room: Callable[[], str]
) -> None:
    room = new_room()
    ada = await enter("Ada", room=room, camera_on=False)
    sender = await PaddingSender.enter(server.url, room, "Filler")

    async def decoded() -> int:
        return sum(one.frames_decoded for one in await ada.received())

    async def begun() -> bool:
        return await decoded() > 0

    looks = [0]

    async def settled() -> int | None:
        looks.append(await decoded())
        return looks[-1] if looks[-1] == looks[-2] else None

    await sender.send_until(begun)
    before = await eventually(settled, "all that was sent so far is decoded")
    await sender.send(PICTURES)
    seen = await ada.until_received(
        sender, "camera", lambda now: now.frames_decoded >= before + PICTURES, "every picture"
    )
    assert (seen.frame_width, seen.frame_height) == (320, 180)
    await sender.close()
