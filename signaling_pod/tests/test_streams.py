"""The node's event stream: each event once, breaks healed, losses told."""

import asyncio

import pytest

from rotunda_contract.errors import Unavailable
from rotunda_contract.ids import RoomName
from rotunda_contract.pb import events_pb2
from rotunda_signaling.testing import Stage


def speaker(participant: str | None) -> events_pb2.ActiveSpeaker:
    return events_pb2.ActiveSpeaker(participant_id=participant)


async def test_node_events_reach_those_they_are_for(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    room = stage.node.room("standup")
    room.emit(active_speaker=speaker(bob.id))
    room.emit(active_speaker=speaker(None))
    room.emit(connection_quality=events_pb2.ConnectionQuality(participant_id=ada.id, score=3), reason="loss")
    room.emit(
        consumer_layers_changed=events_pb2.ConsumerLayersChanged(
            consumer_id="c", layers=events_pb2.Layers(spatial_layer=2, temporal_layer=1)
        ),
        recipient=ada.id,
    )
    room.emit(consumer_layers_changed=events_pb2.ConsumerLayersChanged(consumer_id="c"), recipient=ada.id)
    room.emit(transport_closed=events_pb2.TransportClosed(transport_id="t"), recipient=ada.id, reason="dtls")
    room.emit(
        data_limited=events_pb2.DataLimited(
            transport_id="t", refused_datagrams=7, limit_bytes_per_second=131072
        ),
        recipient=ada.id,
    )
    room.emit(
        media_limited=events_pb2.MediaLimited(transport_id="t", refused_packets=9, max_video_kbps=300),
        recipient=ada.id,
    )
    room.emit(
        data_consumer_closed=events_pb2.DataConsumerClosed(data_consumer_id="d", data_producer_id="e"),
        recipient=ada.id,
    )
    await ada.expect("dataConsumerClosed")
    everyone = [
        ("activeSpeaker", {"participantId": bob.id}),
        ("activeSpeaker", {"participantId": None}),
        ("connectionQuality", {"participantId": ada.id, "score": 3, "reason": "loss"}),
    ]
    assert ada.events[1:] == [
        *everyone,
        ("consumerLayersChanged", {"consumerId": "c", "layers": {"spatialLayer": 2, "temporalLayer": 1}}),
        ("consumerLayersChanged", {"consumerId": "c", "layers": None}),
        ("transportClosed", {"transportId": "t", "reason": "dtls"}),
        ("dataLimited", {"transportId": "t", "refusedDatagrams": 7, "limitBytesPerSecond": 131072}),
        ("mediaLimited", {"transportId": "t", "refusedPackets": 9, "maxVideoKbps": 300}),
        ("dataConsumerClosed", {"dataConsumerId": "d", "dataProducerId": "e"}),
    ]
    await bob.settle()
    assert bob.events == everyone


async def test_who_comes_or_comes_back_is_told_who_speaks(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    stage.node.room("standup").emit(active_speaker=speaker(ada.id))
    await bob.expect("activeSpeaker")
    late = await stage.joined("Late")
    assert await late.expect("activeSpeaker") == {"participantId": ada.id}
    await bob.sio.eio.disconnect(abort=True)
    stage.node.room("standup").emit(active_speaker=speaker(None))
    assert await late.expect("activeSpeaker", 2) == {"participantId": None}
    again = await stage.joined("Bob", seat=bob.joined["seat"])
    assert await again.expect("activeSpeaker") == {"participantId": None}


async def test_events_during_a_join_come_after_it_exactly_once(stage: Stage) -> None:
    """Those that the join's answer contains are not told again."""
    ada, bob = await stage.joined("Ada"), await stage.guest()
    gate = stage.node.gates["join"] = asyncio.Event()
    joining = asyncio.create_task(bob.join(name="Bob"))
    await stage.node.called("join", 2)
    stage.node.room("standup").emit(active_speaker=speaker(ada.id))
    await ada.expect("activeSpeaker")
    gate.set()
    await joining
    stage.node.room("standup").emit(active_speaker=speaker(None))
    await bob.expect("activeSpeaker")
    await bob.settle()
    # The answer does not contain who speaks: that is told when the join is done.
    assert bob.named("activeSpeaker") == [{"participantId": ada.id}, {"participantId": None}]


@pytest.mark.parametrize("how", ["break", "gap"])
async def test_a_broken_stream_is_taken_up_and_what_was_missed_is_told(stage: Stage, how: str) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    room = stage.node.room("standup")
    watched = sum(name == "watch_room" for name, _ in stage.node.calls)
    gate = stage.node.gates["watch_room"] = asyncio.Event()
    if how == "break":
        room.break_streams()
    else:
        room.skip_number()
        room.emit(active_speaker=speaker(ada.id))
    await stage.node.called("watch_room", watched + 1)
    room.leave(bob.id)
    late = events_pb2.ParticipantInfo(participant_id="p-late", display_name="Late")
    late.producers.add(producer_id="x", kind="audio", source="microphone")
    room.people["p-late"] = type(room.person(ada.id))(late, seat="s", connection_id=None)
    gate.set()
    joined = await ada.expect("participantJoined", 2)
    assert joined["participantId"] == "p-late"
    assert [made["producerId"] for made in joined["producers"]] == ["x"]
    assert await ada.expect("participantLeft") == {"participantId": bob.id, "reason": "disconnected"}
    assert await bob.expect("roomClosed") == {"reason": "seat_expired", "rejoin": True}
    assert (await bob.ask("chat", {"text": "hi"}))["error"]["code"] == "not_joined"
    room.emit(active_speaker=speaker(ada.id))
    await ada.expect("activeSpeaker")
    assert len(ada.named("participantJoined")) == 2


async def test_a_replaced_node_process_ends_the_room_and_everyone_can_come_back(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    stage.node.restart(stage.node.process_id)
    assert await ada.expect("roomClosed") == {"reason": "node_lost", "rejoin": True}
    again = await ada.join(name="Ada", seat=ada.joined["seat"])
    assert again.joined["resumed"] is False
    assert stage.node.room("standup").epoch == 2


async def test_the_node_can_close_the_room(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    stage.node.room("standup").close("drained", rejoin=True)
    assert await ada.expect("roomClosed") == {"reason": "drained", "rejoin": True}
    assert (await ada.ask("leave"))["error"]["code"] == "not_joined"


async def test_a_join_that_finds_the_room_gone_opens_it_again(stage: Stage) -> None:
    await stage.joined("Ada")
    stage.node.rooms.clear()
    bob = await stage.joined("Bob")
    assert bob.joined["participants"] == []
    assert stage.node.room("standup").epoch == 2


@pytest.mark.parametrize("call", ["open_room", "watch_room", "join"])
async def test_a_node_that_does_not_answer_makes_the_join_unavailable(stage: Stage, call: str) -> None:
    stage.node.fail_next(call, Unavailable("the media node does not answer", retry_after_ms=1500))
    guest = await stage.guest()
    answer = await guest.ask("join", {"room": "standup", "displayName": "Ada"})
    assert answer["error"] == {
        "code": "unavailable",
        "message": "the media node does not answer",
        "retryAfterMs": 1500,
    }
    assert "participantId" in (await guest.join()).joined


async def test_a_lost_socket_is_told_to_the_node_and_the_last_lets_the_room_go(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    await ada.sio.disconnect()
    await stage.node.called("disconnect")
    stage.node.room("standup").expire_seats()
    assert stage.signaling.rooms.count_participants(await stage.directory.get(RoomName("standup"))) == 1
    bob = await stage.joined("Bob")
    assert bob.joined["participants"] == []
