"""The Socket.IO messages: what they accept, how they are spelled, and that their schema is fresh."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from rotunda_contract import schema
from rotunda_contract.errors import BY_CODE
from rotunda_contract.rtp import RtpCapabilities
from rotunda_contract.signaling import EVENTS, EXCHANGES, answers, events, requests

PRODUCE: dict[str, Any] = {
    "transportId": "t",
    "kind": "video",
    "rtpParameters": {"codecs": [{"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000}]},
}


def test_the_committed_schema_is_fresh() -> None:
    assert schema.main(["--check"]) == 0


def test_every_message_is_a_named_definition() -> None:
    described = schema.signaling_schema()
    parts = described["properties"]
    assert set(parts["requests"]["properties"]) == set(parts["answers"]["properties"]) == set(EXCHANGES)
    assert set(parts["events"]["properties"]) == set(EVENTS)
    for part in parts.values():
        for reference in part["properties"].values():
            assert reference["$ref"].removeprefix("#/$defs/") in described["$defs"]


def test_null_stands_only_where_it_says_something() -> None:
    nullable = {
        (name, field)
        for name, definition in schema.signaling_schema()["$defs"].items()
        for field, described in definition.get("properties", {}).items()
        if '"null"' in json.dumps(described)
    }
    assert nullable == {
        ("ActiveSpeakerEvent", "participantId"),
        ("ConsumerLayersChangedEvent", "layers"),
        ("ParticipantUpdatedEvent", "attributes"),
        ("SetAttributesRequest", "attributes"),
    }


def test_the_codes_are_those_of_the_error_tree() -> None:
    assert set(answers.ErrorBody.model_json_schema()["properties"]["code"]["enum"]) == set(BY_CODE)


@pytest.mark.parametrize(
    ("kind", "app_data", "source"),
    [
        ("video", None, "camera"),
        ("video", {}, "camera"),
        ("video", {"source": None}, "camera"),
        ("video", {"source": "screen"}, "screen"),
        ("audio", {"other": 1}, "microphone"),
        ("audio", {"source": "screen-audio"}, "screen-audio"),
    ],
)
def test_the_source_defaults_after_the_kind(kind: str, app_data: Any, source: str) -> None:
    request = requests.ProduceRequest.model_validate({**PRODUCE, "kind": kind, "appData": app_data})
    assert request.source == source


@pytest.mark.parametrize("source", ["microphone", "webcam", "", 5, ["camera"], {"a": 1}])
def test_a_source_that_does_not_fit_is_refused(source: Any) -> None:
    with pytest.raises(ValidationError, match="source should be 'camera' or 'screen' for kind video"):
        requests.ProduceRequest.model_validate({**PRODUCE, "appData": {"source": source}})


def test_names_are_trimmed_and_counted_in_characters() -> None:
    request = requests.JoinRequest.model_validate({"room": "a", "displayName": "  " + "é" * 128 + "\n"})
    assert request.display_name == "é" * 128


@pytest.mark.parametrize("room", ["a", "0", "a-b", "a--b", "x" * 63])
def test_room_names(room: str) -> None:
    assert requests.JoinRequest.model_validate({"room": room, "displayName": "A"}).room == room


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"": "x"}, "the name '' should be 1 to 64 of A-Z, a-z, 0-9"),
        ({"a" * 65: "x"}, f"the name '{'a' * 64}' should be 1 to 64"),
        ({"_hidden": "x"}, "the name '_hidden' should .* the first one a letter or a digit"),
        ({"raised hand": "x"}, "the name 'raised hand' should"),
        ({"händ": "x"}, "the name 'händ' should"),
        ({"hand\n": "x"}, "the name .* should"),
        ({"hand": 1}, "the value of hand should be a string, or null"),
        ({"hand": "\ud83d"}, "the value of hand should be a string, or null"),
        ({"hand": "x" * 257}, "the value of hand should have at most 256 characters, not 257"),
        ({f"a{number}": "x" for number in range(17)}, "at most 16 names, not 17"),
        (None, "attributes"),
        (["hand"], "attributes"),
    ],
)
def test_attributes_that_are_refused(attributes: Any, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        requests.SetAttributesRequest.model_validate({"attributes": attributes})


def test_attributes_may_be_as_long_as_the_page_says() -> None:
    attributes = {f"{number:02}{'.' * 62}": "é" * 256 for number in range(15)} | {"Hand_1-x.y": None}
    assert requests.SetAttributesRequest.model_validate({"attributes": attributes}).attributes == attributes


@pytest.mark.parametrize(
    ("name", "read"), [("heart", "heart"), (" tada\n", "tada"), ("👩🏽‍🚀" * 8, "👩🏽‍🚀" * 8)]
)
def test_reactions(name: str, read: str) -> None:
    assert requests.ReactRequest.model_validate({"name": name}).name == read


@pytest.mark.parametrize("name", ["", " ", "\u202e", "x" * 33, 5, None])
def test_reactions_that_are_refused(name: Any) -> None:
    with pytest.raises(ValidationError, match="name"):
        requests.ReactRequest.model_validate({"name": name})


def test_absent_fields_are_left_out_and_meaningful_nulls_are_not() -> None:
    assert events.ActiveSpeakerEvent().to_json() == {"participantId": None}
    assert events.ConsumerLayersChangedEvent(consumer_id="c").to_json() == {"consumerId": "c", "layers": None}
    updated = events.ParticipantUpdatedEvent(participant_id="p", attributes={"hand": None})
    assert updated.to_json() == {"participantId": "p", "attributes": {"hand": None}}
    assert events.ProducerEvent(participant_id="p", producer_id="q").to_json() == {
        "participantId": "p",
        "producerId": "q",
    }


def test_names_that_python_reserves() -> None:
    chat = events.ChatEvent(
        id="i", sender="p", display_name="A", text="hi", sent_at="2026-11-21T08:00:00.000Z"
    )
    assert chat.to_json()["from"] == "p"
    own = answers.OwnState(
        transports=(), producers=(), consumers=(), data_producers=(), data_consumers=(), attributes={}
    )
    joined = answers.JoinAnswer(
        participant_id="p",
        seat="s",
        resumed=True,
        reconnect_grace=30,
        room=answers.JoinedRoom(name="a", display_name="A", max_participants=2),
        router_rtp_capabilities=RtpCapabilities(),
        ice_servers=(),
        participants=(),
        own=own,
        permissions=(),
        protocol=1,
    )
    assert joined.to_json()["self"]["transports"] == []
    assert "token" not in joined.to_json()
