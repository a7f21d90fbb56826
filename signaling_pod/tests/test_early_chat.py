"""Chat that comes by the fan-out before the media node's stream tells of its sender."""

import pytest

from rotunda_contract.pb import events_pb2
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.service.room_view import RoomView
from rotunda_signaling.testing import Stage

SENDER = "p-late"
EARLY = "rotunda_signaling.service.room_view.EARLY_SECONDS"


def said(text: str) -> ChatEvent:
    return ChatEvent(
        id=f"id-{text}", sender=SENDER, display_name="Late", text=text, sent_at="2026-12-01T09:00:00.000Z"
    )


def view(stage: Stage) -> RoomView:
    return stage.signaling.rooms.views[0]


async def test_it_waits_for_the_news_that_its_sender_came_in(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EARLY, 3600.0)
    ada = await stage.joined("Ada")
    for text in ("one", "two"):
        view(stage).deliver_chat(said(text))
    await ada.settle()
    assert ada.events == []
    joined = events_pb2.ParticipantInfo(participant_id=SENDER, display_name="Late")
    stage.node.room("standup").emit(participant_joined=joined, cause=SENDER)
    await ada.expect("chat", 2)
    names = [(name, payload.get("text")) for name, payload in ada.events]
    assert names == [("participantJoined", None), ("chat", "one"), ("chat", "two")]


async def test_it_waits_no_longer_than_its_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sender may have left before this process began to watch."""
    monkeypatch.setattr(EARLY, 0.0)
    ada = await stage.joined("Ada")
    view(stage).deliver_chat(said("one"))
    assert (await ada.expect("chat"))["text"] == "one"
    assert ada.named("participantJoined") == []
    await ada.settle()
    assert len(ada.named("chat")) == 1
