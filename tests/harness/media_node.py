"""Media nodes, real and fake, and a room of one as a signaling process has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rotunda_contract.ids import ProcessId
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import rtp_pb2, transport_pb2
from rotunda_contract.pb.events_pb2 import AttributeChange, RoomEvent, RoomSnapshot
from rotunda_contract.wire import to_message, to_struct
from rotunda_sfu.fake_node import BROWSER_DTLS, camera_parameters, microphone_parameters
from rotunda_sfu.serve import serve
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.media_node.fake import FakeMediaNode
from rotunda_signaling.media_node.grpc import GrpcMediaNodes
from rotunda_signaling.service.media_node import MediaNode

PROCESS = "process-1"
"""Of every node here."""
EVERYTHING = ("publish", "subscribe", "chat", "moderate", "record")


@asynccontextmanager
async def fake_node() -> AsyncIterator[MediaNode]:
    """The one of signaling's tests."""
    yield FakeMediaNode(PROCESS)


@asynccontextmanager
async def real_node() -> AsyncIterator[MediaNode]:
    """A whole media node behind gRPC, with its native worker and its DTLS thread."""
    settings = NodeSettings(
        process_id=ProcessId(PROCESS),
        listen_addresses=("127.0.0.1",),
        media_port=0,
        workers=1,
        grpc_address="127.0.0.1:0",
    )
    async with serve(settings) as running:
        nodes = GrpcMediaNodes()
        try:
            yield nodes.at_address(running.grpc_address)
        finally:
            await nodes.close()


@asynccontextmanager
async def open_room(node: MediaNode, *, max_participants: int = 0) -> AsyncIterator[Room]:
    """A room that one signaling process watches."""
    key = pb.RoomKey(room="standup", epoch=3, process_id=PROCESS)
    settings = pb.RoomSettings(max_participants=max_participants)
    await node.open_room(pb.OpenRoomRequest(room_key=key, settings=settings))
    room = Room(node, key)
    await room.watch("signaling-1")
    try:
        yield room
    finally:
        await room.unwatch()


@dataclass
class Room:
    """A room as one signaling process has it: its watch, its people, and names for their ids."""

    node: MediaNode
    key: pb.RoomKey
    names: dict[str, str] = field(default_factory=dict)
    snapshot: RoomSnapshot = field(default_factory=RoomSnapshot)
    _events: asyncio.Queue[RoomEvent] = field(default_factory=asyncio.Queue)
    _watching: asyncio.Task[None] | None = None
    _number: int = 0

    async def watch(self, watcher_id: str) -> None:
        """Watches the room and returns when the snapshot is there."""
        first: asyncio.Future[RoomEvent] = asyncio.get_running_loop().create_future()

        async def read() -> None:
            request = pb.WatchRoomRequest(room_key=self.key, watcher_id=watcher_id)
            async for event in self.node.watch_room(request):
                if first.done():
                    self._events.put_nowait(event)
                else:
                    first.set_result(event)

        self._watching = asyncio.create_task(read())
        event = await first
        self.snapshot, self._number = event.snapshot, event.number

    async def unwatch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def ended(self) -> None:
        """Returns when the node has ended the stream."""
        assert self._watching is not None
        await self._watching

    async def events(self, count: int) -> list[str]:
        """The next events in words: what, about whom, who caused it, who alone gets it, why."""
        return [self._words(await self.event()) for _ in range(count)]

    async def event(self) -> RoomEvent:
        """The next one."""
        event = await self._events.get()
        self._number += 1
        assert event.number == self._number, "events are numbered without a gap"
        return event

    def _words(self, event: RoomEvent) -> str:
        kind = event.WhichOneof("event") or ""
        body = getattr(event, kind)
        about = [
            self.names.get(getattr(body, field), "somebody")
            for field in (
                "producer_id",
                "data_producer_id",
                "consumer_id",
                "data_consumer_id",
                "participant_id",
            )
            if field in body.DESCRIPTOR.fields_by_name
        ]
        if kind == "participant_joined":
            about = [body.display_name]
        words = [kind, *about[:1]]
        if event.HasField("cause"):
            words.append(f"by {self.names.get(event.cause, event.cause)}")
        if event.HasField("recipient"):
            words.append(f"for {self.names[event.recipient]}")
        reason = event.reason or getattr(body, "reason", "") or getattr(body, "state", "")
        return " ".join([*words, *([f"({reason})"] if reason else [])])

    async def join(self, name: str, **more: object) -> Person:
        """Somebody joins, whose connection is called like them unless `more` says otherwise."""
        answer = await self.ask_to_join(name, **more)
        self.names[answer.participant_id] = name
        return Person(self, name, pb.Actor(room_key=self.key, participant_id=answer.participant_id), answer)

    async def ask_to_join(self, name: str, **more: object) -> pb.JoinResponse:
        fields = {
            "watcher_id": "signaling-1",
            "connection_id": name,
            "display_name": name,
            "permissions": EVERYTHING,
            **more,
        }
        return await self.node.join(pb.JoinRequest(room_key=self.key, **fields))  # type: ignore[arg-type]


@dataclass
class Person:
    """A participant who does what clients do."""

    room: Room
    name: str
    actor: pb.Actor
    joined: pb.JoinResponse

    @property
    def node(self) -> MediaNode:
        return self.room.node

    @property
    def id(self) -> str:
        return self.actor.participant_id

    async def transport(self, direction: str) -> str:
        request = pb.CreateWebRtcTransportRequest(actor=self.actor, direction=direction)
        return (await self.node.create_web_rtc_transport(request)).id

    async def connect(self, transport_id: str) -> None:
        dtls = to_message(BROWSER_DTLS, transport_pb2.DtlsParameters)
        await self.node.connect_web_rtc_transport(
            pb.ConnectWebRtcTransportRequest(
                actor=self.actor, transport_id=transport_id, dtls_parameters=dtls
            )
        )

    async def microphone(self, transport_id: str | None = None) -> str:
        return await self._produce("audio", "microphone", transport_id)

    async def camera(self, transport_id: str | None = None) -> str:
        return await self._produce("video", "camera", transport_id)

    async def _produce(self, kind: str, source: str, transport_id: str | None) -> str:
        parameters = microphone_parameters() if kind == "audio" else camera_parameters()
        request = pb.ProduceRequest(
            actor=self.actor,
            transport_id=transport_id or await self.transport("send"),
            kind=kind,
            rtp_parameters=to_message(parameters, rtp_pb2.RtpParameters),
            app_data=to_struct({"made": "here"}),
        )
        made = (await self.node.produce(request)).id
        self.room.names[made] = f"{self.name}'s {source}"
        return made

    async def consume(self, producer_id: str, transport_id: str | None = None) -> pb.ConsumeResponse:
        request = pb.ConsumeRequest(
            actor=self.actor,
            transport_id=transport_id or await self.transport("recv"),
            producer_id=producer_id,
            rtp_capabilities=self.joined.router_rtp_capabilities,
        )
        made = await self.node.consume(request)
        self.room.names[made.id] = f"{self.name}'s copy"
        return made

    async def produce_data(self, transport_id: str | None = None, stream: int = 3) -> str:
        request = pb.ProduceDataRequest(
            actor=self.actor,
            transport_id=transport_id or await self.transport("send"),
            sctp_stream_parameters=rtp_pb2.SctpStreamParameters(stream_id=stream),
            label="cursor",
            protocol="json",
            app_data=to_struct({"color": "red"}),
        )
        made = (await self.node.produce_data(request)).id
        self.room.names[made] = f"{self.name}'s channel"
        return made

    async def consume_data(
        self, data_producer_id: str, transport_id: str | None = None
    ) -> pb.ConsumeDataResponse:
        request = pb.ConsumeDataRequest(
            actor=self.actor,
            transport_id=transport_id or await self.transport("recv"),
            data_producer_id=data_producer_id,
        )
        made = await self.node.consume_data(request)
        self.room.names[made.id] = f"{self.name}'s channel copy"
        return made

    async def set_attributes(self, changes: Mapping[str, str | None]) -> None:
        attributes = [AttributeChange(name=name, value=value) for name, value in changes.items()]
        await self.node.set_attributes(pb.SetAttributesRequest(actor=self.actor, attributes=attributes))

    async def react(self, name: str) -> None:
        await self.node.react(pb.ReactRequest(actor=self.actor, name=name))

    async def leave(self) -> None:
        await self.node.leave(pb.LeaveRequest(actor=self.actor))

    async def lose_connection(self, connection_id: str | None = None) -> None:
        lost = pb.DisconnectRequest(actor=self.actor, connection_id=connection_id or self.name)
        await self.node.disconnect(lost)

    async def come_back(self, connection_id: str, **more: object) -> pb.JoinResponse:
        return await self.room.ask_to_join(
            self.name, **{"seat": self.joined.seat, "connection_id": connection_id, **more}
        )

    def own(self, producer_id: str) -> pb.ProducerRequest:
        return pb.ProducerRequest(actor=self.actor, producer_id=producer_id)

    def copy(self, consumer_id: str) -> pb.ConsumerRequest:
        return pb.ConsumerRequest(actor=self.actor, consumer_id=consumer_id)
