"""How long a person waits: from the click on Join to the first pictures, in real Chromium.

    python bench/joins.py [--joins 30]

Two people are in a call, one with a camera of 960×540, each in a small window. A third stands at the door of
a full one with the camera open until the page has come to rest, clicks, and leaves once every tile has shown
a frame; again and again. The server's share is the time that its requests took, from a request's turn to its
acknowledgement, by its own /metrics; the rest is the browser's, the network's, and that of the handshakes,
which both do.
"""

import argparse
import asyncio
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.browser import ChromiumTab, chromium
from harness.camera import camera_file
from harness.guest import FULL_CAMERA, SMALL_CAMERA, Guest, eventually, instrument
from harness.server import Server, serve
from playwright.async_api import Browser, ViewportSize
from prometheus_client.parser import text_string_to_metric_families

ROOM = "joins"
ASIDE: ViewportSize = {"width": 640, "height": 360}
"""The window of who is in the call already, on the same two cores: what it draws is not what is measured."""
ON_THE_WAY = {"join", "createWebRtcTransport", "connectWebRtcTransport", "consume", "resumeConsumer"}
WATCH_TILES = """
window.firstFrames = {};
new MutationObserver(() => {
  for (const video of document.querySelectorAll("video")) {
    if (video.watched) continue;
    video.watched = true;
    video.requestVideoFrameCallback((now) => {
      const id = video.srcObject?.getVideoTracks()[0]?.id;
      if (id) window.firstFrames[id] ??= now;
    });
  }
}).observe(document, { childList: true, subtree: true });
"""
AT_REST = """() => new Promise((resolve) => {
  let quiet = setTimeout(resolve, 1000);
  new PerformanceObserver(() => {
    clearTimeout(quiet);
    quiet = setTimeout(resolve, 1000);
  }).observe({ entryTypes: ["longtask"] });
  setTimeout(resolve, 20000);
})"""
REMOTE_FRAMES = """() => {
  const tracks = Object.values(rotunda.client.store.getState().tracks).map(({ track }) => track);
  const pictures = tracks.filter(({ kind }) => kind === "video").map(({ id }) => window.firstFrames[id]);
  return pictures.length === 2 && pictures.every(Boolean) ? pictures : null;
}"""


@dataclass(frozen=True, slots=True)
class Join:
    """One join; milliseconds after the click, but `server`, which is the sum of its requests' times."""

    joined: float
    first_frame: float
    every_tile: float
    server: float


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--joins", type=int, default=30)
    count = parser.parse_args().joins
    with tempfile.TemporaryDirectory() as folder:
        async with (
            serve(Path(folder) / "log") as server,
            chromium(camera_file()) as studio,
            chromium() as cafe,
        ):
            tabs = [await ChromiumTab.open(browser) for browser in (studio, cafe)]
            ada = await Guest("Ada", tabs[0]).enter(server.url, ROOM, camera=FULL_CAMERA)
            ben = await Guest("Ben", tabs[1]).enter(server.url, ROOM)
            await asyncio.gather(*(tab.page.set_viewport_size(ASIDE) for tab in tabs))
            await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
            report([await measure(server, cafe) for _ in range(count)])


async def measure(server: Server, cafe: Browser) -> Join:
    """One person comes, sees everybody and goes."""
    tab = await ChromiumTab.open(cafe)
    await tab.add_init_script(instrument(SMALL_CAMERA, "any") + WATCH_TILES)
    await tab.goto(f"{server.url}/r/{ROOM}")

    async def ready() -> bool | None:
        return True if await tab.call("() => Boolean(window.rotunda?.local.state.camera.track)") else None

    async def shown() -> list[float] | None:
        frames: list[float] | None = await tab.call(REMOTE_FRAMES)
        return frames

    await eventually(ready, "the camera is open")
    await tab.call(AT_REST)
    before = await request_seconds(server)
    await tab.call("() => { void window.rotunda.join('Late'); }")
    # Looking costs the page time: not while it is busy with what is measured.
    await asyncio.sleep(1.5)
    frames = await eventually(shown, "every tile shows a picture")
    marks = await tab.call("() => window.rotunda.marks()")
    server_seconds = await request_seconds(server) - before
    await tab.close()
    click = marks["rotunda:join-click"]
    return Join(
        marks["rotunda:joined"] - click, min(frames) - click, max(frames) - click, server_seconds * 1000
    )


async def request_seconds(server: Server) -> float:
    """What the requests on the way to a picture have taken so far, all together."""
    text = (await server.get("/metrics")).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "rotunda_signaling_request_duration_seconds_sum"
        and sample.labels["request"] in ON_THE_WAY
    )


def report(joins: list[Join]) -> None:
    print(f"| {len(joins)} joins, ms | p50 | p95 | max |\n|---|---|---|---|")
    for title, values in (
        ("click → joined", [join.joined for join in joins]),
        ("click → first remote frame", [join.first_frame for join in joins]),
        ("click → a frame in every tile", [join.every_tile for join in joins]),
        ("of it in the server's requests", [join.server for join in joins]),
    ):
        p95 = statistics.quantiles(values, n=20, method="inclusive")[18]
        print(f"| {title} | {statistics.median(values):.0f} | {p95:.0f} | {max(values):.0f} |")


if __name__ == "__main__":
    asyncio.run(main())
