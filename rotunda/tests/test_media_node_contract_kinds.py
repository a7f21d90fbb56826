"""The contract of a media node, continued: kinds of participants. See its first part."""

import pytest
from harness.media_node import Room, open_room

from rotunda_contract import errors
from rotunda_signaling.service.media_node import MediaNode


async def test_a_kind_is_told_and_limits_what_is_permitted(room: Room) -> None:
    camera = await room.join("camera", kind="ingress")
    recorder = await room.join("recorder", kind="egress")
    assert list(camera.joined.permissions) == ["publish"]
    assert list(recorder.joined.permissions) == ["subscribe"]
    assert [each.kind for each in recorder.joined.participants] == ["ingress"]
    await recorder.consume(await camera.microphone())
    for wrong in (recorder.microphone(), camera.consume("none", await camera.transport("recv"))):
        with pytest.raises(errors.Forbidden):
            await wrong
    with pytest.raises(errors.BadRequest, match="kind"):
        await room.ask_to_join("Ada", kind="robot")


async def test_persons_and_ingress_count_and_the_others_have_a_limit_of_their_own(node: MediaNode) -> None:
    async with open_room(node, max_participants=2) as room:
        for number, kind in enumerate(("person", "ingress", "egress", "hidden")):
            await room.join(f"{number}", kind=kind)
        for kind in ("", "ingress"):
            with pytest.raises(errors.RoomFull):
                await room.ask_to_join("late", kind=kind)
        for number in range(2, 16):
            await room.join(f"hidden {number}", kind="hidden")
        for kind in ("egress", "hidden"):
            with pytest.raises(errors.RoomFull):
                await room.ask_to_join("late", kind=kind)


async def test_a_token_of_another_kind_does_not_take_the_seat(room: Room) -> None:
    ada = await room.join("Ada", identity="ada")
    unseen = await ada.come_back("ada-2", identity="ada", kind="hidden")
    assert not unseen.resumed
    assert unseen.participant_id != ada.id


@pytest.mark.parametrize("kind", ["egress", "hidden"])
async def test_who_is_not_seen_has_nothing_to_show(room: Room, kind: str) -> None:
    unseen = await room.join("unseen", kind=kind)
    with pytest.raises(errors.Forbidden, match="do not see"):
        await unseen.set_attributes({"hand": "1"})
    with pytest.raises(errors.Forbidden, match="do not see"):
        await unseen.react("wave")
