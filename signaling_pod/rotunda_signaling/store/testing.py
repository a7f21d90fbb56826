"""For tests: messages."""

from rotunda_contract.ids import RoomName
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId
from rotunda_signaling.store.message_ids import MessageIds
from rotunda_signaling.timestamps import timestamp

ROOM = RoomId(RoomName("standup"), "uid-1")
IDS = MessageIds()


def said(text: str, sender: str = "ada", to: str | None = None, ids: MessageIds = IDS) -> ChatEvent:
    message_id, moment = ids.next()
    return ChatEvent(
        id=message_id,
        sender=sender,
        display_name=sender.title(),
        text=text,
        to=to,
        sent_at=timestamp(moment),
    )
