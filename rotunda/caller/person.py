"""One person in a room, over Socket.IO on a WebSocket."""

import ssl
from contextlib import suppress
from typing import Any, Self

from rotunda.caller.errors import CallError
from rotunda.caller.patience import USUAL, Patience
from rotunda.caller.picture import PICTURE, picture_parameters
from rotunda.caller.signaling_socket import SignalingSocket
from rotunda.caller.sound import SOUND, sound_parameters
from rotunda.caller.transport import CallerTransport, OnPacket
from rotunda.caller.ways import IceServer, WayKind

JsonObject = dict[str, Any]


class Person:
    """Made by `enter`. `joined` is the answer to `join`, `events` every event so far as name and payload."""

    def __init__(self, url: str, token: str, context: ssl.SSLContext | None, patience: Patience) -> None:
        self.joined: JsonObject = {}
        self.events: list[tuple[str, JsonObject]] = []
        self._url = url
        self._token = token
        self._place = ("", "")
        self._context = context
        self._patience = patience
        self._socket: SignalingSocket | None = None
        self._transports: list[CallerTransport] = []

    @classmethod
    async def enter(
        cls,
        url: str,
        room: str,
        name: str,
        *,
        token: str = "",
        seat: str | None = None,
        context: ssl.SSLContext | None = None,
        patience: Patience = USUAL,
    ) -> Self:
        """Connects and joins; `context` checks the certificate of an https URL. Raises CallError."""
        person = await cls.connect(url, token=token, context=context, patience=patience)
        try:
            await person.join(room, name, seat=seat)
        except BaseException:
            await person.disconnect()
            raise
        return person

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        token: str = "",
        context: ssl.SSLContext | None = None,
        patience: Patience = USUAL,
    ) -> Self:
        """Connects, into no room yet. Raises Refused where the token is, or SignalingUnreachable."""
        person = cls(url, token, context, patience)
        try:
            await person._connect()
        except BaseException:
            await person.disconnect()
            raise
        return person

    async def join(self, room: str, name: str, *, seat: str | None = None) -> None:
        """Once; with the `seat` of somebody who is gone it is theirs, and their media. Raises CallError."""
        self._place = (room, name)
        more = {"seat": seat} if seat is not None else {}
        self.joined = await self.request("join", room=room, displayName=name, **more)

    async def resume(self) -> None:
        """Comes back over a new socket, in the same seat; transports and media go on. Raises CallError."""
        if self._socket is not None:
            await self._socket.close()
        await self._connect()
        await self.join(*self._place, seat=self.seat)

    @property
    def participant_id(self) -> str:
        return str(self.joined["participantId"])

    @property
    def seat(self) -> str:
        """Whoever joins with it resumes."""
        return str(self.joined["seat"])

    @property
    def turn_servers(self) -> list[IceServer]:
        return IceServer.turn_servers(self.joined["iceServers"])

    async def request(self, name: str, /, **payload: Any) -> JsonObject:
        """Sends one request and returns its answer. Raises Refused or SignalingUnreachable."""
        assert self._socket is not None
        return await self._socket.request(name, payload, self._patience.answer)

    async def transport(
        self,
        direction: str,
        kind: WayKind = "udp",
        on_packet: OnPacket | None = None,
        *,
        host: str = "",
    ) -> CallerTransport:
        """A transport with ICE and DTLS done; `host` is the media node's address where it matters which one.

        Raises CallError.
        """
        options = await self.request("createWebRtcTransport", direction=direction)
        transport = CallerTransport(
            options,
            kind,
            self.turn_servers,
            context=self._context,
            on_packet=on_packet,
            patience=self._patience,
            host=host,
        )
        self._transports.append(transport)
        await self.request(
            "connectWebRtcTransport", transportId=transport.id, dtlsParameters=transport.dtls_parameters
        )
        await transport.open()
        return transport

    async def publish_sound(self, transport: CallerTransport) -> str:
        """The new producer's id; what is sent on the transport with SOUND's SSRC is its media."""
        return await self.publish(transport, "audio", sound_parameters(SOUND))

    async def publish_picture(self, transport: CallerTransport) -> str:
        """The same with PICTURE's SSRC."""
        return await self.publish(transport, "video", picture_parameters(PICTURE))

    async def publish(self, transport: CallerTransport, kind: str, rtp_parameters: JsonObject) -> str:
        """The new producer's id."""
        answer = await self.request(
            "produce", transportId=transport.id, kind=kind, rtpParameters=rtp_parameters
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
            await self._socket.close()
            self._socket = None

    async def _connect(self) -> None:
        self._socket = await SignalingSocket.connect(
            self._url,
            self._keep,
            token=self._token,
            context=self._context,
            seconds=self._patience.connect,
        )

    def _keep(self, name: str, payload: JsonObject) -> None:
        self.events.append((name, payload))
