"""The rooms API: list, create, read, delete."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from rotunda_contract.ids import RoomName
from rotunda_contract.rtp import ContractModel
from rotunda_contract.signaling.answers import ErrorAnswer
from rotunda_contract.signaling.common import DisplayName, RoomLabel, Timestamp
from rotunda_signaling.directory import Access, Room, RoomSettings, VideoCodec
from rotunda_signaling.http.access import HttpAccess
from rotunda_signaling.service.rooms import Rooms
from rotunda_signaling.timestamps import timestamp


class NewRoom(ContractModel):
    """A room to make. What is left out is as in rooms that are made on join."""

    name: RoomLabel
    display_name: DisplayName | None = None
    max_participants: Annotated[int, Field(ge=1, le=500, strict=True)] | None = None
    access: Access | None = None
    video_codecs: Annotated[tuple[VideoCodec, ...], Field(min_length=1)] | None = None
    max_video_kbps: Annotated[int, Field(ge=50, le=100_000, strict=True)] | None = None
    empty_ttl_seconds: Annotated[float, Field(gt=0, le=604_800, allow_inf_nan=False)] | None = None


class RoomBody(ContractModel):
    """A room. `participants` counts seats, also those that wait for their owner to come back.

    It counts everybody, whichever server they are connected to; where that is another one, it may be some
    seconds old.
    """

    name: str
    display_name: str
    max_participants: int
    access: Access
    video_codecs: tuple[VideoCodec, ...]
    max_video_kbps: int
    empty_ttl_seconds: float
    participants: int
    created_at: Timestamp
    join_url: str = Field(alias="joinURL")


class RoomList(ContractModel):
    """All rooms, by name."""

    rooms: tuple[RoomBody, ...]


def rooms_router(rooms: Rooms, access: HttpAccess) -> APIRouter:
    """The routes below `/api/v1/rooms`. A room can be read with a token for it too."""
    directory = rooms.directory
    router = APIRouter(prefix="/api/v1/rooms", tags=["rooms"], responses=_errors(400, 401, 403))
    administered = [Depends(access.administrator)]

    @router.get("", summary="List all rooms", dependencies=administered)
    async def list_rooms(request: Request) -> RoomList:
        return RoomList(rooms=tuple(_body(room, rooms, request) for room in await directory.list()))

    @router.post(
        "",
        status_code=201,
        summary="Create a room",
        dependencies=administered,
        responses=_errors(409, 413),
    )
    async def create_room(new: NewRoom, request: Request, response: Response) -> RoomBody:
        room = await directory.create(RoomName(new.name), _settings(new, directory.defaults()))
        response.headers["Location"] = f"/api/v1/rooms/{room.name}"
        return _body(room, rooms, request)

    @router.get(
        "/{room}",
        summary="Read a room",
        dependencies=[Depends(access.visitor)],
        responses=_errors(404),
    )
    async def read_room(room: RoomLabel, request: Request) -> RoomBody:
        return _body(await directory.get(RoomName(room)), rooms, request)

    @router.delete(
        "/{room}",
        status_code=204,
        summary="Delete a room and end its call",
        dependencies=administered,
        responses=_errors(404),
    )
    async def delete_room(room: RoomLabel) -> None:
        await directory.delete(RoomName(room))

    return router


def _settings(new: NewRoom, defaults: RoomSettings) -> RoomSettings:
    return RoomSettings(
        display_name=new.display_name or new.name,
        max_participants=new.max_participants or defaults.max_participants,
        access=new.access or defaults.access,
        video_codecs=new.video_codecs or defaults.video_codecs,
        max_video_kbps=new.max_video_kbps or defaults.max_video_kbps,
        empty_ttl=new.empty_ttl_seconds or defaults.empty_ttl,
    )


def _body(room: Room, rooms: Rooms, request: Request) -> RoomBody:
    return RoomBody(
        name=room.name,
        display_name=room.settings.display_name,
        max_participants=room.settings.max_participants,
        access=room.settings.access,
        video_codecs=room.settings.video_codecs,
        max_video_kbps=room.settings.max_video_kbps,
        empty_ttl_seconds=room.settings.empty_ttl,
        participants=rooms.count_participants(room),
        created_at=timestamp(room.created_at),
        join_url=f"{request.base_url}r/{room.name}",
    )


def _errors(*statuses: int) -> dict[int | str, dict[str, object]]:
    return {status: {"model": ErrorAnswer} for status in statuses}
