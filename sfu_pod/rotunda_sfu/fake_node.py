"""A node whose workers, DTLS sessions and clock are fakes, and people to put into its rooms."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from rotunda_contract.ids import (
    ConnectionId,
    DataProducerId,
    ProcessId,
    ProducerId,
    RoomName,
    SeatToken,
    WatcherId,
)
from rotunda_contract.pb.events_pb2 import RoomEvent
from rotunda_contract.rtp import (
    DtlsFingerprint,
    DtlsParameters,
    RtpCapabilities,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpParameters,
    RtxEncoding,
)
from rotunda_contract.signaling.common import ParticipantKind
from rotunda_sfu import publishing, subscribing
from rotunda_sfu.clock import VirtualClock
from rotunda_sfu.consumer import Consumer
from rotunda_sfu.data_channel import DataConsumer, DataProducer
from rotunda_sfu.event_log import Watch
from rotunda_sfu.fake_worker import FakeConsumer, FakeMediaWorker, FakeProducer
from rotunda_sfu.node import Assignment, Node, RoomOptions
from rotunda_sfu.participant import Connection, Participant
from rotunda_sfu.producer import Producer
from rotunda_sfu.publishing import ProduceDataOptions, ProduceOptions
from rotunda_sfu.randomness import Randomness
from rotunda_sfu.room import JoinOptions, Room
from rotunda_sfu.sessions import FakeSession, FakeSessions
from rotunda_sfu.settings import Limits, NodeSettings
from rotunda_sfu.transports.transport import Transport
from rotunda_sfu.transports.webrtc import WebRtcTransport

PROCESS = ProcessId("process-1")
WATCHER = WatcherId("signaling-1")
ALL_PERMISSIONS = ("publish", "subscribe", "chat", "moderate")
MID_EXTENSION = RtpHeaderExtensionParameters(uri="urn:ietf:params:rtp-hdrext:sdes:mid", id=1)
BROWSER_DTLS = DtlsParameters(
    role="client", fingerprints=(DtlsFingerprint(algorithm="sha-256", value=":".join(["CD"] * 32)),)
)


class FakeNode:
    """A node without sockets, threads or real time. Its randomness has the written `seed`."""

    def __init__(self, *, workers: int = 1, limits: Limits | None = None, seed: int = 1) -> None:
        self.clock = VirtualClock()
        self.workers = [FakeMediaWorker(index) for index in range(workers)]
        self.sessions = FakeSessions()
        self.settings = NodeSettings(
            process_id=PROCESS,
            listen_addresses=("127.0.0.1",),
            workers=workers,
            grpc_address="127.0.0.1:0",
            limits=limits or Limits(),
        )
        randomness = Randomness(random.Random(seed))
        self.node = Node(self.settings, self.workers, self.sessions, self.clock, randomness)

    @property
    def worker(self) -> FakeMediaWorker:
        """The first one."""
        return self.workers[0]

    def open(
        self, name: str = "room", epoch: int = 1, *, max_participants: int = 0, max_video_kbps: int = 0
    ) -> FakeRoom:
        """An open room with one watcher."""
        options = RoomOptions(max_participants, max_video_kbps=max_video_kbps)
        room = self.node.open_room(assignment(name, epoch), options)
        return FakeRoom(self, room, room.watch(WATCHER))


@dataclass(slots=True)
class FakeRoom:
    """A room, and the events that its watcher has not taken yet."""

    fake: FakeNode
    room: Room
    watch: Watch

    def join(
        self,
        name: str = "Ada",
        *,
        connection: str | None = None,
        watcher: WatcherId = WATCHER,
        seat: SeatToken | None = None,
        permissions: Iterable[str] = ALL_PERMISSIONS,
        identity: str = "",
        token_id: str = "",
        resume_only: bool = False,
        kind: ParticipantKind = "person",
    ) -> Person:
        """Somebody joins; the connection is called like the person unless it has a name."""
        options = JoinOptions(name, permissions, seat, identity, token_id, resume_only, kind)
        joined = self.room.join(Connection(ConnectionId(connection or name), watcher), options)
        return Person(self.fake, joined.participant)

    async def events(self) -> list[RoomEvent]:
        """The events since the last call."""
        return [await anext(self.watch) for _ in range(self.watch.waiting)]

    async def event_names(self) -> list[str]:
        """The names of the events since the last call."""
        return [event.WhichOneof("event") or "" for event in await self.events()]


@dataclass(slots=True)
class Person:
    """A participant who publishes and subscribes as clients do."""

    fake: FakeNode
    participant: Participant

    def send_transport(self) -> WebRtcTransport:
        return self.participant.create_transport("send")

    def recv_transport(self) -> WebRtcTransport:
        return self.participant.create_transport("recv")

    def microphone(self, transport: Transport | None = None) -> Producer:
        return self.produce(ProduceOptions("audio", microphone_parameters()), transport)

    def camera(self, transport: Transport | None = None, *, paused: bool = False) -> Producer:
        return self.produce(ProduceOptions("video", camera_parameters(), paused=paused), transport)

    def produce(self, options: ProduceOptions, transport: Transport | None = None) -> Producer:
        return publishing.produce(self.participant.room, transport or self.send_transport(), options)

    def pause(self, producer: Producer) -> None:
        publishing.pause(self.participant.room, producer, cause=self.participant.id)

    def resume(self, producer: Producer) -> None:
        publishing.resume(self.participant.room, producer)

    def consume(
        self,
        producer: Producer | ProducerId,
        transport: Transport | None = None,
        capabilities: RtpCapabilities | None = None,
    ) -> Consumer:
        return subscribing.consume(
            self.participant.room,
            transport or self.recv_transport(),
            producer.id if isinstance(producer, Producer) else producer,
            capabilities or self.fake.node.capabilities,
        )

    def produce_data(self, options: ProduceDataOptions, transport: Transport | None = None) -> DataProducer:
        return publishing.produce_data(self.participant.room, transport or self.send_transport(), options)

    def consume_data(self, producer: DataProducerId, transport: Transport | None = None) -> DataConsumer:
        return subscribing.consume_data(self.participant.room, transport or self.recv_transport(), producer)

    def close(self, thing: Transport | Producer | Consumer | DataProducer | DataConsumer) -> None:
        """As if they asked for it."""
        relations, cause = self.participant.room.relations, self.participant.id
        match thing:
            case Producer():
                relations.end_producer(thing, cause=cause)
            case Consumer():
                relations.end_consumer(thing, cause=cause)
            case DataProducer():
                relations.end_data_producer(thing, cause=cause)
            case DataConsumer():
                relations.end_data_consumer(thing, cause=cause)
            case _:
                relations.end_transport(thing, cause=cause)

    def session(self, transport: Transport) -> FakeSession:
        return self.fake.sessions.opened[transport.number]

    def media_of(self, producer: Producer) -> FakeProducer:
        return self.fake.worker.producers[producer.number]

    def copy_of(self, consumer: Consumer) -> FakeConsumer:
        return self.fake.worker.consumers[consumer.number]


def assignment(name: str = "room", epoch: int = 1, process_id: str = PROCESS) -> Assignment:
    return Assignment(RoomName(name), epoch, ProcessId(process_id))


def microphone_parameters(mid: str = "0", ssrc: int = 1111) -> RtpParameters:
    """Opus as Chromium sends it, less what nobody reads."""
    opus = RtpCodecParameters(
        mime_type="audio/opus", payload_type=111, clock_rate=48000, channels=2, parameters={"useinbandfec": 1}
    )
    return RtpParameters(
        mid=mid,
        codecs=(opus,),
        header_extensions=(MID_EXTENSION,),
        encodings=(RtpEncodingParameters(ssrc=ssrc),),
    )


def camera_parameters(mid: str = "1", *, layers: int = 3, ssrc: int | None = None) -> RtpParameters:
    """VP8 with RTX: simulcast by rid, or one layer with an SSRC."""
    vp8 = RtpCodecParameters(mime_type="video/VP8", payload_type=96, clock_rate=90000)
    rtx = RtpCodecParameters(mime_type="video/rtx", payload_type=97, clock_rate=90000, parameters={"apt": 96})
    simulcast = tuple(
        RtpEncodingParameters(rid=f"r{index}", scalability_mode="L1T3") for index in range(layers)
    )
    single = (RtpEncodingParameters(ssrc=ssrc, rtx=RtxEncoding(ssrc=(ssrc or 0) + 1)),)
    return RtpParameters(
        mid=mid,
        codecs=(vp8, rtx),
        header_extensions=(MID_EXTENSION,),
        encodings=single if ssrc is not None else simulcast,
    )
