"""Between the pydantic models of `rtp.py` and the protobuf messages of the same names.

Field names are equal in both, so nothing is listed here but the exceptions. protobuf's own JSON
conversion does the same, but takes 180 µs for the RtpParameters of a simulcast camera and 950 µs for
a browser's capabilities, in each direction about half of what a whole call may cost; this takes
a fraction of it.
"""

import math
from collections.abc import Callable, Mapping, ValuesView
from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from pydantic import BaseModel, ValidationError

from rotunda_contract.errors import BadRequest

_M = TypeVar("_M", bound=Message)
_B = TypeVar("_B", bound=BaseModel)

MAX_JSON_DEPTH = 32
"""Levels of application data. protobuf refuses messages nested 100 deep; a level of JSON takes two."""

_VALUE_MAP = "parameters"
"""The one name under which maps of `google.protobuf.Value` stand, in every message."""
_MODEL_NAMES = {"OS": "os", "MIS": "mis"}
_MESSAGE_NAMES = {model: message for message, model in _MODEL_NAMES.items()}


def to_message(model: BaseModel, message: type[_M]) -> _M:
    """The message of the same name. `None` in the model is absence in the message."""
    return message(**_message_arguments(model.model_dump(exclude_none=True)))


def from_message(model: type[_B], message: Message, *, field: str = "") -> _B:
    """The validated model of the same name.

    Raises BadRequest naming the culprit by its JSON path below `field`.
    """
    try:
        return model.model_validate(_reader(message.DESCRIPTOR)(message), by_name=True, by_alias=False)
    except ValidationError as error:
        raise bad_request(error, field=field) from None


def parse(model: type[_B], value: Mapping[str, Any]) -> _B:
    """The validated model of a JSON object. Raises BadRequest naming the culprit."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise bad_request(error) from None


def to_struct(value: Mapping[str, Any]) -> Struct:
    """JSON object to Struct. Raises BadRequest for what JSON cannot say and for deep nesting.

    Numbers must be finite: `1e999` is read as infinity, which others could not read when told.
    """
    _check_json(value, MAX_JSON_DEPTH)
    struct = Struct()
    try:
        struct.update(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadRequest(f"is no JSON object: {error}", field="appData") from None
    return struct


def from_struct(struct: Struct) -> dict[str, Any]:
    """Struct to JSON object; whole numbers become int, as JSON's writers spell them."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def bad_request(error: ValidationError, *, field: str = "") -> BadRequest:
    """The first of pydantic's complaints, its path spelled as in JSON: `a.b.0.c`."""
    first = error.errors(include_url=False, include_input=False)[0]
    steps = (_camel(step) if isinstance(step, str) else str(step) for step in first["loc"])
    path = ".".join((field, *steps) if field else steps)
    return BadRequest(first["msg"], field=path or None)


def _message_arguments(dump: dict[str, Any]) -> dict[str, Any]:
    for key, item in dump.items():
        if key == _VALUE_MAP:
            dump[key] = {name: _to_value(value) for name, value in item.items()}
        elif isinstance(item, dict):
            _message_arguments(item)
        elif isinstance(item, (list, tuple)) and item and isinstance(item[0], dict):
            for element in item:
                _message_arguments(element)
    for model_name in _MESSAGE_NAMES.keys() & dump.keys():
        dump[_MESSAGE_NAMES[model_name]] = dump.pop(model_name)
    return dump


def _check_json(value: object, levels: int) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise BadRequest(f"{value} is no JSON number", field="appData")
    items = value.values() if isinstance(value, Mapping) else value
    if isinstance(items, (list, ValuesView)):
        if levels == 0:
            raise BadRequest(f"is nested more than {MAX_JSON_DEPTH} levels deep", field="appData")
        for item in items:
            _check_json(item, levels - 1)


def _to_value(value: str | float) -> Value:
    return Value(string_value=value) if isinstance(value, str) else Value(number_value=value)


def _from_value(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return from_struct(value.struct_value)
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case _:
            return None


@cache
def _reader(descriptor: Descriptor) -> Callable[[Any], dict[str, Any]]:
    """Reads a message of this type into the keyword arguments of its model."""
    plain: list[tuple[str, str, Callable[[Any], Any] | None]] = []
    optional: list[tuple[str, str, Callable[[Any], Any] | None]] = []
    for field in descriptor.fields:
        entry = (field.name, _MODEL_NAMES.get(field.name, field.name), _field_reader(field))
        (optional if field.has_presence else plain).append(entry)

    def read(message: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, key, convert in plain:
            value = getattr(message, name)
            result[key] = value if convert is None else convert(value)
        for name, key, convert in optional:
            if message.HasField(name):
                value = getattr(message, name)
                result[key] = value if convert is None else convert(value)
        return result

    return read


def _field_reader(field: FieldDescriptor) -> Callable[[Any], Any] | None:
    target = field.message_type
    if target is None:
        return list if field.is_repeated else None
    if field.name == _VALUE_MAP:
        return lambda entries: {key: _from_value(value) for key, value in entries.items()}
    read = _reader(target)
    if field.is_repeated:
        return lambda items: [read(item) for item in items]
    return read


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
