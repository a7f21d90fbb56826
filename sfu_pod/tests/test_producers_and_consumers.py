"""Producers and consumers: who may have which, and what everybody is told."""

import pytest

from rotunda_contract.errors import (
    BadRequest,
    Forbidden,
    InvalidState,
    LimitExceeded,
    NotFound,
    Unsupported,
)
from rotunda_contract.ids import ProducerId
from rotunda_contract.rtp import RtpCapabilities, RtpParameters
from rotunda_sfu import publishing
from rotunda_sfu.fake_node import (
    FakeNode,
    FakeRoom,
    Person,
    camera_parameters,
    microphone_parameters,
)
from rotunda_sfu.media_worker import Layers
from rotunda_sfu.producer import Producer
from rotunda_sfu.publishing import ProduceOptions
from rotunda_sfu.settings import Limits


def two(fake: FakeNode | None = None) -> tuple[FakeRoom, Person, Person]:
    room = (fake or FakeNode()).open()
    return room, room.join("Ada"), room.join("Bob")


def produce(person: Person, kind: str, parameters: RtpParameters, source: str = "") -> Producer:
    return person.produce(ProduceOptions(kind, parameters, source=source))


async def test_the_worker_learns_how_a_producer_numbers_its_packets() -> None:
    fake = FakeNode()
    _, ada, _ = two(fake)
    media = ada.media_of(ada.camera()).media
    (codec,) = media.mapping.codecs
    assert (codec.codec, codec.payload_type, codec.rtx_payload_type) == ("vp8", 96, 97)
    assert [encoding.rid for encoding in media.mapping.encodings] == ["r0", "r1", "r2"]
    assert (media.kind, media.mid, media.mapping.extensions.mid) == ("video", "1", 1)


@pytest.mark.parametrize(
    ("kind", "source", "expected"),
    [
        ("audio", "", "microphone"),
        ("video", "", "camera"),
        ("audio", "screen-audio", "screen-audio"),
        ("video", "screen", "screen"),
    ],
)
async def test_a_source_fits_its_kind(kind: str, source: str, expected: str) -> None:
    room, ada, _ = two()
    await room.events()
    parameters = microphone_parameters() if kind == "audio" else camera_parameters()
    produce(ada, kind, parameters, source)
    (event,) = await room.events()
    assert event.producer_added.producer.source == expected
    assert event.cause == ada.participant.id


@pytest.mark.parametrize("source", ["microphone", "screen-audio", "telescope"])
async def test_a_source_that_does_not_fit_is_refused(source: str) -> None:
    _, ada, _ = two()
    with pytest.raises(BadRequest, match="camera or screen"):
        produce(ada, "video", camera_parameters(), source)


async def test_an_unknown_kind_is_refused() -> None:
    _, ada, _ = two()
    with pytest.raises(BadRequest, match="kind: must be one of audio, video"):
        produce(ada, "smell", camera_parameters())


async def test_codecs_of_the_other_kind_are_refused() -> None:
    _, ada, _ = two()
    with pytest.raises(BadRequest, match=r"rtpParameters\.codecs"):
        produce(ada, "audio", camera_parameters())


async def test_one_media_id_is_one_producer_s() -> None:
    _, ada, _ = two()
    transport = ada.send_transport()
    ada.produce(ProduceOptions("audio", microphone_parameters("0", ssrc=1)), transport)
    with pytest.raises(BadRequest, match=r"rtpParameters\.mid: 0"):
        ada.produce(ProduceOptions("audio", microphone_parameters("0", ssrc=2)), transport)


async def test_one_ssrc_is_one_producer_s() -> None:
    _, ada, _ = two()
    transport = ada.send_transport()
    ada.produce(ProduceOptions("video", camera_parameters("0", ssrc=100)), transport)
    with pytest.raises(BadRequest, match="ssrc 101"):
        ada.produce(ProduceOptions("audio", microphone_parameters("1", ssrc=101)), transport)
    assert len(ada.participant.producers) == 1


async def test_directions_are_enforced() -> None:
    _, ada, bob = two()
    producer = ada.camera()
    with pytest.raises(InvalidState, match="direction send"):
        ada.camera(ada.recv_transport())
    with pytest.raises(InvalidState, match="direction recv"):
        bob.consume(producer, bob.send_transport())


async def test_permissions_are_enforced() -> None:
    room = FakeNode().open()
    ada = room.join("Ada", permissions=["publish"])
    bob = room.join("Bob", permissions=["subscribe"])
    producer = ada.camera()
    bob.consume(producer)
    with pytest.raises(Forbidden, match="publish"):
        bob.camera()
    with pytest.raises(Forbidden, match="subscribe"):
        ada.consume(producer)


async def test_producers_and_consumers_are_limited() -> None:
    _, ada, bob = two(FakeNode(limits=Limits(producers=1, consumers=1)))
    producer = ada.camera()
    bob.consume(producer)
    with pytest.raises(LimitExceeded, match="1 producers"):
        ada.microphone()
    with pytest.raises(LimitExceeded, match="1 consumers"):
        bob.consume(producer)


async def test_pausing_is_told_once() -> None:
    room, ada, _ = two()
    producer = ada.camera()
    await room.events()
    ada.pause(producer)
    ada.pause(producer)
    (paused,) = await room.events()
    assert (paused.producer_paused.producer_id, paused.cause) == (producer.id, ada.participant.id)
    assert ada.media_of(producer).paused
    ada.resume(producer)
    ada.resume(producer)
    assert await room.event_names() == ["producer_resumed"]
    assert not ada.media_of(producer).paused


async def test_a_moderator_s_mute_is_told_to_the_owner_too() -> None:
    room, ada, _ = two()
    producer = ada.microphone()
    await room.events()
    publishing.pause(room.room.context, room.room.producer(producer.id), cause=None, reason="quiet please")
    (paused,) = await room.events()
    assert not paused.HasField("cause")
    assert paused.reason == "quiet please"


async def test_a_producer_may_start_paused() -> None:
    room, ada, _ = two()
    await room.events()
    producer = ada.camera(paused=True)
    (added,) = await room.events()
    assert added.producer_added.producer.paused
    assert ada.media_of(producer).paused


async def test_closing_a_producer_closes_its_consumers() -> None:
    fake = FakeNode()
    room, ada, bob = two(fake)
    producer = ada.camera()
    consumer = bob.consume(producer)
    await room.events()
    ada.close(producer)
    closed, consumer_closed = await room.events()
    assert closed.cause == ada.participant.id
    assert consumer_closed.consumer_closed.producer_id == producer.id
    assert (consumer_closed.consumer_closed.consumer_id, consumer_closed.recipient) == (
        consumer.id,
        bob.participant.id,
    )
    with pytest.raises(NotFound):
        bob.participant.consumer(consumer.id)
    with pytest.raises(NotFound):
        ada.participant.producer(producer.id)


async def test_somebody_else_s_things_are_not_found() -> None:
    _, ada, bob = two()
    sending = ada.send_transport()
    producer = ada.camera(sending)
    consumer = bob.consume(producer)
    with pytest.raises(NotFound):
        bob.participant.producer(producer.id)
    with pytest.raises(NotFound):
        ada.participant.consumer(consumer.id)
    with pytest.raises(NotFound):
        bob.participant.transport(sending.id)


async def test_only_producers_of_others_in_the_room_can_be_consumed() -> None:
    fake = FakeNode()
    _, ada, bob = two(fake)
    elsewhere = fake.open("elsewhere").join("Eve").camera()
    own = bob.camera()
    transport = bob.recv_transport()
    for producer_id in (ProducerId("unknown"), own.id, elsewhere.id):
        with pytest.raises(NotFound):
            bob.consume(producer_id, transport)
    assert ada.camera()


async def test_a_client_that_cannot_decode_is_told_what_it_would_need() -> None:
    fake = FakeNode()
    _, ada, bob = two(fake)
    deaf = RtpCapabilities(codecs=tuple(c for c in fake.node.capabilities.codecs if c.kind == "audio"))
    with pytest.raises(Unsupported):
        bob.consume(ada.camera(), capabilities=deaf)
    assert not fake.worker.consumers


async def test_a_consumer_starts_paused_and_only_resuming_starts_it() -> None:
    _, ada, bob = two()
    producer = ada.camera()
    consumer = bob.consume(producer)
    assert bob.copy_of(consumer).paused
    ada.pause(producer)
    ada.resume(producer)
    assert bob.copy_of(consumer).paused
    consumer.resume()
    assert not bob.copy_of(consumer).paused
    consumer.pause()
    assert bob.copy_of(consumer).paused


async def test_media_ids_are_never_used_again() -> None:
    _, ada, bob = two()
    producer = ada.camera()
    transport = bob.recv_transport()
    first = bob.consume(producer, transport)
    bob.close(first)
    second = bob.consume(producer, transport)
    assert first.rtp_parameters.mid != second.rtp_parameters.mid


async def test_ssrcs_differ_within_a_transport() -> None:
    _, ada, bob = two()
    producer = ada.camera()
    transport = bob.recv_transport()
    consumers = [bob.consume(producer, transport) for _ in range(50)]
    ssrcs = [ssrc for each in consumers for ssrc in (each.ssrc, each.rtx_ssrc)]
    assert None not in ssrcs
    assert len(set(ssrcs)) == 100


async def test_all_of_a_participant_s_media_has_one_canonical_name() -> None:
    room, ada, bob = two()
    eve = room.join("Eve")
    transport = eve.recv_transport()
    sound = eve.consume(ada.microphone(), transport)
    picture = eve.consume(ada.camera(), transport)
    other = eve.consume(bob.camera(), transport)
    names = [each.rtp_parameters.rtcp.cname for each in (sound, picture, other)]
    assert names[0] == names[1] != names[2]
    assert eve.copy_of(sound).media.cname == names[0]


async def test_a_consumer_of_audio_has_no_retransmissions_of_its_own() -> None:
    _, ada, bob = two()
    consumer = bob.consume(ada.microphone())
    assert consumer.rtx_ssrc is None
    assert bob.copy_of(consumer).media.rtx_ssrc is None


@pytest.mark.parametrize(
    ("wanted", "given"),
    [((0, 0), (0, 0)), ((1, None), (1, 2)), ((9, 9), (2, 2)), ((2, 1), (2, 1))],
)
async def test_preferred_layers_are_clamped(
    wanted: tuple[int, int | None], given: tuple[int, int | None]
) -> None:
    _, ada, bob = two()
    consumer = bob.consume(ada.camera())
    consumer.set_preferred_layers(*wanted)
    assert bob.copy_of(consumer).preferred == given


async def test_layers_are_told_to_the_owner_when_they_change() -> None:
    fake = FakeNode()
    room, ada, bob = two(fake)
    consumer = bob.consume(ada.camera())
    await room.events()
    for layers in (Layers(1, 2), Layers(1, 2), None):
        fake.worker.change_layers(consumer.number, layers)
    first, last = await room.events()
    assert first.recipient == last.recipient == bob.participant.id
    now = first.consumer_layers_changed.layers
    assert (now.spatial_layer, now.temporal_layer) == (1, 2)
    assert not last.consumer_layers_changed.HasField("layers")


async def test_key_frames_are_asked_for_video_only() -> None:
    _, ada, bob = two()
    picture, sound = bob.consume(ada.camera()), bob.consume(ada.microphone())
    picture.request_key_frame()
    sound.request_key_frame()
    assert bob.copy_of(picture).key_frames_asked == 1
    assert bob.copy_of(sound).key_frames_asked == 0
