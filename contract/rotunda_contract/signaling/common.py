"""What several Socket.IO messages share: bounded strings, application data, people and their producers."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from rotunda_contract.rtp import ContractModel, Kind
from rotunda_contract.text import line_of, lines_of

MAX_DISPLAY_NAME = 128
"""Characters of a display name."""
MAX_CHAT_TEXT = 4096
"""Characters of one chat message."""
MAX_APP_DATA = 2048
"""Bytes of application data, as compact JSON in UTF-8."""
MAX_APP_DATA_DEPTH = 16
"""Objects and arrays within each other."""
MAX_NUMBER = 2**53
"""Beyond it JSON's readers disagree about integers (RFC 8259 section 6)."""
TOO_LARGE = "too_large"
"""Type of the validation errors that clients are told as `too_large` instead of `bad_request`."""

ROOM_NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
"""A DNS label (RFC 1123), which a room's name must be."""

Source = Literal["microphone", "camera", "screen", "screen-audio"]
TransportDirection = Literal["send", "recv"]
Permission = Literal["publish", "subscribe", "chat", "moderate", "record"]

SOURCES: dict[Kind, tuple[Source, ...]] = {
    "audio": ("microphone", "screen-audio"),
    "video": ("camera", "screen"),
}
"""The sources that fit a kind; the first is the default."""

Id = Annotated[str, Field(min_length=1, max_length=128)]
"""An opaque id."""
Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 in UTC with milliseconds, such as `2026-11-21T08:00:00.000Z`."""


def _room_name(value: str) -> str:
    label = value.replace("-", "a")
    fits = label.isascii() and label.isalnum() and label == label.lower() and len(value) <= 63
    if not fits or value[0] == "-" or value[-1] == "-":
        raise PydanticCustomError(
            "room_name",
            "Input should be a DNS label: 1 to 63 lower-case letters, digits and inner hyphens",
        )
    return value


def _at_most(limit: int) -> AfterValidator:
    def check(value: str) -> str:
        if len(value) > limit:
            raise PydanticCustomError(
                TOO_LARGE,
                "Input should have at most {limit} characters, not {length}",
                {"limit": limit, "length": len(value)},
            )
        return value

    return AfterValidator(check)


def _visible(value: str) -> str:
    if not any(character.isprintable() and not character.isspace() for character in value):
        raise PydanticCustomError("blank", "Input should have at least one visible character")
    return value


def _app_data(value: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace"))
    if size > MAX_APP_DATA:
        raise PydanticCustomError(
            TOO_LARGE,
            "Input should take at most {limit} bytes as JSON, not {size}",
            {"limit": MAX_APP_DATA, "size": size},
        )
    _check_depth_and_numbers(value, MAX_APP_DATA_DEPTH)
    return value


def _check_depth_and_numbers(value: Any, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth == 0:
            raise PydanticCustomError(
                "too_deep", "Input should be nested at most {limit} deep", {"limit": MAX_APP_DATA_DEPTH}
            )
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth_and_numbers(item, depth - 1)
    elif isinstance(value, int) and abs(value) > MAX_NUMBER:
        raise PydanticCustomError("number_range", "Input should have no integers beyond 2^53")


RoomLabel = Annotated[
    str,
    AfterValidator(_room_name),
    WithJsonSchema({"type": "string", "pattern": ROOM_NAME_PATTERN}),
]
DisplayName = Annotated[
    str,
    AfterValidator(line_of),
    AfterValidator(str.strip),
    _at_most(MAX_DISPLAY_NAME),
    AfterValidator(_visible),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_DISPLAY_NAME}),
]
"""What others see, as one line; surrounding white space, control and bidi characters are left out."""
ChatText = Annotated[
    str,
    AfterValidator(lines_of),
    _at_most(MAX_CHAT_TEXT),
    AfterValidator(_visible),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_CHAT_TEXT}),
]
"""What others read, without control and bidi characters; it may have several lines."""
AppData = Annotated[dict[str, Any], AfterValidator(_app_data)]
"""The application's own JSON object."""


class Producer(ContractModel):
    """One audio or video stream that a participant sends."""

    producer_id: Id
    kind: Kind
    source: Source
    paused: bool
    app_data: AppData


class DataProducer(ContractModel):
    """One data channel that a participant sends on."""

    data_producer_id: Id
    label: str
    protocol: str
    app_data: AppData


class Participant(ContractModel):
    """Someone in the room."""

    participant_id: Id
    display_name: str
    producers: tuple[Producer, ...]
    data_producers: tuple[DataProducer, ...]


class Layers(ContractModel):
    """What is forwarded of a simulcast producer, counted from 0 upwards."""

    spatial_layer: Annotated[int, Field(ge=0)]
    temporal_layer: Annotated[int, Field(ge=0)]


class IceServer(ContractModel):
    """A STUN or TURN server, as RTCPeerConnection takes it."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None
