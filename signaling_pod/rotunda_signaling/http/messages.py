"""The history of a room's chat, page by page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from rotunda_contract.errors import Unauthorized
from rotunda_contract.ids import ParticipantId, RoomName
from rotunda_contract.rtp import ContractModel
from rotunda_contract.signaling.answers import ErrorAnswer
from rotunda_contract.signaling.common import Id, RoomLabel
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.auth.tokens import Claims, GuestClaims, JoinClaims
from rotunda_signaling.http.access import Bearer, HttpAccess
from rotunda_signaling.service.rooms import Rooms
from rotunda_signaling.store import MAX_PAGE, Reader

DEFAULT_PAGE = 50


class MessageList(ContractModel):
    """Messages, oldest first. `hasMore`: there are older ones. `complete` false: some may be missing."""

    messages: tuple[ChatEvent, ...]
    has_more: bool
    complete: bool


def messages_router(rooms: Rooms, access: HttpAccess) -> APIRouter:
    """The route below `/api/v1/rooms/{room}`."""
    router = APIRouter(prefix="/api/v1/rooms", tags=["rooms"])

    async def reader(room: RoomLabel, bearer: Bearer) -> Reader:
        """Somebody with a token for the room; without API keys everyone who knows an Open room's name.

        A token that cannot be read is then a guest's of another process, and proves nothing here.
        """
        open_to_all = not access.authenticator.has_keys and await _is_open(rooms, room)
        if bearer is None and open_to_all:
            return Reader()
        try:
            return _reader_of(await access.member(room, bearer))
        except Unauthorized:
            if open_to_all:
                return Reader()
            raise

    @router.get(
        "/{room}/messages",
        summary="Read what was said in a room",
        response_model_exclude_none=True,
        responses={status: {"model": ErrorAnswer} for status in (400, 401, 403, 404)},
    )
    async def read_messages(
        room: RoomLabel,
        reader: Annotated[Reader, Depends(reader)],
        before: Annotated[Id | None, Query(description="The id of a message: only older ones.")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE,
    ) -> MessageList:
        known = await rooms.directory.get(RoomName(room))
        page = await rooms.history.page(known.id, reader, before=before, limit=limit)
        return MessageList(messages=tuple(page.messages), has_more=page.has_more, complete=page.complete)

    return router


async def _is_open(rooms: Rooms, room: str) -> bool:
    return (await rooms.directory.get(RoomName(room))).settings.access == "Open"


def _reader_of(claims: Claims) -> Reader:
    """An API token reads what everybody may read."""
    match claims:
        case JoinClaims():
            return Reader(identity=claims.identity)
        case GuestClaims():
            return Reader(participant_id=ParticipantId(claims.participant_id))
        case _:
            return Reader()
