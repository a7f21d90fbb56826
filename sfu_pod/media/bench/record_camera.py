"""Records data/camera.txt: when a real Chromium sends a camera's packets, and how large they are.

    sudo .venv/bin/python sfu_pod/media/bench/record_camera.py [--kbps 2500] [--seconds 5]

A page sends VP8 from one peer connection to another over loopback, whose feedback lets it send at full rate.
Headers of SRTP are plain, so that a raw socket sees all that is wanted; opening one needs root.
"""

import argparse
import asyncio
import socket
import struct
import subprocess
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import async_playwright

OUTPUT = Path(__file__).parent / "data" / "camera.txt"
# The encoder has its full rate after this.
RAMP_UP_SECONDS = 10
CAMERA = "mandelbrot=size=960x540:rate=30,noise=alls=6:allf=t"
SEND = """async (kbps) => {
  const stream = await navigator.mediaDevices.getUserMedia({video: {width: 960, height: 540, frameRate: 30}});
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  a.onicecandidate = ({candidate}) => candidate && b.addIceCandidate(candidate);
  b.onicecandidate = ({candidate}) => candidate && a.addIceCandidate(candidate);
  const video = document.body.appendChild(document.createElement("video"));
  b.ontrack = ({streams}) => { video.muted = true; video.srcObject = streams[0]; video.play(); };
  const sender = a.addTransceiver(stream.getVideoTracks()[0],
    {direction: "sendonly", streams: [stream], sendEncodings: [{maxBitrate: kbps * 1000}]});
  const codecs = RTCRtpSender.getCapabilities("video").codecs;
  sender.setCodecPreferences(codecs.filter(({mimeType}) => /VP8|rtx/.test(mimeType)));
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
}"""


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet: arrival in microseconds, bytes of the SRTP datagram."""

    at: int
    size: int
    marker: bool
    ssrc: int


class Tap:
    """Collects RTP packets that cross the loopback device."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self._stopping = threading.Event()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))  # ETH_P_ALL
        self._socket.bind(("lo", 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self._socket.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
        self._socket.settimeout(0.2)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> list[Packet]:
        self._stopping.set()
        self._thread.join()
        return self.packets

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                data, control, _, address = self._socket.recvmsg(2048, 256)
            except TimeoutError:
                continue
            outgoing = address[2] == 4  # PACKET_OUTGOING: loopback shows everything twice
            datagram = udp_payload(data)
            if outgoing or len(datagram) < 12 or datagram[0] >> 6 != 2 or 192 <= datagram[1] <= 223:
                continue
            seconds, nanoseconds = struct.unpack("qq", control[0][2][:16])
            (ssrc,) = struct.unpack("!I", datagram[8:12])
            at = seconds * 1_000_000 + nanoseconds // 1000
            self.packets.append(Packet(at, len(datagram), bool(datagram[1] & 0x80), ssrc))


def udp_payload(data: bytes) -> bytes:
    """What an IPv4 (without options) or IPv6 packet carries in UDP; empty for all others."""
    if data[0] == 0x45 and data[9] == socket.IPPROTO_UDP:
        return data[28:]
    return data[48:] if data[0] >> 4 == 6 and data[6] == socket.IPPROTO_UDP else b""


def make_camera(path: Path) -> None:
    """A picture that is never done moving, so that the encoder needs its whole rate."""
    recipe = ["-f", "lavfi", "-i", CAMERA, "-t", "4", "-pix_fmt", "yuv420p"]
    subprocess.run(["ffmpeg", "-loglevel", "error", *recipe, path], check=True)


async def play(page_file: Path, camera: Path, kbps: int, seconds: float) -> str:
    """Lets Chromium send for so long; its version."""
    flags = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        "--no-sandbox",
    ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        page = await browser.new_page()
        await page.goto(page_file.as_uri())
        await page.evaluate(SEND, kbps)
        await asyncio.sleep(seconds)
        version = browser.version
        await browser.close()
    return version


def record(kbps: int, seconds: float) -> tuple[str, list[Packet]]:
    """Chromium's version, and what crossed the loopback device."""
    with tempfile.TemporaryDirectory() as directory:
        camera, page = Path(directory) / "camera.y4m", Path(directory) / "page.html"
        make_camera(camera)
        page.write_text("<body></body>")
        tap = Tap()
        try:
            version = asyncio.run(play(page, camera, kbps, seconds))
        finally:
            packets = tap.stop()
    return version, packets


def last_frames(packets: list[Packet], seconds: float) -> list[Packet]:
    """Whole frames of the busiest source within the last seconds."""
    ((ssrc, _),) = Counter(packet.ssrc for packet in packets).most_common(1)
    source = [packet for packet in packets if packet.ssrc == ssrc]
    source = [packet for packet in source if packet.at > source[-1].at - seconds * 1_000_000]
    ends = [index for index, packet in enumerate(source) if packet.marker]
    return source[ends[0] + 1 : ends[-1] + 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kbps", type=int, default=2500, help="the encoder's limit")
    parser.add_argument("--seconds", type=float, default=5, help="length of the recording")
    arguments = parser.parse_args()
    version, packets = record(arguments.kbps, RAMP_UP_SECONDS + arguments.seconds)
    frames = last_frames(packets, arguments.seconds)
    head = f"""\
# Recorded from Chromium {version}: one VP8 encoding of 960x540 at 30 frames and {arguments.kbps} kbit/s, sent
# from one peer connection of a page to another over loopback, whose feedback lets it send at full rate.
# Microseconds since the start, bytes of the SRTP datagram, 1 on the last packet of a frame.
"""
    lines = [f"{packet.at - frames[0].at} {packet.size} {packet.marker:d}\n" for packet in frames]
    OUTPUT.write_text(head + "".join(lines))
    print(f"{len(frames)} packets in {OUTPUT}")


if __name__ == "__main__":
    main()
