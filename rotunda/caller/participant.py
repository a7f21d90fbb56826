"""One participant of a room: what a browser's page does there, request by request."""

import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Self

from rotunda.caller.connection import Connection, Event
from rotunda.caller.consumer import Consumer
from rotunda.caller.data import DataChannel, OnMessage
from rotunda.caller.errors import CallError
from rotunda.caller.patience import USUAL, Patience
from rotunda.caller.publication import Publication, Source
from rotunda.caller.rtp import Kind
from rotunda.caller.signaling_socket import OnEvent
from rotunda.caller.transport import OnPacket, Transport
from rotunda.caller.ways import IceServer, WayKind

JsonObject = dict[str, Any]


class Participant:
    """Made by `enter`, or by `connect` and `join`. `joined` is the answer to `join`.

    Whoever asks for no transport takes part by signaling alone, which costs neither a socket of media nor a
    handshake.
    """

    def __init__(
        self, connection: Connection, url: str, context: ssl.SSLContext | None, patience: Patience
    ) -> None:
        self.joined: JsonObject = {}
        self._connection = connection
        self._url = url
        self._context = context
        self._patience = patience
        self._room = self._name = ""
        self._on_event: OnEvent | None = None
        self._transports: list[Transport] = []
        self._publications: list[Publication] = []

    @classmethod
    async def enter(
        cls,
        url: str,
        room: str,
        name: str,
        *,
        token: str = "",
        context: ssl.SSLContext | None = None,
        patience: Patience = USUAL,
    ) -> Self:
        """Connects and joins; `context` checks the certificate of an https URL. Raises CallError."""
        participant = await cls.connect(url, token=token, context=context, patience=patience)
        try:
            await participant.join(room, name)
        except BaseException:
            await participant.disconnect()
            raise
        return participant

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
        connection = await Connection.open(url, token=token, context=context, patience=patience)
        return cls(connection, url, context, patience)

    async def join(self, room: str, name: str) -> None:
        """Once. Raises CallError."""
        self._room, self._name = room, name
        self.joined = await self.request("join", room=room, displayName=name)

    @property
    def id(self) -> str:
        return str(self.joined["participantId"])

    @property
    def events(self) -> Sequence[Event]:
        """The last ones of the connection in use, each as name and payload."""
        return self._connection.events

    @property
    def turn_servers(self) -> list[IceServer]:
        return IceServer.turn_servers(self.joined["iceServers"])

    async def request(self, name: str, /, **payload: Any) -> JsonObject:
        """Sends one request and returns its answer. Raises Refused or SignalingUnreachable."""
        return await self._connection.request(name, **payload)

    async def event(
        self, name: str, matching: Callable[[JsonObject], bool] = lambda payload: True
    ) -> JsonObject:
        """The first such event, whether it has come or is still to come. Bring a deadline."""
        return await self._connection.event(name, matching)

    def listen(self, on_event: OnEvent) -> None:
        """Who is given name and payload of each event from now on, after `resume`, too."""
        self._on_event = self._connection.on_event = on_event

    async def lose_connection(self) -> None:
        """Closes the socket as a network does it; media goes on while the seat is kept."""
        await self._connection.close()

    async def resume(self) -> None:
        """A new socket for the seat of this participant; `joined` is the new answer. Raises CallError.

        `joined["resumed"]` tells whether the seat was still there. If it was not, this is a new participant
        and the transports are of no use any more.
        """
        await self._connection.close()
        self._connection = await Connection.open(self._url, context=self._context, patience=self._patience)
        if self._on_event is not None:
            self._connection.on_event = self._on_event
        seat = self.joined["seat"]
        self.joined = await self.request("join", room=self._room, displayName=self._name, seat=seat)

    async def set_attributes(self, **attributes: str | None) -> None:
        """None removes one."""
        await self.request("setAttributes", attributes=attributes)

    async def react(self, name: str) -> None:
        await self.request("react", name=name)

    async def transport(self, direction: str, kind: WayKind = "udp") -> Transport:
        """A transport with ICE and DTLS done. Raises CallError."""
        options = await self.request("createWebRtcTransport", direction=direction)
        transport = Transport(
            options, kind, self.turn_servers, context=self._context, patience=self._patience
        )
        self._transports.append(transport)
        await self.request(
            "connectWebRtcTransport", transportId=transport.id, dtlsParameters=transport.dtls_parameters
        )
        await transport.open()
        return transport

    async def restart_ice(self, transport: Transport) -> None:
        """New credentials, and a new way to where the transport is. Raises CallError."""
        answer = await self.request("restartIce", transportId=transport.id)
        await transport.change_way(ice_parameters=answer["iceParameters"])

    async def produce(self, transport: Transport, kind: Kind, rtp_parameters: JsonObject) -> str:
        """A producer's id; its media is what the caller sends by `transport.send_rtp`."""
        answer = await self.request(
            "produce", transportId=transport.id, kind=kind, rtpParameters=rtp_parameters
        )
        return str(answer["id"])

    async def publish(
        self, transport: Transport, source: Source, on_sent: OnPacket | None = None
    ) -> Publication:
        """A producer whose media comes from a source once it is started; `on_sent` is given each packet."""
        producer_id = await self.produce(transport, source.kind, source.rtp_parameters)
        publication = Publication(producer_id, transport, source, self.request, on_sent)
        self._publications.append(publication)
        return publication

    async def consume(
        self, transport: Transport, producer_id: str, on_packet: OnPacket | None = None
    ) -> Consumer:
        """A consumer that flows. Without congestion control, whose reports are not sent here."""
        answer = await self.request(
            "consume", transportId=transport.id, producerId=producer_id, rtpCapabilities=self._capabilities()
        )
        consumer = Consumer(answer, transport, self.request, on_packet)
        await consumer.resume()
        return consumer

    async def produce_data(
        self,
        transport: Transport,
        label: str = "",
        *,
        ordered: bool = True,
        max_retransmits: int | None = None,
    ) -> DataChannel:
        """A channel to send on, open."""
        stream = transport.data.next_stream(ordered=ordered, max_retransmits=max_retransmits)
        answer = await self.request(
            "produceData", transportId=transport.id, sctpStreamParameters=stream, label=label
        )
        return await transport.data.open(str(answer["id"]), stream)

    async def consume_data(
        self, transport: Transport, data_producer_id: str, on_message: OnMessage | None = None
    ) -> DataChannel:
        """A channel to receive on, open."""
        answer = await self.request("consumeData", transportId=transport.id, dataProducerId=data_producer_id)
        return await transport.data.open(str(answer["id"]), answer["sctpStreamParameters"], on_message)

    async def leave(self) -> None:
        """Leaves the room and closes everything; a connection that is lost by then is no matter."""
        with suppress(CallError):
            await self.request("leave")
        await self.disconnect()

    async def disconnect(self) -> None:
        """Closes everything and leaves the seat to its time."""
        async with AsyncExitStack() as closing:  # the last first, each one whatever the others do
            closing.push_async_callback(self._connection.close)
            for transport in self._transports:
                closing.push_async_callback(transport.close)
            for publication in self._publications:
                closing.push_async_callback(publication.stop)
            self._transports.clear()
            self._publications.clear()

    def _capabilities(self) -> JsonObject:
        capabilities = self.joined["routerRtpCapabilities"]
        extensions = [each for each in capabilities["headerExtensions"] if each["uri"].endswith(":mid")]
        codecs = [codec | {"rtcpFeedback": []} for codec in capabilities["codecs"]]
        return {"codecs": codecs, "headerExtensions": extensions}
