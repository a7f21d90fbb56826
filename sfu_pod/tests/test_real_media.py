"""The whole media node: gRPC, ICE, DTLS, SRTP and data channels, with clients made of aiortc's parts."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

import aiortc
import pytest
import pytest_asyncio
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceGatherer, RTCIceParameters, RTCIceTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport
from aiortc.rtp import RtpPacket

from rotunda_contract import rtp
from rotunda_contract.grpc_client import call, media_node_stub, open_channel, watch_room
from rotunda_contract.ids import ProcessId
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import media_node_pb2_grpc, rtp_pb2, transport_pb2
from rotunda_contract.pb.events_pb2 import RoomEvent
from rotunda_contract.wire import from_message, to_message
from rotunda_sfu.fake_node import microphone_parameters
from rotunda_sfu.ice import ice_candidates
from rotunda_sfu.native_worker import NativeMediaWorker, open_workers
from rotunda_sfu.serve import serve
from rotunda_sfu.service.server import RunningNode
from rotunda_sfu.settings import NodeSettings

KEY = pb.RoomKey(room="standup", epoch=1, process_id="this-one")
SSRC = 1111
PACKET_INTERVAL = 0.02

Role = Literal["client", "server"]


class ClientDtls(RTCDtlsTransport):
    """Hands out decrypted RTP as it comes."""

    def __init__(self, ice: RTCIceTransport) -> None:
        super().__init__(ice, [RTCCertificate.generateCertificate()])
        self.received: asyncio.Queue[RtpPacket] = asyncio.Queue()

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        await self.received.put(RtpPacket.parse(data))


@dataclass
class Client:
    """One transport, seen from its client."""

    id: str
    dtls: ClientDtls
    sctp: RTCSctpTransport

    async def close(self) -> None:
        await self.sctp.stop()
        await self.dtls.stop()
        await self.dtls.transport.stop()


@dataclass
class Signaling:
    """What a signaling process would do for a participant."""

    stub: media_node_pb2_grpc.MediaNodeAsyncStub
    events: asyncio.Queue[RoomEvent]
    clients: list[Client]

    async def join(self, name: str) -> pb.Actor:
        request = pb.JoinRequest(
            room_key=KEY,
            watcher_id="w",
            connection_id=name,
            display_name=name,
            permissions=["publish", "subscribe"],
        )
        joined = await call(self.stub.Join, request)
        return pb.Actor(room_key=KEY, participant_id=joined.participant_id)

    async def transport(self, actor: pb.Actor, direction: str, role: Role = "client") -> Client:
        """A connected transport whose client has this DTLS role."""
        made = await call(
            self.stub.CreateWebRtcTransport, pb.CreateWebRtcTransportRequest(actor=actor, direction=direction)
        )
        gatherer = RTCIceGatherer(iceServers=[])
        await gatherer.gather()
        ice = RTCIceTransport(gatherer)
        dtls = ClientDtls(ice)
        dtls._set_role(role)
        hashes = dtls.getLocalParameters().fingerprints
        ours = transport_pb2.DtlsParameters(
            role=role,
            fingerprints=[
                transport_pb2.DtlsFingerprint(algorithm=each.algorithm, value=each.value) for each in hashes
            ],
        )
        request = pb.ConnectWebRtcTransportRequest(actor=actor, transport_id=made.id, dtls_parameters=ours)
        await call(self.stub.ConnectWebRtcTransport, request)
        for candidate in made.ice_candidates:
            await ice.addRemoteCandidate(_candidate(candidate))
        await ice.addRemoteCandidate(None)
        theirs = made.ice_parameters
        await ice.start(RTCIceParameters(theirs.username_fragment, theirs.password, iceLite=theirs.ice_lite))
        await dtls.start(
            RTCDtlsParameters(
                [
                    RTCDtlsFingerprint(each.algorithm, each.value)
                    for each in made.dtls_parameters.fingerprints
                ],
                made.dtls_parameters.role,
            )
        )
        client = Client(made.id, dtls, RTCSctpTransport(dtls))
        self.clients.append(client)
        return client

    async def event(self, name: str) -> RoomEvent:
        """The next event of this name."""
        while True:
            event = await self.events.get()
            if event.WhichOneof("event") == name:
                return event


@pytest_asyncio.fixture
async def node() -> AsyncIterator[RunningNode]:
    settings = NodeSettings(
        process_id=ProcessId("this-one"),
        workers=1,
        media_port=0,
        grpc_address="127.0.0.1:0",
        stats_interval=0.1,
    )
    async with serve(settings) as running:
        yield running


@pytest_asyncio.fixture
async def signaling(node: RunningNode) -> AsyncIterator[Signaling]:
    async with open_channel(node.grpc_address) as channel:
        stub = media_node_stub(channel)
        await call(stub.OpenRoom, pb.OpenRoomRequest(room_key=KEY))
        events: asyncio.Queue[RoomEvent] = asyncio.Queue()

        async def read() -> None:
            async for event in watch_room(stub, pb.WatchRoomRequest(room_key=KEY, watcher_id="w")):
                await events.put(event)

        watching = asyncio.create_task(read())
        await events.get()
        ours = Signaling(stub, events, [])
        yield ours
        for client in ours.clients:
            await client.close()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@pytest.mark.parametrize("role", ["client", "server"])
async def test_sound_goes_from_one_to_another(signaling: Signaling, role: Role) -> None:
    ada, bob = await signaling.join("Ada"), await signaling.join("Bob")
    sending = await signaling.transport(ada, "send", role)
    receiving = await signaling.transport(bob, "recv", role)
    produced = await call(
        signaling.stub.Produce,
        pb.ProduceRequest(
            actor=ada,
            transport_id=sending.id,
            kind="audio",
            rtp_parameters=to_message(microphone_parameters(ssrc=SSRC), rtp_pb2.RtpParameters),
        ),
    )
    described = await call(signaling.stub.Describe, pb.DescribeRequest())
    consumed = await call(
        signaling.stub.Consume,
        pb.ConsumeRequest(
            actor=bob,
            transport_id=receiving.id,
            producer_id=produced.id,
            rtp_capabilities=described.router_rtp_capabilities,
        ),
    )
    await call(signaling.stub.ResumeConsumer, pb.ConsumerRequest(actor=bob, consumer_id=consumed.id))

    arrived = await _speak_until_heard(sending, receiving)

    told = from_message(rtp.RtpParameters, consumed.rtp_parameters)
    assert arrived.ssrc == told.encodings[0].ssrc != SSRC
    assert arrived.payload_type == told.codecs[0].payload_type
    assert arrived.payload.startswith(b"sound ")


async def test_messages_go_from_one_to_another(signaling: Signaling) -> None:
    ada, bob = await signaling.join("Ada"), await signaling.join("Bob")
    sending = await signaling.transport(ada, "send")
    receiving = await signaling.transport(bob, "recv")
    for client in (sending, receiving):
        await client.sctp.start(RTCSctpCapabilities(maxMessageSize=262144), 5000)
    out = _channel(sending, 3)
    stream = rtp_pb2.SctpStreamParameters(stream_id=3, ordered=True)
    produced = await call(
        signaling.stub.ProduceData,
        pb.ProduceDataRequest(
            actor=ada, transport_id=sending.id, sctp_stream_parameters=stream, label="notes", protocol="text"
        ),
    )
    consumed = await call(
        signaling.stub.ConsumeData,
        pb.ConsumeDataRequest(actor=bob, transport_id=receiving.id, data_producer_id=produced.id),
    )
    arriving = _channel(receiving, consumed.sctp_stream_parameters.stream_id)
    messages: asyncio.Queue[str | bytes] = asyncio.Queue()
    arriving.on("message", messages.put_nowait)
    await _opened(out)
    await _opened(arriving)
    for message in ("first", b"\x00\xff", "third"):
        out.send(message)
    assert [await messages.get() for _ in range(3)] == ["first", b"\x00\xff", "third"]


async def test_a_client_that_says_goodbye_has_its_transport_closed(signaling: Signaling) -> None:
    ada = await signaling.join("Ada")
    sending = await signaling.transport(ada, "send")
    await sending.dtls.stop()
    closed = await signaling.event("transport_closed")
    assert closed.transport_closed.transport_id == sending.id
    assert closed.recipient == ada.participant_id


async def test_closing_a_transport_is_told_to_its_client(signaling: Signaling) -> None:
    ada = await signaling.join("Ada")
    sending = await signaling.transport(ada, "send")
    over = asyncio.Event()

    @sending.dtls.on("statechange")
    def look() -> None:
        if sending.dtls.state == "closed":
            over.set()

    await call(signaling.stub.CloseTransport, pb.CloseTransportRequest(actor=ada, transport_id=sending.id))
    await over.wait()


async def test_a_client_with_another_certificate_is_turned_away(signaling: Signaling) -> None:
    ada = await signaling.join("Ada")
    original = ClientDtls.getLocalParameters
    lie = RTCDtlsFingerprint("sha-256", ":".join(["00"] * 32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            ClientDtls, "getLocalParameters", lambda self: RTCDtlsParameters([lie], original(self).role)
        )
        await signaling.transport(ada, "send")
    closed = await signaling.event("transport_closed")
    assert "fingerprint" in closed.reason


async def test_counters_reach_the_quality_monitor(node: RunningNode, signaling: Signaling) -> None:
    ada = await signaling.join("Ada")
    await signaling.transport(ada, "send")
    (worker,) = node.node.workers
    stats = await worker.collect_stats()
    assert [each.transport for each in stats.transports]


async def test_a_media_thread_that_fails_takes_its_rooms_with_it_and_is_replaced(
    node: RunningNode, signaling: Signaling
) -> None:
    ada = await signaling.join("Ada")
    await signaling.transport(ada, "send")
    (worker,) = node.node.workers
    assert isinstance(worker, NativeMediaWorker)
    addresses = worker.addresses
    worker._fail("a defect")
    closed = await signaling.event("room_closed")
    assert closed.room_closed.rejoin
    await call(signaling.stub.OpenRoom, pb.OpenRoomRequest(room_key=KEY))
    assert not worker.failed
    assert worker.addresses == addresses
    assert not (await worker.collect_stats()).transports


async def _speak_until_heard(sending: Client, receiving: Client) -> RtpPacket:
    for number in itertools.count(1):
        packet = RtpPacket(payload_type=111, sequence_number=number, timestamp=960 * number, ssrc=SSRC)
        packet.payload = f"sound {number}".encode()
        await sending.dtls._send_rtp(packet.serialize())
        try:
            return await asyncio.wait_for(receiving.dtls.received.get(), PACKET_INTERVAL)
        except TimeoutError:
            continue
    raise AssertionError


def _candidate(told: transport_pb2.IceCandidate) -> RTCIceCandidate:
    return RTCIceCandidate(
        component=1,
        foundation=told.foundation,
        ip=told.ip,
        port=told.port,
        priority=told.priority,
        protocol=told.protocol,
        type=told.type,
    )


def _channel(client: Client, stream: int) -> aiortc.RTCDataChannel:
    parameters = aiortc.RTCDataChannelParameters(label="notes", negotiated=True, id=stream)
    return aiortc.RTCDataChannel(client.sctp, parameters)


async def _opened(channel: aiortc.RTCDataChannel) -> None:
    opened = asyncio.Event()
    channel.on("open", opened.set)
    if channel.readyState != "open":
        await opened.wait()


@pytest.mark.parametrize("media_tcp", [True, False])
async def test_media_over_tcp_is_announced_on_the_port_of_udp_unless_it_is_off(media_tcp: bool) -> None:
    settings = NodeSettings(
        listen_addresses=("127.0.0.1", "::1"), media_port=0, workers=1, media_tcp=media_tcp
    )
    (worker,) = open_workers(settings)
    try:
        told = ice_candidates(worker.addresses)
        datagrams = [(each.ip, each.port) for each in told if each.protocol == "udp"]
        streams = [(each.ip, each.port) for each in told if each.protocol == "tcp"]
        assert [ip for ip, _ in datagrams] == ["127.0.0.1", "::1"]
        assert streams == (datagrams if media_tcp else [])
        for address in streams:
            _, writer = await asyncio.open_connection(*address)
            writer.close()
    finally:
        worker.close()


async def test_a_tcp_port_that_is_taken_leaves_udp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = NodeSettings(listen_addresses=("127.0.0.1",), media_port=taken.getsockname()[1], workers=1)
        (worker,) = open_workers(settings)
        assert [address.protocol for address in worker.addresses] == ["udp"]
        worker.close()


async def test_ports_that_nobody_asked_for_give_way() -> None:
    """As a whole: the second worker's port is taken, and the first takes another too."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        class Standing(NodeSettings):
            """With a default of its own: that of the product may be in use by a server on this machine."""

            media_port: int = port - 1

        workers = open_workers(Standing(listen_addresses=("127.0.0.1",), workers=2))
        ports = [address.port for worker in workers for address in worker.addresses]
        for worker in workers:
            worker.close()
    assert min(ports) >= port + 1
    assert (min(ports) - (port - 1)) % 2 == 0
    assert sorted(set(ports)) == [min(ports), min(ports) + 1]


async def test_a_port_that_is_taken_is_named_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        settings = NodeSettings(listen_addresses=("127.0.0.1",), media_port=port, workers=1)
        with pytest.raises(OSError, match="in use") as refused:
            open_workers(settings)
    assert str(refused.value).count(f"cannot listen on udp 127.0.0.1:{port}") == 1
