"""Into the room: a WebSocket, Socket.IO over it with the token, `join`, and what the room's router takes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from rotunda.caller import CallError, Participant, Refused
from rotunda.doctor.findings import Finding, failed, ok, skipped, warning
from rotunda.doctor.patient import Patient

OPEN_SECONDS = 20.0
NAME = "Doctor"
_PATH = "/socket.io/?EIO=4&transport=websocket"
_ADVICE = {
    "unauthorized": "give a token that the server's API keys signed: --token, or the whole link",
    "forbidden": "ask for a token of this room; somebody who was removed stays removed while the room lives",
    "room_full": "wait, give another --room, or let maxParticipants be higher",
    "unavailable": "the room has no media node that answers: `kubectl get rooms,mn` tells more, or the log",
    "limit_exceeded": "the server's limit of rooms or of joins from one address is reached: give a --room",
    "rate_limited": "too many joins from this address: wait, and let signaling trust the proxy in front",
    "bad_request": "give a --room that is a DNS label, such as standup",
}
_USUAL = ("audio/opus", "video/vp8")


@dataclass(frozen=True, slots=True)
class Entrance:
    """`participant` is in the room; None: see the findings."""

    findings: list[Finding]
    participant: Participant | None = None


async def check_websocket(patient: Patient) -> tuple[Finding, bool]:
    """Engine.IO's handshake, which comes first over a WebSocket that is open."""
    tls = patient.tls if patient.is_secure else True
    advice = "let the proxy in front pass upgrades to WebSocket on for /socket.io; clients use nothing else"
    try:
        async with (
            asyncio.timeout(OPEN_SECONDS),
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
            session.ws_connect(f"{patient.origin}{_PATH}") as socket,
        ):
            first = await socket.receive()
    except aiohttp.WSServerHandshakeError as error:
        return failed("websocket", f"no upgrade at /socket.io: status {error.status}", advice), False
    except (OSError, TimeoutError, aiohttp.ClientError) as error:
        return failed("websocket", f"does not open: {error or 'no answer in time'}", advice), False
    if first.type is not aiohttp.WSMsgType.TEXT or not str(first.data).startswith("0{"):
        return failed("websocket", "opens, but Engine.IO's handshake does not come", advice), False
    return ok("websocket", "opens, and Engine.IO answers"), True


async def enter(patient: Patient) -> Entrance:
    """Connects and joins as one person."""
    try:
        participant = await Participant.connect(patient.origin, token=patient.token, context=patient.context)
    except CallError as error:
        return Entrance([_refused("socket", error), skipped("join", "there is no socket")])
    connected = ok("socket", "Socket.IO is connected" + (", the token is taken" if patient.token else ""))
    try:
        await participant.join(patient.room, NAME)
    except CallError as error:
        pending = [event["reason"] for name, event in participant.events if name == "roomPending"]
        await participant.disconnect()
        told = f"; the room waits: {pending[-1]}" if pending else ""
        return Entrance([connected, _refused("join", error, told)])
    return Entrance(
        [connected, _joined(patient.room, participant.joined), _router(participant.joined)], participant
    )


def _joined(room: str, joined: Mapping[str, Any]) -> Finding:
    others = len(joined.get("participants", ()))
    may = ", ".join(joined.get("permissions", ())) or "nothing"
    return ok("join", f"is in room {room!r} with {others} others; may {may}")


def _router(joined: Mapping[str, Any]) -> Finding:
    types = [str(codec["mimeType"]) for codec in joined["routerRtpCapabilities"]["codecs"]]
    named = [name for name in dict.fromkeys(types) if not name.lower().endswith("/rtx")]
    lacking = [usual for usual in _USUAL if usual not in {name.lower() for name in named}]
    if lacking:
        advice = "every browser has these: let spec.media.videoCodecs of the Room name VP8"
        return warning("router", f"forwards {', '.join(named)}, not {', '.join(lacking)}", advice)
    return ok("router", f"forwards {', '.join(named)}")


def _refused(step: str, error: CallError, more: str = "") -> Finding:
    if isinstance(error, Refused):
        advice = _ADVICE.get(error.code, "see the log of signaling")
        return failed(step, f"{error}{more}", advice)
    return failed(step, f"{error}{more}", "the WebSocket opens, but Socket.IO over it fails: see the log")
