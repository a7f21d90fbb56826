"""What several Socket.IO messages share: bounded strings, application data, people and their producers."""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from rotunda_base.text import line_of, lines_of
from rotunda_contract.rtp import ContractModel, Kind

MAX_DISPLAY_NAME = 128
"""Characters of a display name."""
MAX_CHAT_TEXT = 4096
"""Characters of one chat message."""
MAX_ATTRIBUTES = 16
"""Attributes of one participant, and changes in one request."""
MAX_ATTRIBUTE_VALUE = 256
"""Characters of an attribute's value."""
MAX_REACTION = 32
"""Characters of a reaction's name."""
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
ATTRIBUTE_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""An attribute's name."""
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""JSON can spell halves of surrogate pairs, and UTF-8 cannot."""

Source = Literal["microphone", "camera", "screen", "screen-audio"]
TransportDirection = Literal["send", "recv"]
Permission = Literal["publish", "subscribe", "chat", "moderate", "record"]
ParticipantKind = Literal["person", "ingress", "egress", "hidden"]
"""What follows from each: `rotunda_contract.kinds`."""

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


def _attribute_changes(value: dict[str, Any]) -> dict[str, Any]:
    if len(value) > MAX_ATTRIBUTES:
        raise PydanticCustomError(
            TOO_LARGE,
            "Input should have at most {limit} names, not {count}",
            {"limit": MAX_ATTRIBUTES, "count": len(value)},
        )
    for name, text in value.items():
        if re.fullmatch(ATTRIBUTE_NAME_PATTERN, name) is None:
            raise PydanticCustomError(
                "attribute_name",
                "the name {name} should be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', the first one a "
                "letter or a digit",
                {"name": repr(name[:64])},
            )
        if text is not None:
            _check_attribute_value(name, text)
    return value


def _check_attribute_value(name: str, text: object) -> None:
    if not isinstance(text, str) or _HALF_CHARACTER.search(text):
        raise PydanticCustomError(
            "attribute_value", "the value of {name} should be a string, or null to remove it", {"name": name}
        )
    if len(text) > MAX_ATTRIBUTE_VALUE:
        raise PydanticCustomError(
            TOO_LARGE,
            "the value of {name} should have at most {limit} characters, not {length}",
            {"name": name, "limit": MAX_ATTRIBUTE_VALUE, "length": len(text)},
        )


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
ReactionName = Annotated[
    str,
    AfterValidator(line_of),
    AfterValidator(str.strip),
    _at_most(MAX_REACTION),
    AfterValidator(_visible),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_REACTION}),
]
"""What a reaction is called, on one line; clients that do not know it show nothing."""
AttributeChanges = Annotated[
    dict[str, Any],
    AfterValidator(_attribute_changes),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": MAX_ATTRIBUTES,
            "propertyNames": {"pattern": ATTRIBUTE_NAME_PATTERN},
            "additionalProperties": {"type": ["string", "null"], "maxLength": MAX_ATTRIBUTE_VALUE},
        }
    ),
]
"""Attributes by name; null: the attribute shall be gone."""
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
    """Someone in the room, of a kind that the others see.

    `connectionLost`: as `participantConnection` told last.
    """

    participant_id: Id
    kind: ParticipantKind
    display_name: str
    producers: tuple[Producer, ...]
    data_producers: tuple[DataProducer, ...]
    attributes: dict[str, str]
    connection_lost: bool


class Layers(ContractModel):
    """What is forwarded of a simulcast producer, counted from 0 upwards."""

    spatial_layer: Annotated[int, Field(ge=0)]
    temporal_layer: Annotated[int, Field(ge=0)]


class IceServer(ContractModel):
    """A STUN or TURN server, as RTCPeerConnection takes it."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None
