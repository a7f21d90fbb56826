"""Whatever is wrong with a request, it is answered once, with the right code and a text that helps."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from rotunda_signaling.testing import Stage

DEEP = json.loads("[" * 17 + "]" * 17)
ROOM: dict[str, Any] = {"room": "standup", "displayName": "Ada"}
CODEC: dict[str, Any] = {"mimeType": "audio/opus", "payloadType": 100, "clockRate": 48000, "channels": 2}
PRODUCE: dict[str, Any] = {"transportId": "t", "kind": "audio", "rtpParameters": {"codecs": [CODEC]}}
DTLS: dict[str, Any] = {
    "role": "client",
    "fingerprints": [{"algorithm": "sha-256", "value": ":".join(["AB"] * 32)}],
}
DATA: dict[str, Any] = {"transportId": "t", "sctpStreamParameters": {"streamId": 1}, "label": "chat"}


@dataclass(frozen=True)
class Wrong:
    """A request, and what its answer must say."""

    name: str
    payload: Any
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}-{self.text[:40]}"


BEFORE_JOIN = [
    Wrong("join", None, "bad_request", "room: Field required"),
    Wrong("join", {}, "bad_request", "room: Field required"),
    Wrong("join", [], "bad_request", "one object, not an array"),
    Wrong("join", "standup", "bad_request", "one object, not a string"),
    Wrong("join", 7, "bad_request", "one object, not a number"),
    Wrong("join", True, "bad_request", "one object, not a boolean"),
    Wrong("join", [[1]], "bad_request", "one object, not an array"),
    Wrong("join", (ROOM, ROOM), "bad_request", "one object, not 2 values"),
    Wrong("join", {"room": "standup"}, "bad_request", "displayName: Field required"),
    Wrong("join", {**ROOM, "room": None}, "bad_request", "room: Field required"),
    Wrong("join", {**ROOM, "room": 5}, "bad_request", "room: Input should be a valid string"),
    Wrong("join", {**ROOM, "room": ""}, "bad_request", "room: Input should be a DNS label"),
    Wrong("join", {**ROOM, "room": "Stand Up"}, "bad_request", "room: Input should be a DNS label"),
    Wrong("join", {**ROOM, "room": "UPPER"}, "bad_request", "room: Input should be a DNS label"),
    Wrong("join", {**ROOM, "room": "-a"}, "bad_request", "room: Input should be a DNS label"),
    Wrong("join", {**ROOM, "room": "a-"}, "bad_request", "room: Input should be a DNS label"),
    Wrong("join", {**ROOM, "room": "é"}, "bad_request", "room: Input should be a DNS label"),
    Wrong("join", {**ROOM, "room": "a\n"}, "bad_request", "room: Input should be a DNS label"),
    Wrong("join", {**ROOM, "room": "a" * 64}, "bad_request", "room: Input should be a DNS label: 1 to 63"),
    Wrong("join", {**ROOM, "displayName": "  "}, "bad_request", "displayName: Input should have"),
    Wrong("join", {**ROOM, "displayName": "\u200b"}, "bad_request", "displayName: Input should have"),
    Wrong("join", {**ROOM, "displayName": "x" * 129}, "too_large", "displayName: Input should have at most"),
    Wrong("join", {**ROOM, "seat": 9}, "bad_request", "seat: Input should be a valid string"),
    Wrong("join", {**ROOM, "junk": "x" * 70_000}, "too_large", "a request may take 65536 bytes"),
    Wrong("leave", {}, "not_joined", "leave needs a join first"),
    Wrong("chat", {"text": "hi"}, "not_joined", "chat needs a join first"),
    Wrong("produce", PRODUCE, "not_joined", "produce needs a join first"),
    Wrong("closeRoom", {}, "not_joined", "closeRoom needs a join first"),
    Wrong("jion", {}, "unknown_request", "did you mean 'join'?"),
    Wrong("disconnecting", {}, "unknown_request", "there is no request 'disconnecting'"),
    Wrong("x" * 300, {}, "unknown_request", "there is no request 'xxx"),
]

AFTER_JOIN = [
    Wrong("join", ROOM, "already_joined", "already in room standup"),
    Wrong("setAttributes", {"attributes": {"a b": "x"}}, "bad_request", "attributes: the name 'a b' should"),
    Wrong("setAttributes", {"attributes": {"a": "x" * 257}}, "too_large", "the value of a should"),
    Wrong("react", {"name": "x" * 33}, "too_large", "name: Input should have at most 32 characters"),
    Wrong("createWebRtcTransport", {}, "bad_request", "direction: Field required"),
    Wrong("createWebRtcTransport", {"direction": "both"}, "bad_request", "direction: Input should be 'send'"),
    Wrong("connectWebRtcTransport", {"transportId": "t"}, "bad_request", "dtlsParameters: Field required"),
    Wrong(
        "connectWebRtcTransport",
        {"transportId": "t", "dtlsParameters": {**DTLS, "role": "boss"}},
        "bad_request",
        "dtlsParameters.role: Input should be 'auto', 'client' or 'server'",
    ),
    Wrong(
        "connectWebRtcTransport",
        {"transportId": "t", "dtlsParameters": {"fingerprints": []}},
        "bad_request",
        "dtlsParameters.fingerprints: ",
    ),
    Wrong(
        "connectWebRtcTransport",
        {"transportId": "t", "dtlsParameters": {"fingerprints": [{"algorithm": "sha-256", "value": "zz"}]}},
        "bad_request",
        "dtlsParameters.fingerprints.0.value: ",
    ),
    Wrong(
        "connectWebRtcTransport",
        {
            "transportId": "t",
            "dtlsParameters": {"fingerprints": [{"algorithm": "SHA-256", "value": "AB:CD"}]},
        },
        "bad_request",
        "dtlsParameters.fingerprints.0: Value error, a SHA-256 fingerprint has 32 bytes, not 2",
    ),
    Wrong(
        "connectWebRtcTransport",
        {"transportId": "t", "dtlsParameters": DTLS},
        "not_found",
        "you have no such transport",
    ),
    Wrong("restartIce", {"transportId": "t"}, "not_found", "you have no such transport"),
    Wrong("closeTransport", {"transportId": ""}, "bad_request", "transportId: "),
    Wrong("closeTransport", {"transportId": "t" * 200}, "bad_request", "transportId: "),
    Wrong("produce", {**PRODUCE, "kind": "smell"}, "bad_request", "kind: Input should be 'audio' or 'video'"),
    Wrong("produce", {**PRODUCE, "rtpParameters": {}}, "bad_request", "rtpParameters.codecs: Field required"),
    Wrong(
        "produce",
        {**PRODUCE, "rtpParameters": {"codecs": [{**CODEC, "payloadType": 128}]}},
        "bad_request",
        "rtpParameters.codecs.0.payloadType: Input should be less than or equal to 127",
    ),
    Wrong(
        "produce",
        {**PRODUCE, "rtpParameters": {"codecs": [{**CODEC, "mimeType": "opus"}]}},
        "bad_request",
        "rtpParameters.codecs.0.mimeType: ",
    ),
    Wrong("produce", {**PRODUCE, "paused": "yes"}, "bad_request", "paused: Input should be a valid boolean"),
    Wrong("produce", {**PRODUCE, "appData": []}, "bad_request", "appData: Input should be a valid"),
    Wrong(
        "produce",
        {**PRODUCE, "appData": {"source": "camera"}},
        "bad_request",
        "appData: source should be 'microphone' or 'screen-audio' for kind audio",
    ),
    Wrong("produce", {**PRODUCE, "appData": {"source": 5}}, "bad_request", "appData: source should be"),
    Wrong(
        "produce",
        {**PRODUCE, "appData": {"a": "x" * 2048}},
        "too_large",
        "at most 2048 bytes",
    ),
    Wrong(
        "produce",
        {**PRODUCE, "appData": {"a": 10**400}},
        "bad_request",
        "no integers",
    ),
    Wrong(
        "produce",
        {**PRODUCE, "appData": {"a": DEEP}},
        "bad_request",
        "nested at most",
    ),
    Wrong("produce", PRODUCE, "not_found", "you have no such transport"),
    Wrong("pauseProducer", {"producerId": "p"}, "not_found", "you have no such producer"),
    Wrong("closeProducer", {"transportId": "p"}, "bad_request", "producerId: Field required"),
    Wrong(
        "consume", {"transportId": "t", "producerId": "p"}, "bad_request", "rtpCapabilities: Field required"
    ),
    Wrong("resumeConsumer", {"consumerId": "c"}, "not_found", "you have no such consumer"),
    Wrong(
        "setConsumerPreferredLayers",
        {"consumerId": "c", "spatialLayer": -1},
        "bad_request",
        "spatialLayer: Input should be greater than or equal to 0",
    ),
    Wrong(
        "setConsumerPreferredLayers",
        {"consumerId": "c", "spatialLayer": "2"},
        "bad_request",
        "spatialLayer: Input should be a valid integer",
    ),
    Wrong(
        "produceData",
        {**DATA, "sctpStreamParameters": {"streamId": 70000}},
        "bad_request",
        "sctpStreamParameters.streamId: ",
    ),
    Wrong(
        "produceData",
        {**DATA, "sctpStreamParameters": {"streamId": 1, "maxRetransmits": 1, "maxPacketLifeTime": 1}},
        "bad_request",
        "exclude each other",
    ),
    Wrong("produceData", {**DATA, "label": "x" * 257}, "bad_request", "label: "),
    Wrong("closeDataConsumer", {"dataConsumerId": "d"}, "not_found", "you have no such data consumer"),
    Wrong("chat", {}, "bad_request", "text: Field required"),
    Wrong("chat", {"text": ""}, "bad_request", "text: Input should have at least one visible character"),
    Wrong("chat", {"text": "x" * 4097}, "too_large", "text: Input should have at most 4096"),
    Wrong("chat", {"text": "hi", "to": "nobody"}, "not_found", "nobody called 'nobody' is in the room"),
    Wrong("muteProducer", {"producerId": "p"}, "forbidden", "needs the permission 'moderate'"),
    Wrong("removeParticipant", {"participantId": "p"}, "forbidden", "needs the permission 'moderate'"),
    Wrong("closeRoom", {}, "forbidden", "needs the permission 'moderate'"),
]


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def check(shared_stage: Stage, wrong: Wrong, *, joined: bool) -> None:
    guest = await (shared_stage.joined() if joined else shared_stage.guest())
    answer = await guest.ask(wrong.name, wrong.payload)
    assert answer["error"]["code"] == wrong.code
    assert wrong.text in answer["error"]["message"]
    assert set(answer) == {"error"}
    follow_up = await guest.ask("chat", {"text": "still here"})
    assert ("error" in follow_up) is not joined


@pytest.mark.parametrize("wrong", BEFORE_JOIN, ids=str)
async def test_wrong_before_joining(shared_stage: Stage, wrong: Wrong) -> None:
    await check(shared_stage, wrong, joined=False)


@pytest.mark.parametrize("wrong", AFTER_JOIN, ids=str)
async def test_wrong_after_joining(shared_stage: Stage, wrong: Wrong) -> None:
    await check(shared_stage, wrong, joined=True)


async def test_a_handler_that_raises_is_answered_and_tells_nothing(shared_stage: Stage) -> None:
    guest = await shared_stage.joined()
    shared_stage.node.fail_next("create_web_rtc_transport", ZeroDivisionError("secret detail"))
    answer = await guest.ask("createWebRtcTransport", {"direction": "send"})
    assert answer == {"error": {"code": "internal", "message": "something went wrong on our side"}}
    assert "id" in await guest.ask("createWebRtcTransport", {"direction": "send"})


async def test_binary_payloads_are_refused(shared_stage: Stage) -> None:
    guest = await shared_stage.guest()
    answer = await guest.ask("join", {"room": b"standup", "displayName": "Ada"})
    assert answer["error"] == {
        "code": "bad_request",
        "message": "binary payloads are not accepted: send JSON only",
    }
    assert "participantId" in (await guest.join()).joined


async def test_unknown_fields_and_nulls_are_ignored(shared_stage: Stage) -> None:
    guest = await shared_stage.guest()
    answer = await guest.ask("join", {**ROOM, "seat": None, "colour": "green"})
    assert answer["resumed"] is False


@pytest.mark.parametrize("seat", ["", "nobody's", "x" * 5000])
async def test_a_seat_that_nobody_has_gives_a_fresh_one(shared_stage: Stage, seat: str) -> None:
    guest = await shared_stage.guest()
    answer = await guest.ask("join", {**ROOM, "seat": seat})
    assert (answer["resumed"], answer["seat"] == seat) == (False, False)
