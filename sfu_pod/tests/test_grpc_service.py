"""The service over a real channel: what signaling meets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rotunda_contract import errors, rtp
from rotunda_contract.grpc_client import call, media_node_stub, open_channel, watch_room
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import media_node_pb2_grpc, rtp_pb2, transport_pb2
from rotunda_contract.pb.events_pb2 import AttributeChange, RoomEvent
from rotunda_contract.wire import from_message, from_struct, to_message, to_struct
from rotunda_sfu.event_log import Watch
from rotunda_sfu.fake_node import (
    BROWSER_DTLS,
    FakeNode,
    camera_parameters,
    microphone_parameters,
)
from rotunda_sfu.service.calls import UNARY
from rotunda_sfu.service.server import grpc_server

KEY = pb.RoomKey(room="standup", epoch=3, process_id="process-1")


@dataclass
class Signaling:
    """One signaling process: a channel, and the events of the rooms that it watches."""

    fake: FakeNode
    channel: grpc.aio.Channel
    stub: media_node_pb2_grpc.MediaNodeAsyncStub
    watching: list[asyncio.Task[None]] = field(default_factory=list)

    async def watch(self, watcher_id: str = "signaling-1") -> asyncio.Queue[RoomEvent]:
        """Opens the room, watches it, and returns once the snapshot is there."""
        await call(self.stub.OpenRoom, pb.OpenRoomRequest(room_key=KEY))
        events: asyncio.Queue[RoomEvent] = asyncio.Queue()

        async def read() -> None:
            async for event in watch_room(
                self.stub, pb.WatchRoomRequest(room_key=KEY, watcher_id=watcher_id)
            ):
                await events.put(event)

        self.watching.append(asyncio.create_task(read()))
        assert (await events.get()).HasField("snapshot")
        return events

    async def join(self, name: str) -> tuple[pb.Actor, pb.JoinResponse]:
        response = await call(
            self.stub.Join,
            pb.JoinRequest(
                room_key=KEY,
                watcher_id="signaling-1",
                connection_id=name,
                display_name=name,
                permissions=["publish", "subscribe"],
            ),
        )
        return pb.Actor(room_key=KEY, participant_id=response.participant_id), response

    async def transport(self, actor: pb.Actor, direction: str) -> pb.CreateWebRtcTransportResponse:
        request = pb.CreateWebRtcTransportRequest(actor=actor, direction=direction)
        return await call(self.stub.CreateWebRtcTransport, request)

    async def produce(self, actor: pb.Actor, kind: str, parameters: rtp.RtpParameters) -> str:
        transport = await self.transport(actor, "send")
        message = to_message(parameters, rtp_pb2.RtpParameters)
        request = pb.ProduceRequest(actor=actor, transport_id=transport.id, kind=kind, rtp_parameters=message)
        return (await call(self.stub.Produce, request)).id


@pytest_asyncio.fixture
async def signaling() -> AsyncIterator[Signaling]:
    fake = FakeNode()
    async with grpc_server(fake.node) as running, open_channel(running.grpc_address) as channel:
        ours = Signaling(fake, channel, media_node_stub(channel))
        yield ours
        for task in ours.watching:
            task.cancel()
        await asyncio.gather(*ours.watching, return_exceptions=True)


def test_every_method_of_the_contract_has_a_handler() -> None:
    declared = {method.name for method in pb.DESCRIPTOR.services_by_name["MediaNode"].methods}
    assert declared == UNARY.keys() | {"WatchRoom"}


async def test_a_call_from_join_to_media(signaling: Signaling) -> None:
    events = await signaling.watch()
    ada, _ = await signaling.join("Ada")
    bob, joined = await signaling.join("Bob")
    assert [each.display_name for each in joined.participants] == ["Ada"]

    producer_id = await signaling.produce(ada, "video", camera_parameters())
    receiving = await signaling.transport(bob, "recv")
    connect = pb.ConnectWebRtcTransportRequest(
        actor=bob,
        transport_id=receiving.id,
        dtls_parameters=to_message(BROWSER_DTLS, transport_pb2.DtlsParameters),
    )
    await call(signaling.stub.ConnectWebRtcTransport, connect)
    consumed = await call(
        signaling.stub.Consume,
        pb.ConsumeRequest(
            actor=bob,
            transport_id=receiving.id,
            producer_id=producer_id,
            rtp_capabilities=joined.router_rtp_capabilities,
        ),
    )
    await call(signaling.stub.ResumeConsumer, pb.ConsumerRequest(actor=bob, consumer_id=consumed.id))

    parameters = from_message(rtp.RtpParameters, consumed.rtp_parameters)
    assert consumed.type == "simulcast"
    assert parameters.encodings[0].scalability_mode == "L3T3"
    assert consumed.participant_id == ada.participant_id
    (copy,) = signaling.fake.worker.consumers.values()
    assert not copy.paused
    assert copy.media.ssrc == parameters.encodings[0].ssrc
    names = [(await events.get()).WhichOneof("event") for _ in range(3)]
    assert names == ["participant_joined", "participant_joined", "producer_added"]


async def test_a_transport_tells_all_that_a_client_needs(signaling: Signaling) -> None:
    await signaling.watch()
    ada, _ = await signaling.join("Ada")
    transport = await signaling.transport(ada, "send")
    assert transport.ice_parameters.ice_lite
    (candidate,) = transport.ice_candidates
    assert (candidate.ip, candidate.address, candidate.protocol) == ("127.0.0.1", "127.0.0.1", "udp")
    assert transport.dtls_parameters.fingerprints[0].algorithm == "sha-256"
    assert transport.sctp_parameters.OS == 1024


async def test_a_room_s_limit_on_video_reaches_the_worker(signaling: Signaling) -> None:
    settings = pb.RoomSettings(max_video_kbps=300)
    await call(signaling.stub.OpenRoom, pb.OpenRoomRequest(room_key=KEY, settings=settings))
    await signaling.watch()
    ada, _ = await signaling.join("Ada")
    await signaling.transport(ada, "send")
    (transport,) = signaling.fake.worker.transports.values()
    assert transport.max_incoming_bitrate == 428_000


async def test_an_error_keeps_its_code(signaling: Signaling) -> None:
    await signaling.watch()
    ada, _ = await signaling.join("Ada")
    with pytest.raises(errors.BadRequest, match="direction"):
        await signaling.transport(ada, "sideways")
    request = pb.CloseTransportRequest(actor=ada, transport_id="none")
    with pytest.raises(errors.NotFound):
        await call(signaling.stub.CloseTransport, request)


async def test_malformed_parameters_name_their_field(signaling: Signaling) -> None:
    await signaling.watch()
    ada, _ = await signaling.join("Ada")
    transport = await signaling.transport(ada, "send")
    broken = rtp_pb2.RtpParameters(
        codecs=[rtp_pb2.RtpCodecParameters(mime_type="video/VP8", payload_type=300)]
    )
    request = pb.ProduceRequest(actor=ada, transport_id=transport.id, kind="video", rtp_parameters=broken)
    with pytest.raises(errors.BadRequest, match=r"^rtpParameters\.codecs\.0\.payloadType: "):
        await call(signaling.stub.Produce, request)


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (pb.RoomKey(room="standup", epoch=2, process_id="process-1"), errors.StaleEpoch),
        (pb.RoomKey(room="standup", epoch=4, process_id="process-1"), errors.RoomNotOpen),
        (pb.RoomKey(room="standup", epoch=3, process_id="process-0"), errors.WrongProcess),
        (pb.RoomKey(room="elsewhere", epoch=3, process_id="process-1"), errors.RoomNotOpen),
    ],
)
async def test_a_call_about_another_assignment_is_refused(
    signaling: Signaling, key: pb.RoomKey, error: type[errors.RotundaError]
) -> None:
    await signaling.watch()
    with pytest.raises(error):
        await call(signaling.stub.Leave, pb.LeaveRequest(actor=pb.Actor(room_key=key, participant_id="x")))


async def test_a_defect_is_told_as_internal(signaling: Signaling, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError

    await signaling.watch()
    ada, _ = await signaling.join("Ada")
    monkeypatch.setattr(signaling.fake.worker, "add_transport", defect)
    with pytest.raises(errors.Internal, match="defect"):
        await signaling.transport(ada, "send")


async def test_a_broken_watch_empties_the_seats_of_its_connections(
    signaling: Signaling, monkeypatch: pytest.MonkeyPatch
) -> None:
    await signaling.watch()
    await signaling.join("Ada")
    room = next(signaling.fake.node.rooms)
    noticed = asyncio.Event()
    unwatch = room.unwatch

    def unwatch_and_tell(watch: Watch) -> None:
        unwatch(watch)
        noticed.set()

    monkeypatch.setattr(room, "unwatch", unwatch_and_tell)
    signaling.watching[0].cancel()
    await noticed.wait()
    signaling.fake.clock.advance(31)
    assert not room.participants


async def test_the_stream_ends_when_the_room_closes(signaling: Signaling) -> None:
    events = await signaling.watch()
    await call(signaling.stub.CloseRoom, pb.CloseRoomRequest(room_key=KEY, reason="deleted"))
    closed = await events.get()
    assert (closed.reason, closed.room_closed.rejoin) == ("deleted", False)
    await signaling.watching[0]


async def test_somebody_who_resumes_is_told_what_they_have(signaling: Signaling) -> None:
    await signaling.watch()
    ada, first = await signaling.join("Ada")
    producer_id = await signaling.produce(ada, "audio", microphone_parameters())
    again = await call(
        signaling.stub.Join,
        pb.JoinRequest(
            room_key=KEY,
            watcher_id="signaling-1",
            connection_id="second",
            seat=first.seat,
            permissions=["publish"],
        ),
    )
    assert again.resumed
    assert again.participant_id == ada.participant_id
    assert [each.producer_id for each in again.self.producers] == [producer_id]
    assert [each.direction for each in again.self.transports] == ["send"]


async def test_what_a_call_consists_of_besides(signaling: Signaling) -> None:
    events = await signaling.watch()
    stub, worker = signaling.stub, signaling.fake.worker
    ada, joined = await signaling.join("Ada")
    bob, _ = await signaling.join("Bob")
    producer_id = await signaling.produce(ada, "video", camera_parameters())
    receiving = await signaling.transport(bob, "recv")
    caps = joined.router_rtp_capabilities
    consumed = await call(
        stub.Consume,
        pb.ConsumeRequest(
            actor=bob, transport_id=receiving.id, producer_id=producer_id, rtp_capabilities=caps
        ),
    )
    (media,), (copy,) = worker.producers.values(), worker.consumers.values()
    consumer = pb.ConsumerRequest(actor=bob, consumer_id=consumed.id)
    own = pb.ProducerRequest(actor=ada, producer_id=producer_id)

    await call(stub.MuteProducer, pb.MuteProducerRequest(room_key=KEY, producer_id=producer_id))
    assert media.paused
    await call(stub.ResumeProducer, own)
    assert not media.paused
    await call(stub.PauseProducer, own)
    assert media.paused

    layers = pb.SetConsumerPreferredLayersRequest(actor=bob, consumer_id=consumed.id, spatial_layer=1)
    await call(stub.SetConsumerPreferredLayers, layers)
    layers.temporal_layer = 0
    await call(stub.SetConsumerPreferredLayers, layers)
    assert copy.preferred == (1, 0)
    await call(stub.RequestKeyFrame, consumer)
    assert copy.key_frames_asked == 1
    await call(stub.ResumeConsumer, consumer)
    await call(stub.PauseConsumer, consumer)
    assert copy.paused
    await call(stub.CloseConsumer, consumer)
    assert not worker.consumers

    restart = pb.RestartIceRequest(actor=bob, transport_id=receiving.id)
    restarted = await call(stub.RestartIce, restart)
    assert restarted.ice_parameters != receiving.ice_parameters
    await call(stub.CloseProducer, own)
    assert not worker.producers
    names = [(await events.get()).WhichOneof("event") for _ in range(7)]
    assert names[3:] == ["producer_paused", "producer_resumed", "producer_paused", "producer_closed"]


async def test_data_channels_and_departures(signaling: Signaling) -> None:
    events = await signaling.watch()
    stub = signaling.stub
    ada, _ = await signaling.join("Ada")
    bob, _ = await signaling.join("Bob")
    sending, receiving = await signaling.transport(ada, "send"), await signaling.transport(bob, "recv")
    produce = pb.ProduceDataRequest(
        actor=ada,
        transport_id=sending.id,
        sctp_stream_parameters=rtp_pb2.SctpStreamParameters(stream_id=3, max_retransmits=0),
        label="cursor",
        app_data=to_struct({"color": "red"}),
    )
    produced = await call(stub.ProduceData, produce)
    consume = pb.ConsumeDataRequest(actor=bob, transport_id=receiving.id, data_producer_id=produced.id)
    consumed = await call(stub.ConsumeData, consume)
    assert (consumed.label, from_struct(consumed.app_data)) == ("cursor", {"color": "red"})
    assert consumed.sctp_stream_parameters.max_retransmits == 0
    closing = pb.DataConsumerRequest(actor=bob, data_consumer_id=consumed.id)
    await call(stub.CloseDataConsumer, closing)
    with pytest.raises(errors.NotFound):
        await call(stub.CloseDataConsumer, closing)
    await call(stub.CloseDataProducer, pb.DataProducerRequest(actor=ada, data_producer_id=produced.id))
    await call(stub.CloseTransport, pb.CloseTransportRequest(actor=ada, transport_id=sending.id))
    await call(stub.Leave, pb.LeaveRequest(actor=ada))
    await call(stub.Disconnect, pb.DisconnectRequest(actor=bob, connection_id="Bob"))
    removal = pb.RemoveParticipantRequest(room_key=KEY, participant_id=bob.participant_id, reason="spam")
    await call(stub.RemoveParticipant, removal)
    names = [(await events.get()).WhichOneof("event") for _ in range(7)]
    assert names[2:] == [
        "data_producer_added", "data_producer_closed", "participant_left",
        "participant_removed", "participant_left",
    ]  # fmt: skip
    assert not next(signaling.fake.node.rooms).participants


async def test_what_people_show_of_themselves(signaling: Signaling) -> None:
    events = await signaling.watch()
    stub = signaling.stub
    ada, first = await signaling.join("Ada")
    hand = AttributeChange(name="hand", value="2026-12-01T09:00:00.000Z")
    await call(stub.SetAttributes, pb.SetAttributesRequest(actor=ada, attributes=[hand]))
    await call(stub.React, pb.ReactRequest(actor=ada, name="heart"))
    _, late = await signaling.join("Late")
    assert dict(late.participants[0].attributes) == {"hand": hand.value}
    resume = pb.JoinRequest(room_key=KEY, watcher_id="signaling-1", connection_id="second", seat=first.seat)
    assert dict((await call(stub.Join, resume)).self.attributes) == {"hand": hand.value}
    lowered = pb.SetAttributesRequest(actor=ada, attributes=[AttributeChange(name="hand")])
    await call(stub.SetAttributes, lowered)
    told = [await events.get() for _ in range(6)]
    assert [event.WhichOneof("event") for event in told] == [
        "participant_joined", "participant_updated", "reaction",
        "participant_joined", "connection_replaced", "participant_updated",
    ]  # fmt: skip
    assert list(told[1].participant_updated.attributes) == [hand]
    assert list(told[5].participant_updated.attributes) == [AttributeChange(name="hand")]


async def test_attributes_and_reactions_that_are_refused(signaling: Signaling) -> None:
    await signaling.watch()
    ada, _ = await signaling.join("Ada")
    too_long = AttributeChange(name="hand", value="x" * 257)
    with pytest.raises(errors.BadRequest, match="attributes: the value of hand should have at most 256"):
        await call(signaling.stub.SetAttributes, pb.SetAttributesRequest(actor=ada, attributes=[too_long]))
    with pytest.raises(errors.BadRequest, match="name"):
        await call(signaling.stub.React, pb.ReactRequest(actor=ada))


async def test_health_is_told_the_standard_way(signaling: Signaling) -> None:
    stub = health_pb2_grpc.HealthStub(signaling.channel)
    request = health_pb2.HealthCheckRequest(service="rotunda.v1.MediaNode")
    answer = await stub.Check(request)  # type: ignore[attr-defined] # absent from the published stubs
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_an_address_in_use_is_named() -> None:
    fake = FakeNode()
    async with grpc_server(fake.node) as running:
        other = FakeNode()
        taken = other.settings.model_copy(update={"grpc_address": running.grpc_address})
        other.node.settings = taken
        with pytest.raises(OSError, match=running.grpc_address):
            async with grpc_server(other.node):
                pass
