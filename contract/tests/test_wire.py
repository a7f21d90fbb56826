"""The two forms of RTP parameters, pydantic and protobuf, say the same."""

import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from rotunda_contract import rtp, wire
from rotunda_contract.errors import BadRequest
from rotunda_contract.pb import rtp_pb2, transport_pb2

CAMERA = {
    "mid": "0",
    "codecs": [
        {
            "mimeType": "video/VP8",
            "payloadType": 0,
            "clockRate": 90000,
            "parameters": {"profile-id": "42e01f", "level-asymmetry-allowed": 1},
            "rtcpFeedback": [{"type": "nack", "parameter": "pli"}, {"type": "transport-cc", "parameter": ""}],
        },
        {"mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000, "parameters": {"apt": 0}},
    ],
    "headerExtensions": [{"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 4}],
    "encodings": [
        {"rid": "r0", "dtx": False, "scaleResolutionDownBy": 1.5, "scalabilityMode": "L1T3"},
        {"ssrc": 1, "rtx": {"ssrc": 4294967295}, "maxBitrate": 0},
    ],
    "rtcp": {"cname": "c", "reducedSize": True},
}


def test_a_model_survives_the_way_through_its_message() -> None:
    model = rtp.RtpParameters.model_validate(CAMERA)
    message = wire.to_message(model, rtp_pb2.RtpParameters)
    assert wire.from_message(rtp.RtpParameters, message) == model


def test_the_message_is_the_one_that_proto3_json_would_make() -> None:
    model = rtp.RtpParameters.model_validate(CAMERA)
    reference = json_format.ParseDict(model.to_json(), rtp_pb2.RtpParameters())
    assert wire.to_message(model, rtp_pb2.RtpParameters) == reference


def test_names_that_are_capital_letters_in_the_contract() -> None:
    model = rtp.SctpParameters.model_validate(
        {
            "port": 5000,
            "OS": 1024,
            "MIS": 2048,
            "maxMessageSize": 262144,
            "maxSendMessageSize": 262144,
            "maxReceiveMessageSize": 262144,
        }
    )
    message = wire.to_message(model, transport_pb2.SctpParameters)
    assert (message.OS, message.MIS) == (1024, 2048)
    assert wire.from_message(rtp.SctpParameters, message) == model


def test_absent_stays_apart_from_zero() -> None:
    absent = wire.from_message(rtp.RtpEncodingParameters, rtp_pb2.RtpEncodingParameters())
    zero = wire.from_message(rtp.RtpEncodingParameters, rtp_pb2.RtpEncodingParameters(max_bitrate=0))
    assert absent.max_bitrate is None
    assert zero.max_bitrate == 0


def test_a_bad_value_is_named_by_its_json_path() -> None:
    message = rtp_pb2.RtpParameters(
        codecs=[rtp_pb2.RtpCodecParameters(mime_type="video/VP8", payload_type=200)]
    )
    with pytest.raises(BadRequest) as caught:
        wire.from_message(rtp.RtpParameters, message, field="rtpParameters")
    assert caught.value.field == "rtpParameters.codecs.0.payloadType"
    assert "127" in caught.value.message


def test_application_data_survives() -> None:
    data = {"source": "camera", "tags": ["a", 1, 2.5, None, True], "deep": {"x": {}}}
    assert wire.from_struct(wire.to_struct(data)) == data


@pytest.mark.parametrize("value", [object(), float("inf"), [{"x": float("nan")}], "half a pair: \ud800"])
def test_application_data_that_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(BadRequest, match="appData"):
        wire.to_struct({"when": value})


def test_application_data_as_deep_as_allowed_survives_and_deeper_is_refused() -> None:
    deepest: list[object] = []
    for _ in range(wire.MAX_JSON_DEPTH - 2):
        deepest = [deepest]
    data = {"a": deepest}
    assert wire.from_struct(Struct.FromString(wire.to_struct(data).SerializeToString())) == data
    bottomless: list[object] = []
    for _ in range(900):
        bottomless = [bottomless]
    for too_deep in ([deepest], bottomless):
        with pytest.raises(BadRequest, match="appData: is nested more than 32 levels deep"):
            wire.to_struct({"a": too_deep})
