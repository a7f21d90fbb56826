"""Transports: what runs over them, and what their end ends."""

import pytest

from rotunda_contract.errors import BadRequest, InvalidState, LimitExceeded, NotFound
from rotunda_contract.ids import DataConsumerId
from rotunda_sfu.dtls import SrtpKeys
from rotunda_sfu.fake_node import BROWSER_DTLS, FakeNode
from rotunda_sfu.ice import ice_candidates
from rotunda_sfu.media_worker import MediaAddress
from rotunda_sfu.settings import Limits

KEYS = SrtpKeys("AEAD_AES_128_GCM", b"s" * 28, b"r" * 28)


async def test_credentials_are_the_worker_s_and_differ() -> None:
    fake = FakeNode()
    ada = fake.open().join()
    first, second = ada.send_transport(), ada.recv_transport()
    assert fake.worker.transports[first.number].ice == [first.ice_parameters]
    assert first.ice_parameters.username_fragment != second.ice_parameters.username_fragment
    assert first.ice_parameters.ice_lite


async def test_who_sends_is_told_the_room_s_limit_on_video_and_room_for_sound() -> None:
    fake = FakeNode()
    ada, bob = fake.open("a", max_video_kbps=2500).join(), fake.open("b").join()
    transports = (ada.send_transport(), ada.recv_transport(), bob.send_transport())
    limits = [fake.worker.transports[each.number].max_incoming_bitrate for each in transports]
    assert limits == [2_628_000, None, None]


@pytest.mark.parametrize("direction", ["", "both", "SEND"])
async def test_an_unknown_direction_is_named(direction: str) -> None:
    with pytest.raises(BadRequest, match="direction: must be send or recv"):
        FakeNode().open().join().participant.create_transport(direction)


async def test_transports_are_limited() -> None:
    ada = FakeNode(limits=Limits(transports=2)).open().join()
    ada.send_transport()
    closing = ada.recv_transport()
    with pytest.raises(LimitExceeded, match="2"):
        ada.recv_transport()
    ada.close(closing)
    ada.recv_transport()


async def test_connecting_twice_is_refused() -> None:
    ada = FakeNode().open().join()
    transport = ada.send_transport()
    transport.connect(BROWSER_DTLS)
    with pytest.raises(InvalidState):
        transport.connect(BROWSER_DTLS)
    assert ada.session(transport).remote == BROWSER_DTLS


async def test_connecting_may_come_after_producing_and_consuming() -> None:
    room = FakeNode().open()
    ada, bob = room.join("Ada"), room.join("Bob")
    sending, receiving = ada.send_transport(), bob.recv_transport()
    bob.consume(ada.camera(sending), receiving)
    sending.connect(BROWSER_DTLS)
    receiving.connect(BROWSER_DTLS)
    assert bob.session(receiving).remote == BROWSER_DTLS


async def test_keys_go_to_the_worker() -> None:
    fake = FakeNode()
    ada = fake.open().join()
    transport = ada.send_transport()
    ada.session(transport).listener.on_keys(KEYS)
    assert fake.worker.transports[transport.number].keys == KEYS


async def test_datagrams_wake_the_session() -> None:
    fake = FakeNode()
    ada = fake.open().join()
    transport = ada.send_transport()
    fake.worker.transports[transport.number].listener.on_dtls_readable()
    assert ada.session(transport).times_readable == 1


async def test_an_ice_restart_gives_new_credentials_beside_the_old() -> None:
    fake = FakeNode()
    transport = fake.open().join().send_transport()
    old = transport.ice_parameters
    new = transport.restart_ice()
    assert fake.worker.transports[transport.number].ice == [old, new]
    assert old.username_fragment != new.username_fragment


async def test_closing_ends_producers_and_their_consumers_and_tells_of_them() -> None:
    fake = FakeNode()
    room = fake.open()
    ada, bob = room.join("Ada"), room.join("Bob")
    sending = ada.send_transport()
    producer = ada.camera(sending)
    consumer = bob.consume(producer)
    await room.events()
    ada.close(sending)
    closed, consumer_closed = await room.events()
    assert (closed.producer_closed.producer_id, closed.cause) == (producer.id, ada.participant.id)
    assert (consumer_closed.consumer_closed.consumer_id, consumer_closed.recipient) == (
        consumer.id,
        bob.participant.id,
    )
    assert not fake.worker.producers
    assert not fake.worker.consumers
    with pytest.raises(NotFound):
        ada.participant.transport(sending.id)


async def test_closing_ends_consumers_and_does_not_tell_who_asked_for_it() -> None:
    fake = FakeNode()
    room = fake.open()
    ada, bob = room.join("Ada"), room.join("Bob")
    receiving = bob.recv_transport()
    bob.consume(ada.camera(), receiving)
    await room.events()
    bob.close(receiving)
    assert await room.events() == []
    assert not fake.worker.consumers
    assert not bob.participant.consumers


async def test_a_failed_handshake_closes_the_transport_and_its_owner_is_told() -> None:
    fake = FakeNode()
    room = fake.open()
    ada, bob = room.join("Ada"), room.join("Bob")
    sending = ada.send_transport()
    bob.consume(ada.camera(sending))
    await room.events()
    ada.session(sending).fail("the handshake took over 30 s")
    told, closed, consumer_closed = await room.events()
    assert told.transport_closed.transport_id == sending.id
    assert (told.recipient, told.reason) == (ada.participant.id, "the handshake took over 30 s")
    assert not closed.HasField("cause")
    assert closed.reason == told.reason
    assert consumer_closed.recipient == bob.participant.id
    assert not ada.participant.transports
    assert sending.number not in fake.worker.transports


async def test_held_back_data_is_told_to_its_sender() -> None:
    fake = FakeNode(limits=Limits(data_rate=2048))
    room = fake.open()
    ada = room.join()
    transport = ada.send_transport()
    session = ada.session(transport)
    assert session.limits is not None
    assert session.limits.data_rate == 2048
    await room.events()
    session.listener.on_data_limited(17)
    (event,) = await room.events()
    assert event.recipient == ada.participant.id
    limited = event.data_limited
    assert (limited.refused_datagrams, limited.limit_bytes_per_second) == (17, 2048)


async def test_refused_video_is_told_to_its_sender() -> None:
    fake = FakeNode()
    room = fake.open(max_video_kbps=300)
    ada, bob = room.join(), room.join()
    bob.send_transport()
    transport = ada.send_transport()
    await room.events()
    fake.worker.limit_media(transport.number, 17)
    (event,) = await room.events()
    assert event.recipient == ada.participant.id
    limited = event.media_limited
    assert limited.transport_id == transport.id
    assert (limited.refused_packets, limited.max_video_kbps) == (17, 300)


async def test_a_late_word_of_a_session_is_harmless() -> None:
    room = FakeNode().open()
    ada = room.join()
    transport = ada.send_transport()
    listener = ada.session(transport).listener
    ada.close(transport)
    await room.events()
    listener.on_closed("late")
    listener.on_data_consumer_closed(DataConsumerId("gone"), "late")
    assert await room.events() == []


def test_candidates_have_distinct_priorities_and_loopback_comes_last() -> None:
    candidates = ice_candidates(
        (
            MediaAddress("127.0.0.1", 40000, "127.0.0.1"),
            MediaAddress("::1", 40000, "::1"),
            MediaAddress("192.0.2.1", 40000, "192.0.2.1"),
            MediaAddress("2001:db8::1", 40000, "2001:db8::1"),
        )
    )
    assert [each.ip for each in candidates] == ["192.0.2.1", "2001:db8::1", "127.0.0.1", "::1"]
    priorities = [each.priority for each in candidates]
    assert priorities == sorted(set(priorities), reverse=True)
    assert priorities[0] == 2130706431
    assert all(each.ip == each.address for each in candidates)


def test_candidates_over_tcp_come_after_all_over_udp() -> None:
    candidates = ice_candidates(
        (
            MediaAddress("127.0.0.1", 40000, "127.0.0.1", "tcp"),
            MediaAddress("2001:db8::1", 40000, "2001:db8::1", "tcp"),
            MediaAddress("127.0.0.1", 40000, "127.0.0.1"),
            MediaAddress("2001:db8::1", 40000, "2001:db8::1"),
        )
    )
    assert [(each.protocol, each.ip) for each in candidates] == [
        ("udp", "2001:db8::1"),
        ("udp", "127.0.0.1"),
        ("tcp", "2001:db8::1"),
        ("tcp", "127.0.0.1"),
    ]
    assert [each.tcp_type for each in candidates] == [None, None, "passive", "passive"]
    priorities = [each.priority for each in candidates]
    assert priorities == sorted(set(priorities), reverse=True)
    # RFC 6544 section 4.2: type 90, passive direction 4, other preference 8191, component 1.
    assert priorities[2] == (90 << 24) + (((4 << 13) + 8191) << 8) + 255
    assert len({each.foundation for each in candidates}) == 4


def test_addresses_that_announce_the_same_are_one_candidate() -> None:
    candidates = ice_candidates(
        (MediaAddress("10.0.0.1", 40000, "192.0.2.1"), MediaAddress("10.0.0.2", 40000, "192.0.2.1"))
    )
    assert [(each.ip, each.port) for each in candidates] == [("192.0.2.1", 40000)]


async def test_media_of_the_peer_confirms_the_handshake() -> None:
    fake = FakeNode()
    ada = fake.open().join()
    transport = ada.send_transport()
    assert not ada.session(transport).handshake_confirmed
    fake.worker.transports[transport.number].listener.on_srtp_received()
    assert ada.session(transport).handshake_confirmed


async def test_a_transport_that_nobody_connects_is_closed_and_its_owner_told() -> None:
    fake = FakeNode()
    room = fake.open()
    ada, bob = room.join("Ada"), room.join("Bob")
    idle, used = ada.recv_transport(), ada.send_transport()
    consumer = bob.consume(ada.camera(used))
    used.connect(BROWSER_DTLS)
    await room.events()
    fake.clock.advance(fake.settings.connect_deadline)
    closed, *others = await room.events()
    assert closed.recipient == ada.participant.id
    assert closed.transport_closed.transport_id == idle.id
    assert "not connected within 900 s" in closed.reason
    assert set(ada.participant.transports) == {used.id}
    # Bob never connected his own: his consumer went with it.
    assert [each.WhichOneof("event") for each in others] == ["transport_closed", "consumer_closed"]
    assert not bob.participant.consumers
    assert set(fake.worker.transports) == {used.number}
    assert consumer.number not in fake.worker.consumers


async def test_an_ice_restart_gives_a_transport_that_waits_more_time() -> None:
    fake = FakeNode()
    transport = fake.open().join().recv_transport()
    fake.clock.advance(fake.settings.connect_deadline - 1)
    transport.restart_ice()
    fake.clock.advance(fake.settings.connect_deadline - 1)
    assert not transport.closed
    fake.clock.advance(1)
    assert transport.closed


async def test_nothing_waits_for_a_transport_that_is_closed_or_connected() -> None:
    fake = FakeNode()
    ada = fake.open().join()
    ada.close(ada.recv_transport())
    ada.send_transport().connect(BROWSER_DTLS)
    assert fake.clock.pending == 0
