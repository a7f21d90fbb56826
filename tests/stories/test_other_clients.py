"""Who else may come: Firefox, and a client in Python that we did not write."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from harness.bidi import FirefoxTab
from harness.guest import Guest
from harness.server import Server
from harness.stranger import Stranger

Enter = Callable[..., Awaitable[Guest]]
FRAMES = 20


async def test_firefox_sees_hears_is_seen_and_is_heard(
    enter: Enter, server: Server, fox: FirefoxTab, new_room: Callable[[], str]
) -> None:
    room = new_room()
    ada = await enter("Ada", room=room)
    guest = await Guest("Fox", fox).enter(server.url, room)
    await asyncio.gather(guest.sees_and_hears(ada), ada.sees_and_hears(guest))


async def test_pymediasoup_publishes_and_receives(
    enter: Enter, server: Server, new_room: Callable[[], str]
) -> None:
    room = new_room()
    ada = await enter("Ada", room=room)
    stranger = Stranger("Stranger")
    await stranger.enter(server.url, room)
    tracks = await stranger.tracks_of(ada.participant_id)
    seen, heard = await asyncio.gather(some_pictures(tracks["camera"]), some_sound(tracks["microphone"]))
    assert seen == (320, 180)
    assert heard > 0

    await ada.sees_and_hears(stranger)
    await stranger.request("leave")
    await ada.no_longer_sees(stranger)
    await stranger.close()


async def some_pictures(track: Any) -> tuple[int, int]:
    """Waits for frames; the size of the last one."""
    for _ in range(FRAMES):
        frame = await track.recv()
    return frame.width, frame.height


async def some_sound(track: Any) -> int:
    """Waits for a frame that is not silent; its highest sample."""
    while True:
        frame = await track.recv()
        if loudest := max(bytes(frame.planes[0])):
            return loudest
