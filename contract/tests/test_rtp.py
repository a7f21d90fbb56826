"""The RTP models: names equal those of the proto files, null means absent, sizes are bounded."""

from typing import Any

import pytest
from google.protobuf.message import Message
from pydantic import ValidationError

from rotunda_contract import rtp
from rotunda_contract.pb import rtp_pb2, transport_pb2

PAIRS: list[tuple[type[rtp.ContractModel], type[Message]]] = [
    (getattr(rtp, name), getattr(module, name))
    for module in (rtp_pb2, transport_pb2)
    for name in module.DESCRIPTOR.message_types_by_name
    if hasattr(rtp, name)
]
CODEC = {"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}


@pytest.mark.parametrize(("model", "message"), PAIRS, ids=lambda each: each.__name__)
def test_json_names_are_those_of_proto3(model: type[rtp.ContractModel], message: type[Message]) -> None:
    assert {field.json_name for field in message.DESCRIPTOR.fields} == {
        field.alias for field in model.model_fields.values()
    }


def test_every_message_has_its_model() -> None:
    messages = {*rtp_pb2.DESCRIPTOR.message_types_by_name, *transport_pb2.DESCRIPTOR.message_types_by_name}
    assert messages == {message.DESCRIPTOR.name for _, message in PAIRS}


def test_null_means_absent_and_unknown_fields_are_ignored() -> None:
    value: dict[str, Any] = {
        "mid": None,
        "codecs": [{**CODEC, "parameters": None, "rtcpFeedback": None}],
        "headerExtensions": None,
        "encodings": [{"ssrc": 5, "rtx": None, "active": True}],
        "rtcp": None,
        "msid": "x y",
    }
    params = rtp.RtpParameters.model_validate(value)
    assert params.to_json() == {
        "codecs": [{**CODEC, "parameters": {}, "rtcpFeedback": []}],
        "headerExtensions": [],
        "encodings": [{"ssrc": 5}],
        "rtcp": {},
    }
    assert rtp.RtpParameters.model_validate(params.to_json()) == params


def test_format_parameters_are_texts_and_whole_numbers() -> None:
    given = {"apt": 96.0, "a": "1", "b": 7, "none": None}
    codec = rtp.RtpCodecParameters.model_validate({**CODEC, "parameters": given})
    assert codec.parameters == {"apt": 96, "a": "1", "b": 7}
    assert type(codec.parameters["apt"]) is int
    assert type(codec.parameters["a"]) is str


@pytest.mark.parametrize(
    ("model", "value", "where"),
    [
        (rtp.RtpCodecParameters, {**CODEC, "parameters": {"a": 1.5}}, "parameters"),
        (rtp.RtpCodecParameters, {**CODEC, "parameters": {"a": "x" * 1025}}, "parameters"),
        (rtp.RtpCodecParameters, {**CODEC, "parameters": {str(n): n for n in range(65)}}, "parameters"),
        (rtp.RtpCodecParameters, {**CODEC, "mimeType": "text/plain"}, "mimeType"),
        (rtp.RtpCodecParameters, {**CODEC, "payloadType": 128}, "payloadType"),
        (rtp.RtpParameters, {"codecs": [CODEC] * 65}, "codecs"),
        (rtp.RtpParameters, {"codecs": [CODEC], "encodings": [{"ssrc": 1}] * 9}, "encodings"),
        (rtp.RtpParameters, {"codecs": [CODEC], "mid": "x" * 65}, "mid"),
        (rtp.RtpEncodingParameters, {"ssrc": 2**32}, "ssrc"),
        (rtp.RtpEncodingParameters, {"scalabilityMode": "L0T1"}, "scalabilityMode"),
        (rtp.RtpHeaderExtensionParameters, {"uri": "urn:x", "id": 0}, "id"),
        (rtp.DtlsParameters, {"role": "client", "fingerprints": []}, "fingerprints"),
        (rtp.SctpStreamParameters, {"streamId": 65535}, "streamId"),
    ],
)
def test_what_does_not_fit_is_named(model: type[rtp.ContractModel], value: Any, where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    assert caught.value.errors()[0]["loc"][0] == where


def test_a_stream_has_one_limit_at_most() -> None:
    with pytest.raises(ValidationError, match="exclude each other"):
        rtp.SctpStreamParameters.model_validate({"streamId": 1, "maxRetransmits": 1, "maxPacketLifeTime": 1})
