"""Kinds of participants: whom the others are told of, and who counts."""

from pathlib import Path
from typing import Any

import pytest

from rotunda_contract.ids import ParticipantId
from rotunda_contract.kinds import KINDS
from rotunda_contract.pb import events_pb2 as pb
from rotunda_contract.signaling.common import ParticipantKind
from rotunda_signaling.auth.testing import KEY, token
from rotunda_signaling.service.room_state import RoomState
from rotunda_signaling.testing import Guest, MakeStage, Stage

UNSEEN: tuple[ParticipantKind, ...] = ("egress", "hidden")


@pytest.fixture
async def keyed(make_stage: MakeStage, tmp_path: Path) -> Stage:
    (tmp_path / KEY.id).write_bytes(KEY.secret)
    return await make_stage(api_keys_directory=tmp_path, access="Open")


async def somebody(stage: Stage, kind: ParticipantKind, name: str = "", **more: Any) -> Guest:
    grants = [grant for grant in ("publish", "subscribe") if grant in KINDS[kind].grants]
    shown = token(identity=name or kind, kind=kind, grants=grants)
    return await (await stage.guest(auth={"token": shown})).join(name=name or kind, **more)


async def listed(stage: Stage) -> list[str]:
    """Who is in the room, as somebody is told who comes now and leaves at once."""
    probe = await stage.joined("Probe")
    names = [each["displayName"] for each in probe.joined["participants"]]
    await probe.ask("leave")
    return names


def about(guest: Guest, who: Guest) -> list[str]:
    """The events that told the guest of somebody."""
    return [name for name, payload in guest.events if who.id in str(payload)]


@pytest.mark.parametrize("kind", UNSEEN)
async def test_nobody_is_told_of_who_is_not_seen(keyed: Stage, kind: ParticipantKind) -> None:
    ada = await keyed.joined("Ada")
    unseen = await somebody(keyed, kind)
    assert [each["displayName"] for each in unseen.joined["participants"]] == ["Ada"]
    assert unseen.joined["permissions"] == ["subscribe"]
    assert await listed(keyed) == ["Ada"]
    room = keyed.node.room("standup")
    room.emit(connection_quality=pb.ConnectionQuality(participant_id=unseen.id, score=3))
    await unseen.sio.eio.disconnect(abort=True)
    await keyed.node.called("disconnect")
    room.tell_lost()
    back = await somebody(keyed, kind, seat=unseen.joined["seat"])
    assert back.id == unseen.id
    await back.ask("leave")
    await ada.settle()
    assert about(ada, unseen) == []


@pytest.mark.parametrize("kind", UNSEEN)
async def test_who_is_not_seen_is_told_what_the_others_are(keyed: Stage, kind: ParticipantKind) -> None:
    unseen = await somebody(keyed, kind)
    ada = await keyed.joined("Ada")
    assert (await unseen.expect("participantJoined"))["participantId"] == ada.id
    await ada.ask("chat", {"text": "hello"})
    assert (await unseen.expect("chat"))["text"] == "hello"


@pytest.mark.parametrize("kind", UNSEEN)
async def test_a_snapshot_after_a_broken_stream_tells_of_no_more(keyed: Stage, kind: ParticipantKind) -> None:
    ada, stays, goes = await keyed.joined("Ada"), await somebody(keyed, kind), await keyed.joined("Bob")
    room = keyed.node.room("standup")
    room.break_streams()
    room.leave(goes.id)
    assert (await ada.expect("participantLeft"))["participantId"] == goes.id
    await ada.settle()
    assert about(ada, stays) == []
    await stays.settle()
    assert stays.named("roomClosed") == []  # its seat is known, unseen as it is


async def test_who_is_not_seen_cannot_be_addressed_and_shows_nothing(keyed: Stage) -> None:
    ada, unseen = await keyed.joined("Ada"), await somebody(keyed, "hidden")
    code = (await ada.ask("chat", {"text": "psst", "to": unseen.id}))["error"]["code"]
    assert code == "not_found"
    for request, payload in (
        ("chat", {"text": "hi"}),
        ("setAttributes", {"attributes": {"hand": "1"}}),
        ("react", {"name": "heart"}),
    ):
        assert (await unseen.ask(request, payload))["error"]["code"] == "forbidden"
    (view,) = keyed.signaling.rooms.views
    assert view.reach(ParticipantId(ada.id), None) == (0, 0)


async def test_an_ingress_is_seen_as_what_it_is(keyed: Stage) -> None:
    ada, camera = await keyed.joined("Ada"), await somebody(keyed, "ingress", "stage camera")
    told = await ada.expect("participantJoined")
    assert (told["participantId"], told["kind"]) == (camera.id, "ingress")
    bob = await keyed.joined("Bob")
    assert [each["kind"] for each in bob.joined["participants"]] == ["person", "ingress"]
    refused = await camera.ask("createWebRtcTransport", {"direction": "recv"})
    assert refused["error"]["code"] == "forbidden"


async def test_persons_and_ingress_are_counted(keyed: Stage) -> None:
    for kind in KINDS:
        await somebody(keyed, kind)
    async with keyed.http() as http:
        headers = {"Authorization": f"Bearer {token()}"}
        body = (await http.get("/api/v1/rooms/standup", headers=headers)).json()
        assert body["participants"] == 2
        assert "rotunda_signaling_participants 2.0" in (await http.get("/metrics")).text


async def test_a_room_without_anybody_who_counts_is_empty(keyed: Stage) -> None:
    for kind in UNSEEN:
        await somebody(keyed, kind)
    (view,) = keyed.signaling.rooms.views
    assert not view.occupied
    camera = await somebody(keyed, "ingress")
    assert view.occupied
    await camera.ask("leave")
    await camera.settle()
    assert not view.occupied


@pytest.mark.parametrize("kind", UNSEEN)
def test_nothing_that_the_node_says_of_the_unseen_is_delivered(kind: ParticipantKind) -> None:
    state = RoomState()
    state.reset(pb.RoomSnapshot())
    info = pb.ParticipantInfo(participant_id="p", display_name="x", kind=kind)
    changes = [pb.AttributeChange(name="hand", value="1")]
    for event in (
        pb.RoomEvent(participant_joined=info),
        pb.RoomEvent(participant_updated=pb.ParticipantUpdated(participant_id="p", attributes=changes)),
        pb.RoomEvent(participant_connection=pb.ParticipantConnection(participant_id="p", state="lost")),
        pb.RoomEvent(reaction=pb.Reaction(participant_id="p", name="heart")),
        pb.RoomEvent(connection_quality=pb.ConnectionQuality(participant_id="p", score=1)),
    ):
        assert state.apply(event) is None
    own = pb.RoomEvent(recipient="p", transport_closed=pb.TransportClosed(transport_id="t"))
    delivery = state.apply(own)
    assert delivery is not None
    assert delivery.recipient == "p"
    left = pb.RoomEvent(participant_left=pb.ParticipantLeft(participant_id="p", reason="left"))
    assert state.apply(left) is None
    assert state.participants == {}
