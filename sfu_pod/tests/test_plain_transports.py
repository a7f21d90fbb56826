"""Plain transports: what rooms know of them, and RTP through the real media worker over loopback."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import pytest
import pytest_asyncio

from rotunda_contract.errors import BadRequest, Forbidden, LimitExceeded, NotFound, Unsupported
from rotunda_contract.ids import ParticipantId
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_contract.signaling.common import TransportDirection
from rotunda_sfu import publishing, subscribing
from rotunda_sfu.clock import VirtualClock
from rotunda_sfu.connecting import open_transport
from rotunda_sfu.consumer import Consumer
from rotunda_sfu.fake_node import PROCESS, FakeNode, assignment, camera_parameters, microphone_parameters
from rotunda_sfu.media_worker import ConsumerStats, PlainPeer
from rotunda_sfu.native_worker import NativeMediaWorker, open_workers
from rotunda_sfu.node import Node, RoomOptions
from rotunda_sfu.producer import Producer
from rotunda_sfu.publishing import ProduceDataOptions, ProduceOptions
from rotunda_sfu.room import Room
from rotunda_sfu.sessions import FakeSessions
from rotunda_sfu.settings import Limits, NodeSettings
from rotunda_sfu.transports.plain import PlainTransport

PEER = PlainPeer("127.0.0.1", 5004)
SOURCE = 5000
SENDER_REPORT, RECEIVER_REPORT = 200, 201


@dataclass(eq=False)
class Process:
    """An origin that is nobody's client: it has no seat, and nobody is told of it."""

    id: ParticipantId
    permission: str
    cname: str = "studio"
    limits: Limits = field(default_factory=Limits)

    def require(self, permission: str) -> None:
        if permission != self.permission:
            raise Forbidden(f"may not {permission}")


ENCODER = Process(ParticipantId("encoder"), "publish")
RECORDER = Process(ParticipantId("recorder"), "subscribe")


def open_plain(
    room: Room, origin: Process, direction: TransportDirection, peer: PlainPeer = PEER
) -> PlainTransport:
    return open_transport(room.context, origin, partial(PlainTransport, room.context, direction, peer))


# As rooms know them.


async def test_media_goes_from_a_person_to_a_recorder_without_a_seat() -> None:
    fake = FakeNode()
    room = fake.open()
    ada = room.join("Ada")
    camera = ada.camera()
    transport = open_plain(room.room, RECORDER, "recv")
    consumer = subscribing.consume(room.room.context, transport, camera.id, fake.node.capabilities)
    assert fake.worker.plain_transports[transport.number].peer == PEER
    assert fake.worker.consumers[consumer.number].transport == transport.number
    await room.events()
    ada.close(camera)
    closed, ended = await room.events()
    assert closed.producer_closed.producer_id == camera.id
    assert (ended.consumer_closed.consumer_id, ended.recipient) == (consumer.id, RECORDER.id)


async def test_what_an_encoder_sends_is_shown_as_its_own_and_ends_with_it() -> None:
    fake = FakeNode()
    room = fake.open()
    bob = room.join("Bob")
    sending = open_plain(room.room, ENCODER, "send")
    options = ProduceOptions("video", camera_parameters(ssrc=SOURCE))
    producer = publishing.produce(room.room.context, sending, options)
    consumer = bob.consume(producer)
    assert bob.copy_of(consumer).media.cname == "studio"
    await room.events()
    room.room.context.relations.end_origin(ENCODER)
    assert await room.event_names() == ["consumer_closed"]
    assert not fake.worker.plain_transports
    assert set(room.room.context.relations.transports) == set(bob.participant.transports.values())


async def test_permissions_and_limits_are_the_origins() -> None:
    fake = FakeNode()
    room = fake.open()
    producer = room.join("Ada").camera()
    with pytest.raises(Forbidden):
        subscribing.consume(
            room.room.context, open_plain(room.room, ENCODER, "recv"), producer.id, fake.node.capabilities
        )
    narrow = Process(ParticipantId("narrow"), "subscribe", limits=Limits(transports=1))
    open_plain(room.room, narrow, "recv")
    with pytest.raises(LimitExceeded):
        open_plain(room.room, narrow, "recv")


async def test_there_are_no_data_channels() -> None:
    room = FakeNode().open().room
    options = ProduceDataOptions(SctpStreamParameters(stream_id=1), "label", "protocol")
    with pytest.raises(Unsupported, match="no data channels"):
        publishing.produce_data(room.context, open_plain(room, ENCODER, "send"), options)


async def test_the_room_s_limit_on_video_holds_and_who_exceeds_it_is_told() -> None:
    fake = FakeNode()
    room = fake.open(max_video_kbps=300)
    transport = open_plain(room.room, ENCODER, "send")
    assert fake.worker.plain_transports[transport.number].max_incoming_bitrate == 428_000
    receiving = open_plain(room.room, RECORDER, "recv")
    assert fake.worker.plain_transports[receiving.number].max_incoming_bitrate is None
    await room.events()
    fake.worker.limit_media(transport.number, 17)
    (event,) = await room.events()
    assert (event.recipient, event.media_limited.refused_packets) == (ENCODER.id, 17)


async def test_clients_are_not_offered_it() -> None:
    room = FakeNode().open()
    ada = room.join("Ada")
    with pytest.raises(BadRequest):
        ada.participant.create_transport("plain")
    make = partial(PlainTransport, room.room.context, "recv", PEER)
    plain = open_transport(room.room.context, ada.participant, make)
    assert ada.participant.transport(plain.id) is plain
    with pytest.raises(NotFound, match="no such WebRTC transport"):
        ada.participant.webrtc_transport(plain.id)


# Through the real media worker.


@dataclass
class Studio:
    """A room on a real media worker, with an encoder and a recorder that are nothing but sockets."""

    room: Room
    worker: NativeMediaWorker
    encoder: socket.socket
    recorder: socket.socket

    def produce(self, transport: PlainTransport) -> Producer:
        options = ProduceOptions("audio", microphone_parameters(ssrc=SOURCE))
        return publishing.produce(self.room.context, transport, options)

    def consume(self, transport: PlainTransport, producer: Producer) -> Consumer:
        capabilities = self.room.context.capabilities.model_copy(update={"header_extensions": ()})
        consumer = subscribing.consume(self.room.context, transport, producer.id, capabilities)
        consumer.resume()
        return consumer

    def send(self, datagram: bytes, by: socket.socket) -> None:
        (address,) = self.worker.addresses
        by.sendto(datagram, (address.ip, address.port))

    async def stats_of(self, consumer: Consumer) -> ConsumerStats:
        stats = await self.worker.collect_stats()
        (found,) = [each for each in stats.consumers if each.consumer == consumer.number]
        return found


def open_socket() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    opened.bind(("127.0.0.1", 0))
    return opened


@pytest_asyncio.fixture
async def studio() -> AsyncIterator[Studio]:
    settings = NodeSettings(
        process_id=PROCESS, listen_addresses=("127.0.0.1",), media_port=0, media_tcp=False, workers=1
    )
    (worker,) = open_workers(settings)
    room = Node(settings, [worker], FakeSessions(), VirtualClock()).open_room(assignment(), RoomOptions())
    with open_socket() as encoder, open_socket() as recorder:
        yield Studio(room, worker, encoder, recorder)
    worker.close()


def sound(number: int) -> bytes:
    """An RTP packet of Opus (RFC 3550 section 5.1)."""
    return struct.pack("!BBHII", 0x80, 111, number, number * 960, SOURCE) + f"sound {number}".encode()


@dataclass
class Rtp:
    sequence: int
    timestamp: int
    payload_type: int
    ssrc: int
    payload: bytes


async def next_datagram(at: socket.socket, *, rtcp: bool) -> bytes:
    """The next one that is RTCP, or is not (RFC 5761 section 4)."""
    async with asyncio.timeout(60):
        while True:
            datagram = await asyncio.get_running_loop().sock_recv(at, 2048)
            if (192 <= datagram[1] <= 223) is rtcp:
                return datagram


async def next_rtp(at: socket.socket) -> Rtp:
    datagram = await next_datagram(at, rtcp=False)
    _, payload_type, sequence, timestamp, ssrc = struct.unpack("!BBHII", datagram[:12])
    return Rtp(sequence, timestamp, payload_type & 0x7F, ssrc, datagram[-len("sound 1") :])


async def next_report(at: socket.socket, kind: int) -> bytes:
    """The first RTCP packet of that type that begins a datagram."""
    while True:
        datagram = await next_datagram(at, rtcp=True)
        if datagram[1] == kind:
            return datagram


async def test_sound_of_an_encoder_arrives_at_a_recorder_numbered_as_promised(studio: Studio) -> None:
    sending = open_plain(studio.room, ENCODER, "send", PlainPeer(*studio.encoder.getsockname()))
    receiving = open_plain(studio.room, RECORDER, "recv", PlainPeer(*studio.recorder.getsockname()))
    consumer = studio.consume(receiving, studio.produce(sending))
    arrived = []
    for number in range(1, 6):
        studio.send(sound(number), studio.encoder)
        arrived.append(await next_rtp(studio.recorder))
    promised = consumer.rtp_parameters
    assert {each.ssrc for each in arrived} == {promised.encodings[0].ssrc} != {SOURCE}
    assert {each.payload_type for each in arrived} == {promised.codecs[0].payload_type}
    first = arrived[0]
    assert [each.sequence - first.sequence for each in arrived] == [0, 1, 2, 3, 4]
    assert [each.timestamp - first.timestamp for each in arrived] == [960 * step for step in range(5)]
    assert [each.payload for each in arrived] == [f"sound {number}".encode() for number in range(1, 6)]


async def test_reports_are_answered_in_both_directions(studio: Studio) -> None:
    sending = open_plain(studio.room, ENCODER, "send", PlainPeer(*studio.encoder.getsockname()))
    receiving = open_plain(studio.room, RECORDER, "recv", PlainPeer(*studio.recorder.getsockname()))
    consumer = studio.consume(receiving, studio.produce(sending))
    studio.send(sound(1), studio.encoder)
    await next_rtp(studio.recorder)
    ntp = 0x1234_5678_9ABC_DEF0
    studio.send(struct.pack("!BBHIQIII", 0x80, SENDER_REPORT, 6, SOURCE, ntp, 960, 1, 7), studio.encoder)
    studio.send(sound(2), studio.encoder)

    ours = await next_report(studio.recorder, SENDER_REPORT)
    assert struct.unpack("!I", ours[4:8]) == (consumer.ssrc,)
    theirs = await next_report(studio.encoder, RECEIVER_REPORT)
    reported, _, _, _, last_report = struct.unpack("!IIIII", theirs[8:28])
    assert (reported, last_report) == (SOURCE, ntp >> 16 & 0xFFFF_FFFF)

    quarter_lost = struct.pack(
        "!BBHIIIIIII", 0x81, RECEIVER_REPORT, 7, 1, consumer.ssrc, 64 << 24, 1, 0, 0, 0
    )
    studio.send(quarter_lost, studio.recorder)
    async with asyncio.timeout(60):
        while (await studio.stats_of(consumer)).fraction_lost != 0.25:
            pass


async def test_a_port_that_nobody_named_is_told_by_the_first_packet(studio: Studio) -> None:
    sending = open_plain(studio.room, ENCODER, "send", PlainPeer("127.0.0.1", 0))
    receiving = open_plain(studio.room, RECORDER, "recv", PlainPeer(*studio.recorder.getsockname()))
    studio.consume(receiving, studio.produce(sending))
    studio.send(sound(1), studio.encoder)
    assert (await next_rtp(studio.recorder)).payload == b"sound 1"


async def test_a_closed_one_gives_its_address_back(studio: Studio) -> None:
    sending = open_plain(studio.room, ENCODER, "send", PlainPeer(*studio.encoder.getsockname()))
    producer = studio.produce(sending)
    peer = PlainPeer(*studio.recorder.getsockname())
    first = open_plain(studio.room, RECORDER, "recv", peer)
    gone = studio.consume(first, producer)
    studio.room.context.relations.end_transport(first, cause=None)
    second = studio.consume(open_plain(studio.room, RECORDER, "recv", peer), producer)
    studio.send(sound(1), studio.encoder)
    assert (await next_rtp(studio.recorder)).ssrc == second.ssrc != gone.ssrc


@pytest.mark.parametrize(
    ("peer", "said"),
    [
        (PlainPeer("studio.example.org", 5004), "studio.example.org"),
        (PlainPeer("0.0.0.0", 5004), "0.0.0.0"),
        (PlainPeer("127.0.0.1", 70_000), "port"),
        (PlainPeer("::1", 5004), "no UDP socket is of IPv6"),
        (PlainPeer("127.0.0.1", 5004, local_ip="127.0.0.9"), "127.0.0.9"),
    ],
)
async def test_an_address_that_is_no_peer_s_is_refused(studio: Studio, peer: PlainPeer, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        open_plain(studio.room, RECORDER, "recv", peer)
    assert studio.room.context.relations.is_empty
