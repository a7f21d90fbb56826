"""The video file that stands in for a good camera: 960×540, 15 frames a second, detailed and moving.

Below that size Chromium sends fewer than three simulcast layers.
"""

import os
import subprocess
from pathlib import Path

WIDTH, HEIGHT, FRAMES_PER_SECOND, SECONDS = 960, 540, 15, 10
RECIPE = (
    f"mandelbrot=size={WIDTH}x{HEIGHT}:rate={FRAMES_PER_SECOND}:start_scale=2:end_scale=0.02:end_pts=400,"
    "noise=alls=6:allf=t,format=yuvj420p"
)


def camera_file() -> Path:
    """The file's path in the cache; the first call makes it with ffmpeg (a few seconds)."""
    cache = Path(os.environ.get("ROTUNDA_CACHE") or Path.home() / ".cache" / "rotunda") / "video"
    path = cache / f"camera-{WIDTH}x{HEIGHT}-{FRAMES_PER_SECOND}.mjpeg"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.mjpeg")
        command = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", RECIPE, "-t", str(SECONDS)]
        subprocess.run([*command, "-c:v", "mjpeg", "-q:v", "4", "-y", unfinished], check=True)
        unfinished.rename(path)
    return path
