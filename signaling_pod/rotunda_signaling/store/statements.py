"""What is asked of the database. Pure: builders of statements, and rows back into messages."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Integer,
    Row,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from rotunda_contract.ids import ParticipantId
from rotunda_contract.signaling.events import ChatEvent
from rotunda_signaling.directory import RoomId
from rotunda_signaling.store.schema import GAPS, MESSAGES, OF_ROOMS, REMOVALS, SEATS
from rotunda_signaling.timestamps import parse_timestamp, timestamp

MAX_SEATS = 10
"""Of one identity, the newest: whose private messages a page has."""
_COUNT = bindparam("count", type_=Integer)

_MESSAGE = (
    MESSAGES.c.id,
    MESSAGES.c.sender,
    MESSAGES.c.display_name,
    MESSAGES.c.recipient,
    MESSAGES.c.text,
    MESSAGES.c.sent_at,
)


def insert_missing(table: Table, dialect: str) -> Insert:
    """Of rows that are there already nothing happens: a write whose answer was lost may be done again."""
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def select_page(
    room: RoomId, seats: Sequence[ParticipantId], before: str | None, count: int
) -> tuple[Select[Any], dict[str, Any]]:
    """The newest `count` messages, newest first, and its parameters.

    Each part reads at most `count` rows from the end of an index, however many messages others exchange.
    """
    parameters = {"room": room.name, "uid": room.uid, "before": before, "count": count}
    seated = {f"seat_{number}": seat for number, seat in enumerate(seats)}
    return _page(len(seats), before is not None), parameters | seated


def select_gap(room: RoomId, since: str, before: str | None) -> Select[Any]:
    """How many messages are missing from `since` on, up to `before`."""
    wanted = select(func.coalesce(func.sum(GAPS.c.lost), 0)).where(_of(GAPS, room), GAPS.c.last_id >= since)
    return wanted.where(GAPS.c.first_id < before) if before is not None else wanted


def select_seats(room: RoomId, identity: str) -> Select[Any]:
    newest = SEATS.c.taken_at.desc()
    mine = _of(SEATS, room) & (SEATS.c.identity == identity)
    return select(SEATS.c.participant_id).where(mine).order_by(newest).limit(MAX_SEATS)


def select_removals(room: RoomId) -> Select[Any]:
    found = (REMOVALS.c.participant_id, REMOVALS.c.identity, REMOVALS.c.token_id)
    return select(*found).where(_of(REMOVALS, room))


def delete_before(table: Table, column: str, limit: object, count: int) -> Delete:
    """At most `count` rows, so that nobody waits long for what a deletion locks."""
    keys = list(table.primary_key.columns)
    old = select(*keys).where(table.c[column] < limit).limit(count)
    return delete(table).where(tuple_(*keys).in_(old))


def delete_spent_removals(before: datetime) -> Delete:
    """Removals from before that time, of rooms without a stored message that they would hide from
    somebody."""
    of_room = (MESSAGES.c.room == REMOVALS.c.room) & (MESSAGES.c.room_uid == REMOVALS.c.room_uid)
    return delete(REMOVALS).where(
        REMOVALS.c.removed_at < before, ~select(MESSAGES.c.id).where(of_room).exists()
    )


def delete_all_but(count: int) -> Delete:
    """Of all messages the newest `count` stay."""
    newest_to_go = select(MESSAGES.c.id).order_by(MESSAGES.c.id.desc()).limit(1).offset(count)
    return delete(MESSAGES).where(MESSAGES.c.id <= newest_to_go.scalar_subquery())


def delete_room(room: RoomId) -> Sequence[Delete]:
    return [delete(table).where(_of(table, room)) for table in OF_ROOMS]


def message_row(room: RoomId, message: ChatEvent) -> dict[str, Any]:
    return {
        "id": message.id,
        "room": room.name,
        "room_uid": room.uid,
        "sender": message.sender,
        "display_name": _storable(message.display_name),
        "recipient": message.to or "",
        "text": _storable(message.text),
        "sent_at": parse_timestamp(message.sent_at),
    }


def message_of(row: Row[Any]) -> ChatEvent:
    """Not checked again: it was when it was sent."""
    return ChatEvent.model_construct(
        id=row.id,
        sender=row.sender,
        display_name=row.display_name,
        text=row.text,
        to=row.recipient or None,
        sent_at=timestamp(row.sent_at),
    )


@lru_cache(maxsize=2 * (MAX_SEATS + 2))
def _page(seats: int, has_before: bool) -> Select[Any]:
    """Made once: putting it together takes longer than running it."""
    parts = [_newest(MESSAGES.c.recipient == "", has_before)]
    for number in range(seats):
        seat = bindparam(f"seat_{number}", type_=String)
        mine = (MESSAGES.c.sender == seat) & (MESSAGES.c.recipient != "")
        parts += [_newest(MESSAGES.c.recipient == seat, has_before), _newest(mine, has_before)]
    united = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return select(united).order_by(united.c.id.desc()).limit(_COUNT)


def _newest(which: ColumnElement[bool], has_before: bool) -> Select[Any]:
    of_room = (MESSAGES.c.room == bindparam("room")) & (MESSAGES.c.room_uid == bindparam("uid"))
    wanted = select(*_MESSAGE).where(of_room, which)
    if has_before:
        wanted = wanted.where(MESSAGES.c.id < bindparam("before"))
    return wanted.order_by(MESSAGES.c.id.desc()).limit(_COUNT)


def _of(table: Table, room: RoomId) -> ColumnElement[bool]:
    return (table.c.room == room.name) & (table.c.room_uid == room.uid)


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL in a text."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
