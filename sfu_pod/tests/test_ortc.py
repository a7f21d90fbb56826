"""Negotiation against real clients: `contract/vectors/ortc` holds what Chromium and Firefox with
mediasoup-client and pymediasoup offered for the router of `router.json`, and what must come of it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from rotunda_contract.errors import BadRequest, Unsupported
from rotunda_contract.rtp import RtpCapabilities, RtpParameters
from rotunda_sfu import ortc

VECTORS = Path(__file__).resolve().parents[2] / "contract" / "vectors" / "ortc"
CLIENTS = ("chromium", "firefox", "pymediasoup")
ROUTER = ortc.router_capabilities(("VP8", "H264", "VP9", "AV1"))


def vector(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


def producers() -> list[Any]:
    return [
        pytest.param(producer, id=f"{client}-{index}")
        for client in CLIENTS
        for index, producer in enumerate(vector(client)["producers"])
    ]


def edited(client: str, index: int, **changes: Any) -> RtpParameters:
    """Recorded producer parameters with some fields replaced."""
    return RtpParameters.model_validate({**vector(client)["producers"][index]["rtpParameters"], **changes})


def opus() -> dict[str, Any]:
    return {"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}


def test_router_capabilities_are_pinned() -> None:
    assert vector("router")["rtpCapabilities"] == ROUTER.to_json()


def test_nothing_is_offered_that_changes_what_a_picture_means() -> None:
    """A viewer that does not know `urn:3gpp:video-orientation` would see the picture on its side."""
    offered = {extension.uri.rsplit("/", 1)[-1] for extension in ROUTER.header_extensions}
    assert not offered & {"urn:3gpp:video-orientation", "color-space", "playout-delay", "video-content-type"}


def test_an_encrypted_extension_is_not_read() -> None:
    plain, encrypted = (
        {"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 1, "encrypt": encrypt}
        for encrypt in (False, True)
    )
    readable = edited("chromium", 0, headerExtensions=[plain])
    assert ortc.producer_mapping(readable, ROUTER).extensions == ortc.ExtensionIds(mid=1)
    params = edited("chromium", 0, headerExtensions=[encrypted])
    assert ortc.producer_mapping(params, ROUTER).extensions == ortc.ExtensionIds()


def test_router_numbers_stay_when_codecs_are_left_out() -> None:
    few = ortc.router_capabilities(("AV1", "VP8"))
    everything = {codec.preferred_payload_type: codec for codec in ROUTER.codecs}
    assert [codec.mime_type for codec in few.codecs] == [
        "audio/opus",
        "video/AV1",
        "video/rtx",
        "video/VP8",
        "video/rtx",
    ]
    assert all(everything[codec.preferred_payload_type] == codec for codec in few.codecs)


@pytest.mark.parametrize("codecs", [("VP8", "VP8"), ("H263",)])
def test_router_refuses_odd_codec_lists(codecs: Any) -> None:
    with pytest.raises(ValueError, match="codec"):
        ortc.router_capabilities(codecs)


@pytest.mark.parametrize("producer", producers())
def test_producers_of_real_clients(producer: Any) -> None:
    kind, expected = producer["kind"], producer["expected"]
    params = RtpParameters.model_validate(producer["rtpParameters"])
    ortc.validate_producer_parameters(kind, params)
    mapping = ortc.producer_mapping(params, ROUTER)
    assert json.loads(json.dumps(asdict(mapping))) == expected["mapping"]
    assert ortc.consumable_parameters(kind, params, ROUTER, mapping).to_json() == expected["consumable"]
    assert ortc.producer_type(params) == expected["type"]


@pytest.mark.parametrize("case", vector("consumers"))
def test_consumers_of_real_clients(case: Any) -> None:
    producer = vector(case["producerClient"])["producers"][case["producer"]]
    consumable = RtpParameters.model_validate(producer["expected"]["consumable"])
    caps = RtpCapabilities.model_validate(vector(case["consumerClient"])["rtpCapabilities"])
    numbers: Any = {"mid": "7", "ssrc": 1111, "rtx_ssrc": 2222, "cname": "them"}
    assert ortc.can_consume(consumable, caps) == (case["expected"] is not None)
    if case["expected"] is None:
        with pytest.raises(Unsupported, match="video/"):
            ortc.consumer_parameters(consumable, caps, **numbers)
    else:
        assert ortc.consumer_parameters(consumable, caps, **numbers).to_json() == case["expected"]


def test_consumer_mapping_has_the_routers_numbers() -> None:
    case = next(case for case in vector("consumers") if case["producer"] == 1)
    mapping = ortc.consumer_mapping(RtpParameters.model_validate(case["expected"]))
    assert mapping.payloads == (ortc.ConsumerPayload("vp8", 96, 97),)
    assert mapping.extensions == ortc.ExtensionIds(mid=1, abs_send_time=4, transport_cc=5)


def test_without_rtx_ssrc_there_is_no_rtx() -> None:
    consumable = RtpParameters.model_validate(vector("chromium")["producers"][2]["expected"]["consumable"])
    params = ortc.consumer_parameters(consumable, ROUTER, mid="0", ssrc=5, rtx_ssrc=None, cname="c")
    assert [codec.mime_type for codec in params.codecs] == ["video/VP8"]
    assert params.encodings[0].rtx is None


def test_rtx_needs_the_clients_own_rtx() -> None:
    consumable = RtpParameters.model_validate(vector("chromium")["producers"][2]["expected"]["consumable"])
    caps = RtpCapabilities(codecs=tuple(codec for codec in ROUTER.codecs if codec.mime_type != "video/rtx"))
    params = ortc.consumer_parameters(consumable, caps, mid="0", ssrc=5, rtx_ssrc=6, cname="c")
    assert [codec.mime_type for codec in params.codecs] == ["video/VP8"]
    assert params.encodings[0].rtx is None


def test_vp8_simulcast_without_a_mode_has_three_temporal_layers() -> None:
    params = edited("chromium", 1, encodings=[{"rid": "lo"}, {"rid": "hi"}])
    consumable = ortc.consumable_parameters("video", params, ROUTER, ortc.producer_mapping(params, ROUTER))
    consumer = ortc.consumer_parameters(consumable, ROUTER, mid="0", ssrc=5, rtx_ssrc=6, cname="c")
    assert consumer.encodings[0].scalability_mode == "L2T3"


def test_bandwidth_is_estimated_one_way_only() -> None:
    consumable = RtpParameters.model_validate(vector("chromium")["producers"][2]["expected"]["consumable"])

    def feedback(*uris: str) -> set[str]:
        kept = tuple(each for each in ROUTER.header_extensions if each.uri.endswith(uris))
        caps = RtpCapabilities(codecs=ROUTER.codecs, header_extensions=kept)
        params = ortc.consumer_parameters(consumable, caps, mid="0", ssrc=5, rtx_ssrc=6, cname="c")
        return {each.type for each in params.codecs[0].rtcp_feedback} & {"transport-cc", "goog-remb"}

    assert feedback("extensions-01", "abs-send-time") == {"transport-cc"}
    assert feedback("abs-send-time") == {"goog-remb"}
    assert feedback("sdes:mid") == set()


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ({"profile-level-id": "42e01f"}, {"profile-level-id": "42E033"}, True),
        ({"profile-level-id": "42e01f"}, {"profile-level-id": "4d8028"}, True),
        ({"profile-level-id": "42e01f"}, {}, True),
        ({"profile-level-id": "42e01f"}, {"profile-level-id": "42001f"}, False),
        ({"profile-level-id": "42e01f"}, {"profile-level-id": "64001f"}, False),
        ({"profile-level-id": "42e01f"}, {"profile-level-id": "nonsense"}, False),
        ({"profile-level-id": "nonsense"}, {"profile-level-id": "nonsense"}, False),
        ({"packetization-mode": 1}, {"packetization-mode": 0}, False),
        ({"packetization-mode": 1}, {"packetization-mode": "1"}, True),
    ],
)
def test_h264_profiles(ours: dict[str, Any], theirs: dict[str, Any], same: bool) -> None:
    assert _takes("H264", ours, theirs) is same


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "same"),
    [
        ("VP9", {"profile-id": 0}, {}, True),
        ("VP9", {"profile-id": 0}, {"profile-id": "2"}, False),
        ("AV1", {}, {"profile": 0, "tier": 1}, True),
        ("AV1", {}, {"profile": 1}, False),
        ("VP8", {}, {"x-anything": 1}, True),
    ],
)
def test_profiles(name: str, ours: dict[str, Any], theirs: dict[str, Any], same: bool) -> None:
    assert _takes(name, ours, theirs) is same


def _takes(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    codec = {"mimeType": f"video/{name}", "payloadType": 96, "clockRate": 90000, "parameters": ours}
    consumable = RtpParameters.model_validate({"codecs": [codec]})
    capability = {**codec, "kind": "video", "preferredPayloadType": 120, "parameters": theirs}
    return ortc.can_consume(consumable, RtpCapabilities.model_validate({"codecs": [capability]}))


def test_a_codec_the_router_lacks_is_named() -> None:
    params = RtpParameters.model_validate(
        {
            "codecs": [{"mimeType": "audio/PCMU", "payloadType": 0, "clockRate": 8000}],
            "encodings": [{"ssrc": 1}],
        }
    )
    with pytest.raises(Unsupported, match="audio/PCMU"):
        ortc.producer_mapping(params, ROUTER)


def test_mono_is_not_stereo() -> None:
    params = RtpParameters.model_validate(
        {"codecs": [{**opus(), "channels": None}], "encodings": [{"ssrc": 1}]}
    )
    with pytest.raises(Unsupported, match="audio/opus"):
        ortc.producer_mapping(params, ROUTER)


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        ("audio", {"codecs": []}, "rtpParameters.codecs"),
        ("video", {}, "rtpParameters.codecs.0.mimeType"),
        ("audio", {"codecs": [opus(), opus()]}, "rtpParameters.codecs"),
        (
            "audio",
            {
                "codecs": [
                    opus(),
                    {**opus(), "mimeType": "audio/rtx", "payloadType": 9, "parameters": {"apt": 3}},
                ]
            },
            "rtpParameters.codecs.1.parameters.apt",
        ),
        ("audio", {"encodings": []}, "rtpParameters.encodings"),
        ("audio", {"encodings": [{"ssrc": 1}, {"ssrc": 2}]}, "rtpParameters.encodings"),
        ("audio", {"encodings": [{}], "headerExtensions": []}, "rtpParameters.encodings.0"),
        ("audio", {"encodings": [{"ssrc": 1, "rtx": {"ssrc": 1}}]}, "rtpParameters.encodings"),
        (
            "audio",
            {"encodings": [{"ssrc": 1, "codecPayloadType": 5}]},
            "rtpParameters.encodings.0.codecPayloadType",
        ),
        (
            "audio",
            {"headerExtensions": [{"uri": "urn:a", "id": 1}, {"uri": "urn:b", "id": 1}]},
            "rtpParameters.headerExtensions",
        ),
        (
            "audio",
            {"headerExtensions": [{"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 15}]},
            "rtpParameters.headerExtensions.0.id",
        ),
    ],
)
def test_contradictions_name_their_field(kind: Any, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        ortc.validate_producer_parameters(kind, edited("chromium", 0, **changes))
    assert caught.value.field == field


def test_a_mid_is_enough_for_one_encoding() -> None:
    ortc.validate_producer_parameters("audio", edited("chromium", 0, encodings=[{}]))


@pytest.mark.parametrize(
    "path",
    [
        {"mid": "0\r\na=x"},
        {"codecs": [{**opus(), "parameters": {"x": "1\na=y"}}]},
        {"codecs": [{**opus(), "parameters": {"x;y": 1}}]},
        {"rtcp": {"cname": "c\r\n"}},
        {"encodings": [{"rid": "r 0"}]},
    ],
)
def test_words_cannot_break_out_of_sdp(path: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="pattern"):
        edited("chromium", 0, **path)
