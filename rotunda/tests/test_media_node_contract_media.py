"""The contract of a media node, continued: transports, and what runs over them. See its first part."""

from collections.abc import Awaitable, Callable

import pytest
from harness.media_node import Person, Room

from rotunda_contract import errors
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.wire import to_struct


async def test_a_transport_is_connected_once_and_its_ice_restarts(room: Room) -> None:
    ada = await room.join("Ada")
    made = await room.node.create_web_rtc_transport(
        pb.CreateWebRtcTransportRequest(actor=ada.actor, direction="send")
    )
    assert made.ice_parameters.ice_lite
    assert made.ice_candidates[0].ip == made.ice_candidates[0].address
    assert made.dtls_parameters.fingerprints[-1].algorithm == "sha-256"
    await ada.connect(made.id)
    with pytest.raises(errors.InvalidState):
        await ada.connect(made.id)
    restarted = await room.node.restart_ice(pb.RestartIceRequest(actor=ada.actor, transport_id=made.id))
    assert restarted.ice_parameters != made.ice_parameters


async def test_a_direction_is_send_or_recv(room: Room) -> None:
    ada = await room.join("Ada")
    with pytest.raises(errors.BadRequest, match="direction"):
        await ada.transport("sideways")


async def test_a_closed_transport_takes_along_what_ran_over_it(room: Room) -> None:
    ada, bob = await room.join("Ada"), await room.join("Bob")
    sending = await ada.transport("send")
    microphone, channel = await ada.microphone(sending), await ada.produce_data(sending)
    await bob.consume(microphone)
    await bob.consume_data(channel)
    await room.events(4)
    close = pb.CloseTransportRequest(actor=ada.actor, transport_id=sending)
    await room.node.close_transport(close)
    assert await room.events(4) == [
        "producer_closed Ada's microphone by Ada",
        "consumer_closed Ada's microphone by Ada for Bob",
        "data_producer_closed Ada's channel by Ada",
        "data_consumer_closed Ada's channel by Ada for Bob",
    ]
    with pytest.raises(errors.NotFound):
        await room.node.close_transport(close)


async def test_media_goes_over_transports_of_its_direction(room: Room) -> None:
    ada, bob = await room.join("Ada"), await room.join("Bob")
    microphone, channel = await ada.microphone(), await ada.produce_data()
    for wrong in (
        ada.microphone(await ada.transport("recv")),
        ada.produce_data(await ada.transport("recv")),
        bob.consume(microphone, await bob.transport("send")),
        bob.consume_data(channel, await bob.transport("send")),
    ):
        with pytest.raises(errors.InvalidState):
            await wrong


# Producers and consumers.


async def test_a_producer_from_beginning_to_end(room: Room) -> None:
    ada, bob = await room.join("Ada"), await room.join("Bob")
    camera = await ada.camera()
    copy = await bob.consume(camera)
    assert (copy.producer_id, copy.participant_id, copy.kind) == (camera, ada.id, "video")
    assert copy.app_data == to_struct({"made": "here"})
    assert not copy.producer_paused
    await room.events(3)
    node = room.node
    await node.pause_producer(ada.own(camera))
    await node.pause_producer(ada.own(camera))
    await node.resume_producer(ada.own(camera))
    await node.resume_producer(ada.own(camera))
    await node.mute_producer(pb.MuteProducerRequest(room_key=room.key, producer_id=camera, reason="noise"))
    await node.close_producer(ada.own(camera))
    assert await room.events(5) == [
        "producer_paused Ada's camera by Ada",
        "producer_resumed Ada's camera by Ada",
        "producer_paused Ada's camera (noise)",
        "producer_closed Ada's camera by Ada",
        "consumer_closed Ada's camera by Ada for Bob",
    ]


async def test_who_may_not_publish_or_subscribe_does_not(room: Room) -> None:
    ada, eve = await room.join("Ada"), await room.join("Eve", permissions=["chat"])
    microphone, channel = await ada.microphone(), await ada.produce_data()
    for wrong in (
        eve.microphone(),
        eve.produce_data(),
        eve.consume(microphone),
        eve.consume_data(channel),
    ):
        with pytest.raises(errors.Forbidden):
            await wrong


async def test_nobody_consumes_their_own(room: Room) -> None:
    ada = await room.join("Ada")
    for wrong in (ada.consume(await ada.microphone()), ada.consume_data(await ada.produce_data())):
        with pytest.raises(errors.NotFound):
            await wrong


async def test_a_consumer_is_its_owner_s_alone(room: Room) -> None:
    ada, bob = await room.join("Ada"), await room.join("Bob")
    copy = await bob.consume(await ada.camera())
    node, layers = room.node, pb.SetConsumerPreferredLayersRequest
    await node.resume_consumer(bob.copy(copy.id))
    await node.pause_consumer(bob.copy(copy.id))
    await node.request_key_frame(bob.copy(copy.id))
    await node.set_consumer_preferred_layers(layers(actor=bob.actor, consumer_id=copy.id, spatial_layer=9))
    for act in (node.resume_consumer, node.pause_consumer, node.request_key_frame, node.close_consumer):
        with pytest.raises(errors.NotFound):
            await act(ada.copy(copy.id))
    with pytest.raises(errors.NotFound):
        await node.set_consumer_preferred_layers(layers(actor=ada.actor, consumer_id=copy.id))
    await node.close_consumer(bob.copy(copy.id))
    with pytest.raises(errors.NotFound):
        await node.close_consumer(bob.copy(copy.id))


async def test_a_data_channel_from_beginning_to_end(room: Room) -> None:
    ada, bob = await room.join("Ada"), await room.join("Bob")
    channel = await ada.produce_data()
    first, second = await bob.consume_data(channel), await bob.consume_data(channel)
    assert (first.data_producer_id, first.label, first.protocol) == (channel, "cursor", "json")
    assert first.app_data == to_struct({"color": "red"})
    await room.events(3)
    close = pb.DataConsumerRequest(actor=bob.actor, data_consumer_id=first.id)
    await room.node.close_data_consumer(close)
    with pytest.raises(errors.NotFound):
        await room.node.close_data_consumer(close)
    theirs = pb.DataProducerRequest(actor=bob.actor, data_producer_id=channel)
    with pytest.raises(errors.NotFound):
        await room.node.close_data_producer(theirs)
    await room.node.close_data_producer(pb.DataProducerRequest(actor=ada.actor, data_producer_id=channel))
    assert await room.events(2) == [
        "data_producer_closed Ada's channel by Ada",
        "data_consumer_closed Ada's channel by Ada for Bob",
    ]
    assert second.id != first.id


Act = Callable[[Person], Awaitable[object]]


@pytest.mark.parametrize(
    "act",
    [
        lambda ada: ada.connect("none"),
        lambda ada: ada.node.restart_ice(pb.RestartIceRequest(actor=ada.actor, transport_id="none")),
        lambda ada: ada.node.close_transport(pb.CloseTransportRequest(actor=ada.actor, transport_id="none")),
        lambda ada: ada.microphone("none"),
        lambda ada: ada.produce_data("none"),
        lambda ada: ada.consume("none"),
        lambda ada: ada.consume_data("none"),
        lambda ada: ada.node.pause_producer(ada.own("none")),
        lambda ada: ada.node.resume_producer(ada.own("none")),
        lambda ada: ada.node.close_producer(ada.own("none")),
        lambda ada: ada.node.mute_producer(pb.MuteProducerRequest(room_key=ada.room.key, producer_id="none")),
    ],
    ids=[
        "connect",
        "restart",
        "close transport",
        "produce",
        "produce data",
        "consume",
        "consume data",
        "pause",
        "resume",
        "close producer",
        "mute",
    ],
)
async def test_what_is_not_there_is_not_found(room: Room, act: Act) -> None:
    ada = await room.join("Ada")
    with pytest.raises(errors.NotFound):
        await act(ada)
