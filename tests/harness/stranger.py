"""A client that we did not write: pymediasoup, speaking the contract over Socket.IO and nothing else."""

import array
import asyncio
import math
from fractions import Fraction
from typing import Any

import socketio  # type: ignore[import-untyped]  # it ships no annotations
from aiortc import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack
from av import AudioFrame, VideoFrame
from pymediasoup import AiortcHandler, Device
from pymediasoup.models.transport import DtlsParameters
from pymediasoup.rtp_parameters import RtpCapabilities, RtpParameters

ANSWER_SECONDS = 60
SAMPLE_RATE = 48_000
SAMPLES = SAMPLE_RATE // 50


class RefusedError(Exception):
    """The server's answer was an error."""


class Tone(AudioStreamTrack):
    """A 440 Hz tone."""

    async def recv(self) -> AudioFrame:
        silent = await super().recv()
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        step = 2 * math.pi * 440 / SAMPLE_RATE
        wave = (int(8000 * math.sin(step * n)) for n in range(SAMPLES))
        frame.planes[0].update(array.array("h", wave).tobytes())
        frame.pts, frame.sample_rate, frame.time_base = silent.pts, SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        return frame


class Shades(VideoStreamTrack):
    """A small grey picture whose brightness changes with every frame."""

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame(width=320, height=180, format="yuv420p")
        for plane, shade in zip(frame.planes, (pts // 3000 % 256, 128, 128), strict=True):
            plane.update(bytes([shade]) * plane.buffer_size)
        frame.pts, frame.time_base = pts, time_base
        return frame


class Stranger:
    """One person behind pymediasoup."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.participant_id = ""
        self._published: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self._socket = socketio.AsyncClient()
        self._tracks: list[MediaStreamTrack] = [Tone(), Shades()]
        self._device = Device(handlerFactory=AiortcHandler.createFactory(tracks=self._tracks))
        self._transports: dict[str, Any] = {}
        self._connecting: list[asyncio.Task[Any]] = []
        self._socket.on("newProducer", self._on_new_producer)

    async def enter(self, url: str, room: str) -> None:
        """Joins and publishes a tone and a picture."""
        await self._socket.connect(url, transports=["websocket"], wait_timeout=ANSWER_SECONDS)
        answer = await self.request("join", room=room, displayName=self.name)
        self.participant_id = answer["participantId"]
        await self._device.load(RtpCapabilities(**answer["routerRtpCapabilities"]))
        for direction in ("send", "recv"):
            self._transports[direction] = await self._open(direction)
        for track in self._tracks:
            await self._transports["send"].produce(track=track)
        for one in answer["participants"]:
            for producer in one["producers"]:
                self._published.put_nowait((one["participantId"], producer))

    async def tracks_of(self, participant_id: str) -> dict[str, Any]:
        """Subscribes to somebody's microphone and camera, once both are published."""
        tracks: dict[str, Any] = {}
        while not {"microphone", "camera"} <= set(tracks):
            owner, producer = await self._published.get()
            if owner == participant_id and producer["source"] not in tracks:
                tracks[producer["source"]] = await self.consume(producer["producerId"])
        return tracks

    async def consume(self, producer_id: str) -> Any:
        """Subscribes to a producer and returns the track, which flows."""
        answer = await self.request(
            "consume",
            transportId=self._transports["recv"].id,
            producerId=producer_id,
            rtpCapabilities=self._device.rtpCapabilities.model_dump(),
        )
        consumer = await self._transports["recv"].consume(
            id=answer["id"],
            producerId=producer_id,
            kind=answer["kind"],
            rtpParameters=RtpParameters(**answer["rtpParameters"]),
        )
        await self.request("resumeConsumer", consumerId=answer["id"])
        return consumer.track

    async def request(self, name: str, **payload: Any) -> dict[str, Any]:
        """Sends one request and returns its answer; raises RefusedError with what the server says."""
        answer: dict[str, Any] = await self._socket.call(name, payload, timeout=ANSWER_SECONDS)
        if "error" in answer:
            raise RefusedError(f"{name}: {answer['error']['code']}: {answer['error']['message']}")
        return answer

    async def close(self) -> None:
        for transport in self._transports.values():
            await transport.close()
        for track in self._tracks:
            track.stop()
        await asyncio.gather(*self._connecting)
        await self._socket.disconnect()

    async def _open(self, direction: str) -> Any:
        options = await self.request("createWebRtcTransport", direction=direction)
        create = self._device.createSendTransport if direction == "send" else self._device.createRecvTransport
        transport = create(
            id=options["id"],
            iceParameters=options["iceParameters"],
            iceCandidates=options["iceCandidates"],
            dtlsParameters=options["dtlsParameters"],
            sctpParameters=options["sctpParameters"],
        )

        def connect(dtls: DtlsParameters) -> None:
            # pymediasoup does not wait for the answer: the request may come after produce.
            request = self.request(
                "connectWebRtcTransport", transportId=transport.id, dtlsParameters=dtls.model_dump()
            )
            self._connecting.append(asyncio.create_task(request))

        async def produce(kind: str, parameters: RtpParameters, app_data: dict[str, Any]) -> str:
            answer = await self.request(
                "produce", transportId=transport.id, kind=kind, rtpParameters=parameters.model_dump()
            )
            return str(answer["id"])

        transport.on("connect", connect)
        transport.on("produce", produce)
        return transport

    async def _on_new_producer(self, producer: dict[str, Any]) -> None:
        self._published.put_nowait((producer["participantId"], producer))
