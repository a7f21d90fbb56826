"""The contract of a media node, held against the real one and against the fake that signaling's tests use.

Each test drives both in the same way and expects the same answers, errors and events of both, so that the
fake cannot drift from the node that it stands for. This file has assignments, joining and seats;
`test_media_node_contract_media.py` has transports and what runs over them.
"""

import pytest
from harness.media_node import EVERYTHING, PROCESS, Room, open_room

from rotunda_contract import errors
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.wire import to_struct
from rotunda_signaling.service.media_node import MediaNode

# Assignments: which process, which epoch, which room.


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (pb.RoomKey(room="standup", epoch=2, process_id=PROCESS), errors.StaleEpoch),
        (pb.RoomKey(room="standup", epoch=4, process_id=PROCESS), errors.RoomNotOpen),
        (pb.RoomKey(room="standup", epoch=3, process_id="another"), errors.WrongProcess),
        (pb.RoomKey(room="elsewhere", epoch=3, process_id=PROCESS), errors.RoomNotOpen),
    ],
    ids=["older epoch", "later epoch", "another process", "another room"],
)
async def test_a_call_about_another_assignment_is_refused(
    room: Room, key: pb.RoomKey, error: type[errors.RotundaError]
) -> None:
    ada = await room.join("Ada")
    actor = pb.Actor(room_key=key, participant_id=ada.id)
    with pytest.raises(error):
        await room.node.leave(pb.LeaveRequest(actor=actor))


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (pb.RoomKey(room="standup", epoch=2, process_id=PROCESS), errors.StaleEpoch),
        (pb.RoomKey(room="standup", epoch=4, process_id="another"), errors.WrongProcess),
    ],
    ids=["older epoch", "another process"],
)
async def test_a_room_is_not_opened_for_an_assignment_that_is_over(
    room: Room, key: pb.RoomKey, error: type[errors.RotundaError]
) -> None:
    with pytest.raises(error):
        await room.node.open_room(pb.OpenRoomRequest(room_key=key))


async def test_opening_again_with_the_same_epoch_changes_nothing(room: Room) -> None:
    ada = await room.join("Ada")
    again = await room.node.open_room(pb.OpenRoomRequest(room_key=room.key))
    assert again.router_rtp_capabilities == ada.joined.router_rtp_capabilities
    await ada.leave()
    assert await room.events(2) == ["participant_joined Ada by Ada", "participant_left Ada by Ada (left)"]


async def test_a_later_epoch_takes_the_place_of_the_room(room: Room) -> None:
    await room.join("Ada")
    later = pb.RoomKey(room="standup", epoch=4, process_id=PROCESS)
    await room.node.open_room(pb.OpenRoomRequest(room_key=later))
    closed = (await room.events(2))[1]
    assert closed.startswith("room_closed")
    await room.ended()
    with pytest.raises(errors.StaleEpoch):
        await room.ask_to_join("Bob")


async def test_a_room_that_was_made_anew_counts_from_one_again(room: Room) -> None:
    anew = pb.OpenRoomRequest(
        room_key=pb.RoomKey(room="standup", epoch=1, process_id=PROCESS), room_uid="another"
    )
    await room.node.open_room(anew)
    await room.ended()


async def test_a_closed_room_ends_its_stream_and_is_notopen_room(room: Room) -> None:
    await room.join("Ada")
    close = pb.CloseRoomRequest(room_key=room.key, reason="deleted")
    await room.node.close_room(close)
    assert await room.events(2) == ["participant_joined Ada by Ada", "room_closed (deleted)"]
    await room.ended()
    await room.node.close_room(close)  # What is not open is closed already.
    with pytest.raises(errors.RoomNotOpen):
        await room.ask_to_join("Bob")
    earlier = pb.RoomKey(room="standup", epoch=2, process_id=PROCESS)
    with pytest.raises(errors.StaleEpoch):
        await room.node.open_room(pb.OpenRoomRequest(room_key=earlier))


@pytest.mark.parametrize("rejoin", [True, False])
async def test_removals_live_as_long_as_the_room(room: Room, rejoin: bool) -> None:
    ada = await room.join("Ada")
    removal = pb.RemoveParticipantRequest(room_key=room.key, participant_id=ada.id, reason="spam")
    await room.node.remove_participant(removal)
    await room.node.close_room(pb.CloseRoomRequest(room_key=room.key, reason="moved", rejoin=rejoin))
    room.key = pb.RoomKey(room="standup", epoch=4, process_id=PROCESS)
    await room.node.open_room(pb.OpenRoomRequest(room_key=room.key))
    await room.watch("signaling-1")
    assert [each.participant_id for each in room.snapshot.removed] == ([ada.id] if rejoin else [])


# Joining, seats, leaving.


async def test_who_joins_is_told_of_the_others_and_they_of_the_joiner(room: Room) -> None:
    ada = await room.join("Ada")
    microphone = await ada.microphone()
    bob = await room.join("Bob", permissions=["subscribe", "chat"])
    (told,) = bob.joined.participants
    assert (told.participant_id, told.display_name) == (ada.id, "Ada")
    (producer,) = told.producers
    assert (producer.producer_id, producer.kind, producer.source) == (microphone, "audio", "microphone")
    assert producer.app_data == to_struct({"made": "here"})
    assert not bob.joined.resumed
    assert not bob.joined.HasField("self")
    assert sorted(bob.joined.permissions) == ["chat", "subscribe"]
    assert bob.joined.event_number == 3
    assert await room.events(3) == [
        "participant_joined Ada by Ada",
        "producer_added Ada by Ada",
        "participant_joined Bob by Bob",
    ]


async def test_a_join_needs_the_watch_that_carries_its_events(room: Room) -> None:
    with pytest.raises(errors.Unavailable) as caught:
        await room.ask_to_join("Ada", watcher_id="signaling-2")
    assert caught.value.retry_after_ms


async def test_a_join_needs_a_connection(room: Room) -> None:
    with pytest.raises(errors.BadRequest, match="connectionId"):
        await room.ask_to_join("Ada", connection_id="")


async def test_a_repeated_join_of_one_connection_makes_nobody_else(room: Room) -> None:
    ada = await room.join("Ada")
    again = await room.ask_to_join("Ada")
    assert (again.participant_id, again.seat, again.resumed) == (ada.id, ada.joined.seat, False)
    await ada.leave()
    assert await room.events(2) == ["participant_joined Ada by Ada", "participant_left Ada by Ada (left)"]


async def test_a_full_room_refuses_who_is_new_and_takes_back_who_has_a_seat(node: MediaNode) -> None:
    async with open_room(node, max_participants=1) as room:
        ada = await room.join("Ada")
        with pytest.raises(errors.RoomFull):
            await room.ask_to_join("Bob")
        assert (await ada.come_back("ada-2")).resumed


async def test_a_seat_gives_everything_back(room: Room) -> None:
    ada, bob = await room.join("Ada"), await room.join("Bob")
    theirs = await bob.camera()
    sending, receiving = await ada.transport("send"), await ada.transport("recv")
    microphone = await ada.microphone(sending)
    channel = await ada.produce_data(sending)
    copy = await ada.consume(theirs, receiving)
    channel_copy = await ada.consume_data(await bob.produce_data(), receiving)
    await ada.lose_connection()
    again = await ada.come_back("ada-2")
    assert (again.participant_id, again.seat, again.resumed) == (ada.id, ada.joined.seat, True)
    mine = again.self
    assert {(each.transport_id, each.direction) for each in mine.transports} == {
        (sending, "send"),
        (receiving, "recv"),
    }
    assert [each.producer_id for each in mine.producers] == [microphone]
    assert [(each.consumer_id, each.producer_id, each.paused) for each in mine.consumers] == [
        (copy.id, theirs, True)
    ]
    assert [(each.data_producer_id, each.label) for each in mine.data_producers] == [(channel, "cursor")]
    assert [each.data_consumer_id for each in mine.data_consumers] == [channel_copy.id]
    assert [each.display_name for each in again.participants] == ["Bob"]


async def test_a_seat_that_is_taken_over_is_told_to_who_had_it(room: Room) -> None:
    ada = await room.join("Ada")
    assert (await ada.come_back("ada-2")).resumed
    await ada.lose_connection("Ada")  # The one that lost the seat: it holds nothing any more.
    assert (await ada.come_back("ada-2")).resumed
    await ada.leave()
    assert await room.events(3) == [
        "participant_joined Ada by Ada",
        "connection_replaced Ada for Ada (taken_over)",
        "participant_left Ada by Ada (left)",
    ]


async def test_a_resume_keeps_what_was_permitted_unless_a_token_says_otherwise(room: Room) -> None:
    ada = await room.join("Ada", identity="ada", token_id="one")
    as_guest = await ada.come_back("ada-2", permissions=["chat"])
    assert sorted(as_guest.permissions) == sorted(EVERYTHING)
    assert as_guest.identity == "ada"
    with_token = await ada.come_back("ada-3", identity="ada", token_id="two", permissions=["chat"])
    assert list(with_token.permissions) == ["chat"]


async def test_a_seat_of_another_identity_is_not_given(room: Room) -> None:
    ada = await room.join("Ada", identity="ada")
    eve = await ada.come_back("eve", identity="eve")
    assert not eve.resumed
    assert eve.participant_id != ada.id


@pytest.mark.parametrize("seat", ["", "unknown"])
async def test_who_may_only_resume_needs_a_seat_that_is_kept(room: Room, seat: str) -> None:
    with pytest.raises(errors.Unauthorized):
        await room.ask_to_join("Ada", seat=seat, resume_only=True)
    ada = await room.join("Ada")
    assert (await ada.come_back("ada-2", resume_only=True)).resumed


async def test_who_leaves_takes_everything_along(room: Room) -> None:
    ada, bob = await room.join("Ada"), await room.join("Bob")
    microphone, channel = await ada.microphone(), await ada.produce_data()
    await bob.consume(microphone)
    await bob.consume_data(channel)
    await room.events(4)
    await ada.leave()
    assert await room.events(3) == [
        "participant_left Ada by Ada (left)",
        "consumer_closed Ada's microphone by Ada for Bob",
        "data_consumer_closed Ada's channel by Ada for Bob",
    ]
    with pytest.raises(errors.NotFound):
        await ada.leave()
    with pytest.raises(errors.NotFound):
        await ada.transport("send")


async def test_a_lost_connection_of_somebody_unknown_is_nothing(room: Room) -> None:
    ada = await room.join("Ada")
    await ada.leave()
    await ada.lose_connection()


async def test_a_removal_takes_out_all_of_one_identity_and_keeps_them_out(room: Room) -> None:
    ada = await room.join("Ada", identity="ada", token_id="one")
    await room.join("Ada's phone", identity="ada", token_id="two")
    bob = await room.join("Bob", identity="bob")
    await room.events(3)
    removal = pb.RemoveParticipantRequest(room_key=room.key, participant_id=ada.id, reason="spam")
    await room.node.remove_participant(removal)
    assert await room.events(4) == [
        "participant_removed Ada for Ada (spam)",
        "participant_left Ada (removed)",
        "participant_removed Ada's phone for Ada's phone (spam)",
        "participant_left Ada's phone (removed)",
    ]
    for shown in ({"identity": "ada"}, {"token_id": "one"}, {"token_id": "two"}, {"seat": ada.joined.seat}):
        with pytest.raises(errors.Forbidden):
            await room.ask_to_join("again", **shown)
    assert not (await room.ask_to_join("Eve", identity="eve", token_id="three")).resumed
    with pytest.raises(errors.NotFound):
        await room.node.remove_participant(removal)
    assert bob.id


async def test_a_snapshot_has_who_is_there_what_they_send_and_who_was_removed(room: Room) -> None:
    ada, eve = await room.join("Ada"), await room.join("Eve")
    camera, channel = await ada.camera(), await ada.produce_data()
    await room.node.pause_producer(ada.own(camera))
    removal = pb.RemoveParticipantRequest(room_key=room.key, participant_id=eve.id, reason="spam")
    await room.node.remove_participant(removal)
    other = Room(room.node, room.key)
    await other.watch("signaling-2")
    (told,) = other.snapshot.participants
    assert [(each.producer_id, each.paused) for each in told.producers] == [(camera, True)]
    assert [(each.data_producer_id, each.label) for each in told.data_producers] == [(channel, "cursor")]
    assert [each.participant_id for each in other.snapshot.removed] == [eve.id]
    await other.unwatch()
