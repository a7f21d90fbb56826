"""Requests about the people in the room: chat and moderation."""

from datetime import UTC, datetime

from rotunda_contract.errors import BadRequest, NotFound
from rotunda_contract.ids import ParticipantId
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.signaling import answers, requests
from rotunda_contract.signaling.answers import EmptyAnswer
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.randomness import new_id
from rotunda_signaling.service.session import Session

MODERATOR = "moderator"
"""The reason that somebody is told when a moderator acted on them."""


async def chat(session: Session, request: requests.ChatRequest) -> answers.ChatAnswer:
    if request.to is not None:
        if request.to == session.participant_id:
            raise BadRequest("is yourself; name somebody else, or leave it out to tell everyone", field="to")
        _find(session, request.to)
    message = ChatEvent(
        id=new_id(),
        sender=session.participant_id,
        display_name=session.display_name,
        text=request.text,
        to=request.to,
        sent_at=timestamp(datetime.now(UTC)),
    )
    await session.rooms.fanout.publish_chat(session.view.assignment.room, message)
    return answers.ChatAnswer(id=message.id, sent_at=message.sent_at)


async def mute_producer(session: Session, request: requests.ProducerRequest) -> EmptyAnswer:
    await session.node.mute_producer(
        pb.MuteProducerRequest(room_key=session.view.key, producer_id=request.producer_id, reason=MODERATOR)
    )
    return EmptyAnswer()


async def remove_participant(session: Session, request: requests.RemoveParticipantRequest) -> EmptyAnswer:
    _find(session, request.participant_id)
    await session.node.remove_participant(
        pb.RemoveParticipantRequest(
            room_key=session.view.key, participant_id=request.participant_id, reason=MODERATOR
        )
    )
    return EmptyAnswer()


async def close_room(session: Session, request: requests.EmptyRequest) -> EmptyAnswer:
    await session.rooms.close_room(session.view, "closed")
    return EmptyAnswer()


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _find(session: Session, participant_id: str) -> None:
    if ParticipantId(participant_id) not in session.view.state.participants:
        raise NotFound(f"nobody called {participant_id!r} is in the room")
