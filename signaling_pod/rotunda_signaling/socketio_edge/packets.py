"""Socket.IO event packets (protocol revision 5): what they carry, and how answers are spelled. Pure."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from rotunda_contract.errors import BadRequest, TooLarge
from rotunda_signaling.limits import MAX_REQUEST_BYTES

_EVENT, _BINARY_EVENT = "2", "5"
_HEAD = re.compile(
    r"(?P<type>[25])(?:(?P<attachments>\d{1,9})-)?(?:(?P<namespace>/[^,]*),)?(?P<id>\d{1,15})?"
)


@dataclass(frozen=True, slots=True)
class EventPacket:
    """An event of the default namespace. `id` is there when the client wants an acknowledgement."""

    id: int | None
    binary: bool
    body: str


def is_event(text: str) -> bool:
    return text[:1] in (_EVENT, _BINARY_EVENT)


def parse_head(text: str) -> EventPacket | None:
    """The packet without its JSON parsed; None for another namespace, where we are not."""
    head = _HEAD.match(text)
    if head is None or head["namespace"] not in (None, "/"):
        return None
    number = int(head["id"]) if head["id"] else None
    return EventPacket(number, head["type"] == _BINARY_EVENT, text[head.end() :])


def parse_body(packet: EventPacket) -> tuple[str, dict[str, Any]]:
    """The request's name and payload. Raises BadRequest or TooLarge."""
    if packet.binary:
        raise BadRequest("binary payloads are not accepted: send JSON only")
    if len(packet.body) > MAX_REQUEST_BYTES or len(packet.body.encode()) > MAX_REQUEST_BYTES:
        raise TooLarge(f"a request may take {MAX_REQUEST_BYTES} bytes as JSON, its name included")
    try:
        arguments = from_json(packet.body, allow_inf_nan=False)
    except ValueError as error:
        raise BadRequest(f"the request is not JSON: {error}") from None
    if not isinstance(arguments, list) or not arguments or not isinstance(arguments[0], str):
        raise BadRequest("a request is a JSON array of its name and one object")
    name, *payloads = arguments
    return name, _payload(payloads)


def is_leave(packet: EventPacket) -> bool:
    """Known before its turn, as it ends a wait."""
    return packet.body.startswith('["leave"')


def acknowledgement(number: int, answer: dict[str, Any]) -> str:
    """The packet that answers the event of that number."""
    return f"3{number}[{to_json(answer).decode()}]"


def _payload(payloads: list[Any]) -> dict[str, Any]:
    if len(payloads) > 1:
        raise BadRequest(f"a request carries one object, not {len(payloads)} values")
    payload = payloads[0] if payloads else None
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise BadRequest(f"the payload must be one object, not {_KINDS.get(type(payload), 'this')}")
    return payload


_KINDS: dict[type, str] = {
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    list: "an array",
}
