"""A media node in memory, for tests: it keeps seats and people, and moves no media.

It does what the real one does: `rotunda/tests/test_media_node_contract*.py` run over both.

No time passes by itself: seats expire when the test says so. Failures are injected by the name of a call.
"""

import asyncio
from collections.abc import AsyncIterator

from rotunda_contract.errors import RoomNotOpen, StaleEpoch, WrongProcess
from rotunda_contract.pb import events_pb2, rtp_pb2, transport_pb2
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_signaling.directory import Assignment
from rotunda_signaling.media_node.fake_room import FakeRoom

CAPABILITIES = rtp_pb2.RtpCapabilities(
    codecs=[
        rtp_pb2.RtpCodecCapability(
            kind="audio", mime_type="audio/opus", preferred_payload_type=100, clock_rate=48000, channels=2
        ),
        rtp_pb2.RtpCodecCapability(
            kind="video", mime_type="video/VP8", preferred_payload_type=101, clock_rate=90000
        ),
    ]
)


class FakeMediaNode:
    """Implements MediaNode and, for one node, MediaNodes."""

    def __init__(self, process_id: str = "process-1") -> None:
        self.process_id = process_id
        self.rooms: dict[str, FakeRoom] = {}
        self._closed: dict[str, FakeRoom] = {}
        self.calls: list[tuple[str, object]] = []
        """Every call in order: its name and its request."""
        self.gates: dict[str, asyncio.Event] = {}
        """Calls of these names wait until the event is set."""
        self._failures: dict[str, list[Exception]] = {}
        self._ids = 0
        self._called = asyncio.Event()

    def at(self, assignment: Assignment) -> "FakeMediaNode":
        return self

    async def called(self, call: str, count: int = 1) -> None:
        """Waits until there were that many calls of the name."""
        while sum(name == call for name, _ in self.calls) < count:
            self._called.clear()
            await self._called.wait()

    def fail_next(self, call: str, error: Exception) -> None:
        """The next call of that name raises."""
        self._failures.setdefault(call, []).append(error)

    async def check_ready(self) -> None:
        """Raises what `fail_next("check_ready", …)` asked for."""
        await self._begin("check_ready", None)

    def room(self, name: str) -> FakeRoom:
        return self.rooms[name]

    def restart(self, process_id: str) -> None:
        """Another process takes the node's place and knows nothing."""
        self.process_id = process_id
        lost, self.rooms = self.rooms, {}
        self._closed.clear()
        for room in lost.values():
            room.break_streams()

    async def open_room(self, request: pb.OpenRoomRequest) -> pb.OpenRoomResponse:
        await self._begin("open_room", request)
        key = request.room_key
        if key.process_id != self.process_id:
            raise WrongProcess("another process was meant")
        known = self.rooms.get(key.room)
        before = known or self._closed.get(key.room)
        same = before is not None and before.uid == request.room_uid
        if before is not None and same and key.epoch < before.epoch:
            raise StaleEpoch(f"open with epoch {before.epoch}")
        if known is None or not same or known.epoch < key.epoch:
            if known is not None:
                known.close("the room was assigned again", rejoin=True)
            self.rooms[key.room] = FakeRoom(
                key.epoch,
                request.settings,
                self._new_id,
                request.room_uid,
                before.heritage if before is not None and same else {},
            )
            self._closed.pop(key.room, None)
        return pb.OpenRoomResponse(router_rtp_capabilities=CAPABILITIES)

    async def close_room(self, request: pb.CloseRoomRequest) -> pb.CloseRoomResponse:
        await self._begin("close_room", request)
        try:
            room = self._room(request.room_key)
        except RoomNotOpen:
            return pb.CloseRoomResponse()
        room.close(request.reason or "closed", rejoin=request.rejoin)
        self._closed[request.room_key.room] = self.rooms.pop(request.room_key.room)
        return pb.CloseRoomResponse()

    async def watch_room(self, request: pb.WatchRoomRequest) -> AsyncIterator[events_pb2.RoomEvent]:
        await self._begin("watch_room", request)
        async for event in self._room(request.room_key).watch(request.watcher_id):
            yield event

    async def join(self, request: pb.JoinRequest) -> pb.JoinResponse:
        await self._begin("join", request)
        answer = self._room(request.room_key).join(request)
        answer.router_rtp_capabilities.CopyFrom(CAPABILITIES)
        return answer

    async def disconnect(self, request: pb.DisconnectRequest) -> pb.DisconnectResponse:
        await self._begin("disconnect", request)
        self._room(request.actor.room_key).disconnect(request.actor.participant_id, request.connection_id)
        return pb.DisconnectResponse()

    async def leave(self, request: pb.LeaveRequest) -> pb.LeaveResponse:
        await self._begin("leave", request)
        self._room(request.actor.room_key).leave(request.actor.participant_id)
        return pb.LeaveResponse()

    async def set_attributes(self, request: pb.SetAttributesRequest) -> pb.SetAttributesResponse:
        await self._begin("set_attributes", request)
        self._room(request.actor.room_key).set_attributes(request.actor.participant_id, request.attributes)
        return pb.SetAttributesResponse()

    async def react(self, request: pb.ReactRequest) -> pb.ReactResponse:
        await self._begin("react", request)
        self._room(request.actor.room_key).react(request.actor.participant_id, request.name)
        return pb.ReactResponse()

    async def remove_participant(self, request: pb.RemoveParticipantRequest) -> pb.RemoveParticipantResponse:
        await self._begin("remove_participant", request)
        self._room(request.room_key).remove(request.participant_id, request.reason)
        return pb.RemoveParticipantResponse()

    async def create_web_rtc_transport(
        self, request: pb.CreateWebRtcTransportRequest
    ) -> pb.CreateWebRtcTransportResponse:
        await self._begin("create_web_rtc_transport", request)
        return pb.CreateWebRtcTransportResponse(
            id=self._room(request.actor.room_key).create_transport(request),
            ice_parameters=self._ice_parameters(),
            ice_candidates=[_candidate()],
            dtls_parameters=transport_pb2.DtlsParameters(
                role="auto",
                fingerprints=[
                    transport_pb2.DtlsFingerprint(algorithm="sha-256", value=":".join(["AB"] * 32))
                ],
            ),
            sctp_parameters=transport_pb2.SctpParameters(
                port=5000,
                OS=1024,
                MIS=1024,
                max_message_size=262144,
                max_send_message_size=262144,
                max_receive_message_size=262144,
            ),
        )

    async def connect_web_rtc_transport(
        self, request: pb.ConnectWebRtcTransportRequest
    ) -> pb.ConnectWebRtcTransportResponse:
        await self._begin("connect_web_rtc_transport", request)
        self._room(request.actor.room_key).connect(request)
        return pb.ConnectWebRtcTransportResponse()

    async def restart_ice(self, request: pb.RestartIceRequest) -> pb.RestartIceResponse:
        await self._begin("restart_ice", request)
        person = self._room(request.actor.room_key).person(request.actor.participant_id)
        person.transport(request.transport_id)
        return pb.RestartIceResponse(ice_parameters=self._ice_parameters())

    async def close_transport(self, request: pb.CloseTransportRequest) -> pb.CloseTransportResponse:
        await self._begin("close_transport", request)
        self._room(request.actor.room_key).close_transport(request)
        return pb.CloseTransportResponse()

    async def produce(self, request: pb.ProduceRequest) -> pb.ProduceResponse:
        await self._begin("produce", request)
        return pb.ProduceResponse(id=self._room(request.actor.room_key).produce(request))

    async def pause_producer(self, request: pb.ProducerRequest) -> pb.ProducerResponse:
        await self._begin("pause_producer", request)
        self._room(request.actor.room_key).pause(request.actor.participant_id, request.producer_id)
        return pb.ProducerResponse()

    async def resume_producer(self, request: pb.ProducerRequest) -> pb.ProducerResponse:
        await self._begin("resume_producer", request)
        self._room(request.actor.room_key).resume(request.actor.participant_id, request.producer_id)
        return pb.ProducerResponse()

    async def close_producer(self, request: pb.ProducerRequest) -> pb.ProducerResponse:
        await self._begin("close_producer", request)
        self._room(request.actor.room_key).close_producer(request.actor.participant_id, request.producer_id)
        return pb.ProducerResponse()

    async def mute_producer(self, request: pb.MuteProducerRequest) -> pb.ProducerResponse:
        await self._begin("mute_producer", request)
        self._room(request.room_key).mute(request.producer_id, request.reason)
        return pb.ProducerResponse()

    async def consume(self, request: pb.ConsumeRequest) -> pb.ConsumeResponse:
        await self._begin("consume", request)
        return self._room(request.actor.room_key).consume(request)

    async def pause_consumer(self, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
        await self._begin("pause_consumer", request)
        self._room(request.actor.room_key).consumer(request).paused = True
        return pb.ConsumerResponse()

    async def resume_consumer(self, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
        await self._begin("resume_consumer", request)
        self._room(request.actor.room_key).consumer(request).paused = False
        return pb.ConsumerResponse()

    async def close_consumer(self, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
        await self._begin("close_consumer", request)
        self._room(request.actor.room_key).close_consumer(request)
        return pb.ConsumerResponse()

    async def request_key_frame(self, request: pb.ConsumerRequest) -> pb.ConsumerResponse:
        await self._begin("request_key_frame", request)
        self._room(request.actor.room_key).consumer(request)
        return pb.ConsumerResponse()

    async def set_consumer_preferred_layers(
        self, request: pb.SetConsumerPreferredLayersRequest
    ) -> pb.ConsumerResponse:
        await self._begin("set_consumer_preferred_layers", request)
        self._room(request.actor.room_key).consumer(request)
        return pb.ConsumerResponse()

    async def produce_data(self, request: pb.ProduceDataRequest) -> pb.ProduceDataResponse:
        await self._begin("produce_data", request)
        return pb.ProduceDataResponse(id=self._room(request.actor.room_key).produce_data(request))

    async def consume_data(self, request: pb.ConsumeDataRequest) -> pb.ConsumeDataResponse:
        await self._begin("consume_data", request)
        return self._room(request.actor.room_key).consume_data(request)

    async def close_data_producer(self, request: pb.DataProducerRequest) -> pb.DataProducerResponse:
        await self._begin("close_data_producer", request)
        self._room(request.actor.room_key).close_data_producer(request)
        return pb.DataProducerResponse()

    async def close_data_consumer(self, request: pb.DataConsumerRequest) -> pb.DataConsumerResponse:
        await self._begin("close_data_consumer", request)
        self._room(request.actor.room_key).close_data_consumer(request)
        return pb.DataConsumerResponse()

    async def _begin(self, call: str, request: object) -> None:
        self.calls.append((call, request))
        self._called.set()
        gate = self.gates.get(call)
        if gate is not None:
            await gate.wait()
        failures = self._failures.get(call)
        if failures:
            raise failures.pop(0)

    def _room(self, key: pb.RoomKey) -> FakeRoom:
        if key.process_id != self.process_id:
            raise WrongProcess("another process was meant")
        room = self.rooms.get(key.room)
        latest = room or self._closed.get(key.room)
        if latest is not None and key.epoch < latest.epoch:
            raise StaleEpoch(f"open with epoch {latest.epoch}")
        if room is None or room.epoch < key.epoch:
            raise RoomNotOpen("open the room first")
        return room

    def _new_id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"

    def _ice_parameters(self) -> transport_pb2.IceParameters:
        return transport_pb2.IceParameters(username_fragment=self._new_id(), password="p" * 24, ice_lite=True)


def _candidate() -> transport_pb2.IceCandidate:
    return transport_pb2.IceCandidate(
        foundation="1",
        priority=2130706431,
        ip="127.0.0.1",
        address="127.0.0.1",
        protocol="udp",
        port=40000,
        type="host",
    )
