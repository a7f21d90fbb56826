"""The content of one entry of the stream between signaling processes. Pure."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json

from rotunda_contract.ids import RoomName
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message of a room; `origin` is the process that its sender is connected to."""

    origin: str
    room: RoomId
    message: ChatEvent


class _Spelled(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # a newer process may say more

    origin: str
    room: str
    uid: str
    chat: ChatEvent


def encode(envelope: Envelope) -> bytes:
    """JSON, read by every version of signaling that runs at the same time."""
    room = envelope.room
    return to_json(
        {
            "origin": envelope.origin,
            "room": room.name,
            "uid": room.uid,
            "chat": envelope.message.to_json(),
        }
    )


def decode(text: bytes) -> Envelope | None:
    """None for what is no message: another kind of a newer version, or garbage."""
    try:
        spelled = _Spelled.model_validate_json(text)
    except ValidationError:
        return None
    return Envelope(spelled.origin, RoomId(RoomName(spelled.room), spelled.uid), spelled.chat)
