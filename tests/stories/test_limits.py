"""What a room allows its people to send."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from harness.guest import FULL_CAMERA, LARGE_PICTURE_SECONDS, Guest, eventually
from harness.server import ANSWER_SECONDS, Server
from playwright.async_api import Browser

Enter = Callable[..., Awaitable[Guest]]
NARROW_KBPS = 300
# What the media node adds to a room's limit, because browsers share it between video and sound.
SOUND_KBPS = 128
# A window of four seconds at the camera's 15 frames; the first one begins when a call has settled.
WINDOW_FRAMES = 60
FIRST_FRAMES = 120


@dataclass(frozen=True, slots=True)
class Sent:
    """What a camera has sent: time in milliseconds, bytes with headers by layer, the smallest first."""

    at: float
    frames: int
    bytes: tuple[int, ...]


async def test_a_camera_keeps_to_its_room_s_limit(
    enter: Enter, server: Server, studio: Browser, new_room: Callable[[], str]
) -> None:
    for limit, kept in ((2500, above), (NARROW_KBPS, below)):
        room = new_room()
        await make_room(server, room, limit)
        ada = await enter("Ada", browser=studio, camera=FULL_CAMERA, room=room)
        ben = await enter("Ben", room=room)
        rates = await until_rates(ada, kept)
        await ben.sees_and_hears(ada)
        shown = " + ".join(f"{kbps:.0f}" for kbps in rates)
        print(f"\nlimit of {limit} kbit/s: the camera's layers send {shown} = {sum(rates):.0f} kbit/s")
        await ada.close()
        await ben.close()


def above(kbps: float) -> bool:
    """More than the other room lets through: this camera does have so much to send."""
    return kbps > 1.5 * (NARROW_KBPS + SOUND_KBPS)


def below(kbps: float) -> bool:
    return kbps < NARROW_KBPS + SOUND_KBPS


async def make_room(server: Server, name: str, max_video_kbps: int) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=ANSWER_SECONDS) as client:
        made = await client.post("/api/v1/rooms", json={"name": name, "maxVideoKbps": max_video_kbps})
    assert made.status_code == 201, made.text


async def until_rates(guest: Guest, met: Callable[[float], bool]) -> list[float]:
    """Waits until what the camera sends over a window meets the condition; in kbit/s, by layer."""
    start = await until_frames(guest, FIRST_FRAMES)

    async def poll() -> list[float] | None:
        nonlocal start
        end = await until_frames(guest, start.frames + WINDOW_FRAMES)
        grown = [after - before for before, after in zip(start.bytes, end.bytes, strict=True)]
        rates = [8 * count / (end.at - start.at) for count in grown]
        start = end
        return rates if met(sum(rates)) else None

    what = f"what {guest.name}'s camera sends is {met.__name__} its bound"
    return await eventually(poll, what, LARGE_PICTURE_SECONDS)


async def until_frames(guest: Guest, frames: int) -> Sent:
    """Waits until some layer has sent so many frames: the smallest one sends all."""

    async def poll() -> Sent | None:
        sent = await camera(guest)
        return sent if sent is not None and sent.frames >= frames else None

    return await eventually(poll, f"{guest.name}'s camera has sent {frames} frames")


async def camera(guest: Guest) -> Sent | None:
    stats = await guest.tab.call("() => window.rotunda.senderStats('camera')")
    streams = [entry for entry in stats if entry["type"] == "outbound-rtp"]
    streams.sort(key=lambda stream: stream["rid"])
    if not streams:
        return None
    return Sent(
        at=max(stream["timestamp"] for stream in streams),
        frames=max(stream["framesSent"] for stream in streams),
        bytes=tuple(stream["bytesSent"] + stream["headerBytesSent"] for stream in streams),
    )
