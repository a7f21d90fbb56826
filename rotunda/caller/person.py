"""One person in a room, over Socket.IO on a WebSocket."""

import asyncio
import ssl
from contextlib import suppress
from typing import Any

import aiohttp
import socketio  # type: ignore[import-untyped]  # it ships no annotations

from rotunda.caller.errors import CallError, Refused, SignalingUnreachable
from rotunda.caller.sound import SOUND, sound_parameters
from rotunda.caller.transport import CallerTransport, OnPacket
from rotunda.caller.ways import IceServer, WayKind

JsonObject = dict[str, Any]
ANSWER_SECONDS = 60.0
CONNECT_SECONDS = 20.0


class Person:
    """Made by `enter`. `joined` is the answer to `join`, `events` every event so far as name and payload."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.joined: JsonObject = {}
        self.events: list[tuple[str, JsonObject]] = []
        self._context = context
        self._refusal: Refused | None = None
        self._session: aiohttp.ClientSession | None = None
        self._socket: Any = None
        self._transports: list[CallerTransport] = []

    @classmethod
    async def enter(
        cls,
        url: str,
        room: str,
        name: str,
        *,
        token: str = "",
        context: ssl.SSLContext | None = None,
    ) -> "Person":
        """Connects and joins; `context` checks the certificate of an https URL. Raises CallError."""
        person = await cls.connect(url, token=token, context=context)
        try:
            await person.join(room, name)
        except BaseException:
            await person.disconnect()
            raise
        return person

    @classmethod
    async def connect(cls, url: str, *, token: str = "", context: ssl.SSLContext | None = None) -> "Person":
        """Connects, into no room yet. Raises Refused where the token is, or SignalingUnreachable."""
        person = cls(context)
        try:
            await person._connect(url, token)
        except BaseException:
            await person.disconnect()
            raise
        return person

    async def join(self, room: str, name: str) -> None:
        """Once. Raises CallError."""
        self.joined = await self.request("join", room=room, displayName=name)

    @property
    def turn_servers(self) -> list[IceServer]:
        return IceServer.turn_servers(self.joined["iceServers"])

    async def request(self, name: str, **payload: Any) -> JsonObject:
        """Sends one request and returns its answer. Raises Refused or SignalingUnreachable."""
        try:
            answer: JsonObject = await self._socket.call(name, payload, timeout=ANSWER_SECONDS)
        except (socketio.exceptions.SocketIOError, OSError) as error:
            raise SignalingUnreachable(f"{name} was not answered: {error or 'timeout'}") from error
        if "error" in answer:
            raise Refused(name, str(answer["error"]["code"]), str(answer["error"]["message"]))
        return answer

    async def transport(
        self, direction: str, kind: WayKind = "udp", on_packet: OnPacket | None = None
    ) -> CallerTransport:
        """A transport with ICE and DTLS done. Raises CallError."""
        options = await self.request("createWebRtcTransport", direction=direction)
        transport = CallerTransport(
            options, kind, self.turn_servers, context=self._context, on_packet=on_packet
        )
        self._transports.append(transport)
        await self.request(
            "connectWebRtcTransport", transportId=transport.id, dtlsParameters=transport.dtls_parameters
        )
        await transport.open()
        return transport

    async def publish_sound(self, transport: CallerTransport) -> str:
        """The new producer's id; what is sent on the transport with SOUND's SSRC is its media."""
        answer = await self.request(
            "produce", transportId=transport.id, kind="audio", rtpParameters=sound_parameters(SOUND)
        )
        return str(answer["id"])

    async def consume(self, transport: CallerTransport, producer_id: str) -> JsonObject:
        """The consumer, which flows. Without congestion control, whose reports are not sent here."""
        capabilities = self.joined["routerRtpCapabilities"]
        extensions = [each for each in capabilities["headerExtensions"] if each["uri"].endswith(":mid")]
        codecs = [codec | {"rtcpFeedback": []} for codec in capabilities["codecs"]]
        consumer = await self.request(
            "consume",
            transportId=transport.id,
            producerId=producer_id,
            rtpCapabilities={"codecs": codecs, "headerExtensions": extensions},
        )
        await self.request("resumeConsumer", consumerId=consumer["id"])
        return consumer

    async def leave(self) -> None:
        """Leaves the room and closes everything; a connection that is lost by then is no matter."""
        with suppress(CallError):
            await self.request("leave")
        await self.disconnect()

    async def disconnect(self) -> None:
        """Closes everything and leaves the seat to its time."""
        for transport in self._transports:
            await transport.close()
        self._transports.clear()
        if self._socket is not None:
            await self._socket.disconnect()
        if self._session is not None:
            await self._session.close()

    async def _connect(self, url: str, token: str) -> None:
        tls = self._context if self._context is not None else True
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls))
        self._socket = socketio.AsyncClient(reconnection=False, http_session=self._session)
        self._socket.on("*", self._keep)
        self._socket.on("connect_error", self._keep_refusal)
        auth = {"token": token} if token else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                # By default it waits a second for the server's answer, which is little over some networks.
                await self._socket.connect(
                    url, transports=["websocket"], auth=auth, wait_timeout=CONNECT_SECONDS
                )
        except (socketio.exceptions.ConnectionError, OSError, TimeoutError) as error:
            if self._refusal is not None:
                raise self._refusal from error
            reason = str(_innermost(error)) or "timeout"
            raise SignalingUnreachable(f"no Socket.IO connection to {url}: {reason}") from error

    async def _keep(self, name: str, payload: JsonObject) -> None:
        self.events.append((name, payload))

    async def _keep_refusal(self, told: object = None) -> None:
        """A server that refuses says why, `{message, data: {code}}`; a connection that fails has a text."""
        if isinstance(told, dict):
            data = told.get("data")
            code = str(data["code"]) if isinstance(data, dict) and "code" in data else "refused"
            self._refusal = Refused("connect", code, str(told.get("message", "")))


def _innermost(error: BaseException) -> BaseException:
    """What it came from: of a refused certificate, say, engine.io tells "Connection error" alone."""
    while (origin := error.__cause__ or error.__context__) is not None:
        error = origin
    return error
