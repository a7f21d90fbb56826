"""Requests about the people in the room: chat, what they show of themselves, and moderation."""

from rotunda_base.rates import Rate
from rotunda_contract.errors import BadRequest, NotFound, Unavailable
from rotunda_contract.ids import ParticipantId
from rotunda_contract.pb import events_pb2
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.signaling import answers, requests
from rotunda_contract.signaling.answers import EmptyAnswer
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.limits import (
    ATTRIBUTES_RATE,
    CHAT_RATE,
    REACTION_RATE,
    ROOM_ATTRIBUTES_RATE,
    ROOM_CHAT_RATE,
    ROOM_REACTION_RATE,
)
from rotunda_signaling.service.session import Session
from rotunda_signaling.store import STORED_SECONDS, in_time
from rotunda_signaling.timestamps import timestamp

MODERATOR = "moderator"
"""The reason that somebody is told when a moderator acted on them."""
RETRY_MS = 2000
"""When to try again what waits for Redis."""


async def chat(session: Session, request: requests.ChatRequest) -> answers.ChatAnswer:
    if request.to is not None:
        if request.to == session.participant_id:
            raise BadRequest("is yourself; name somebody else, or leave it out to tell everyone", field="to")
        _find(session, request.to)
    room, rooms = session.view.assignment.room_id, session.rooms
    await _check_rate(session, "chat", CHAT_RATE, ROOM_CHAT_RATE, "messages")
    here, elsewhere = session.view.reach(session.participant_id, request.to)
    if elsewhere and not here and not rooms.fanout.connected:
        raise Unavailable(
            "your message reaches nobody just now, because the servers do not reach each other: "
            "try again in a moment",
            retry_after_ms=RETRY_MS,
        )
    message_id, moment = rooms.message_ids.next()
    message = ChatEvent(
        id=message_id,
        sender=session.participant_id,
        display_name=session.display_name,
        text=request.text,
        to=request.to,
        sent_at=timestamp(moment),
    )
    storing = rooms.history.record(room, message)
    told = await rooms.fanout.publish_chat(room, message)
    delayed = elsewhere if elsewhere and not told else None
    stored = None if storing is None or await in_time(storing, STORED_SECONDS) else False
    return answers.ChatAnswer(id=message.id, sent_at=message.sent_at, delayed=delayed, stored=stored)


async def set_attributes(session: Session, request: requests.SetAttributesRequest) -> EmptyAnswer:
    await _check_rate(session, "attributes", ATTRIBUTES_RATE, ROOM_ATTRIBUTES_RATE, "changes of attributes")
    changes = [
        events_pb2.AttributeChange(name=name, value=value) for name, value in request.attributes.items()
    ]
    await session.node.set_attributes(pb.SetAttributesRequest(actor=session.actor, attributes=changes))
    return EmptyAnswer()


async def react(session: Session, request: requests.ReactRequest) -> EmptyAnswer:
    await _check_rate(session, "react", REACTION_RATE, ROOM_REACTION_RATE, "reactions")
    await session.node.react(pb.ReactRequest(actor=session.actor, name=request.name))
    return EmptyAnswer()


async def mute_producer(session: Session, request: requests.ProducerRequest) -> EmptyAnswer:
    await session.node.mute_producer(
        pb.MuteProducerRequest(room_key=session.view.key, producer_id=request.producer_id, reason=MODERATOR)
    )
    return EmptyAnswer()


async def remove_participant(session: Session, request: requests.RemoveParticipantRequest) -> EmptyAnswer:
    if request.participant_id == session.participant_id:
        raise BadRequest("is yourself: leave the room instead", field="participantId")
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


async def _check_rate(session: Session, name: str, seat: Rate, everybody: Rate, what: str) -> None:
    """A seat's, then the room's, over all sockets and signaling processes that they come by."""
    room = session.view.assignment.room_id
    key = f"{name}:{room.name}:{room.uid}"
    await session.rooms.check_rate(f"{key}:{session.participant_id}", seat, what)
    await session.rooms.check_rate(key, everybody, f"{what} in this room")


def _find(session: Session, participant_id: str) -> None:
    if ParticipantId(participant_id) not in session.view.state.listed:
        raise NotFound(f"nobody called {participant_id!r} is in the room")
