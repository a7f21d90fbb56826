"""What a router can receive and send: codecs, RTCP feedback and header extensions.

Payload types and extension ids are the same whichever codecs a room allows, so that they stay valid
when a room's list changes. The tables below are all there is to extend for a new codec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, get_args

from rotunda_contract.rtp import (
    Direction,
    Kind,
    RtcpFeedback,
    RtpCapabilities,
    RtpCodecCapability,
    RtpHeaderExtensionCapability,
)

VideoCodecName = Literal["VP8", "H264", "VP9", "AV1"]
VIDEO_CODEC_NAMES: tuple[VideoCodecName, ...] = get_args(VideoCodecName)

ExtensionName = Literal[
    "mid",
    "rid",
    "repaired_rid",
    "abs_send_time",
    "transport_cc",
    "dependency_descriptor",
    "audio_level",
]
EXTENSION_URIS: Mapping[ExtensionName, str] = MappingProxyType(
    {
        "mid": "urn:ietf:params:rtp-hdrext:sdes:mid",
        "rid": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        "repaired_rid": "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
        "abs_send_time": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "transport_cc": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "dependency_descriptor": (
            "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
        ),
        "audio_level": "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    }
)


def router_capabilities(video_codecs: Sequence[VideoCodecName]) -> RtpCapabilities:
    """A router's capabilities: Opus, and the video codecs in order of preference, each with RTX.

    Raises ValueError for a codec that is unknown or named twice.
    """
    for name in video_codecs:
        if name not in _VIDEO:
            raise ValueError(f"unknown video codec {name!r}, known are {', '.join(VIDEO_CODEC_NAMES)}")
    if len(set(video_codecs)) != len(video_codecs):
        raise ValueError(f"a video codec is named twice in {list(video_codecs)}")
    codecs = [_OPUS]
    for name in video_codecs:
        codecs += _VIDEO[name]
    return RtpCapabilities(codecs=tuple(codecs), header_extensions=_EXTENSIONS)


_OPUS = RtpCodecCapability(
    kind="audio",
    mime_type="audio/opus",
    preferred_payload_type=111,
    clock_rate=48000,
    channels=2,
    parameters={"minptime": 10, "useinbandfec": 1},
    # No nack: browsers would ask for every lost packet, and FEC covers single losses more cheaply.
    rtcp_feedback=(RtcpFeedback(type="transport-cc"),),
)


_VIDEO_FEEDBACK = (
    RtcpFeedback(type="nack"),
    RtcpFeedback(type="nack", parameter="pli"),
    RtcpFeedback(type="ccm", parameter="fir"),
    RtcpFeedback(type="goog-remb"),
    RtcpFeedback(type="transport-cc"),
)


def _video(
    name: VideoCodecName, payload_type: int, parameters: Mapping[str, str | int]
) -> tuple[RtpCodecCapability, RtpCodecCapability]:
    """A video codec and its RTX, which has the next payload type."""
    media = RtpCodecCapability(
        kind="video",
        mime_type=f"video/{name}",
        preferred_payload_type=payload_type,
        clock_rate=90000,
        parameters=dict(parameters),
        rtcp_feedback=_VIDEO_FEEDBACK,
    )
    rtx = RtpCodecCapability(
        kind="video",
        mime_type="video/rtx",
        preferred_payload_type=payload_type + 1,
        clock_rate=90000,
        parameters={"apt": payload_type},
    )
    return media, rtx


_VIDEO: Mapping[VideoCodecName, tuple[RtpCodecCapability, RtpCodecCapability]] = MappingProxyType(
    {
        "VP8": _video("VP8", 96, {}),
        "VP9": _video("VP9", 98, {"profile-id": 0}),
        "H264": _video(
            "H264",
            102,
            {"level-asymmetry-allowed": 1, "packetization-mode": 1, "profile-level-id": "42e01f"},
        ),
        "AV1": _video("AV1", 104, {}),
    }
)


def _extension(
    kind: Kind, name: ExtensionName, preferred_id: int, direction: Direction = "sendrecv"
) -> RtpHeaderExtensionCapability:
    return RtpHeaderExtensionCapability(
        kind=kind, uri=EXTENSION_URIS[name], preferred_id=preferred_id, direction=direction
    )


# Ids up to 14 fit RFC 8285's one-byte form. What only helps us to read a producer is `recvonly`:
# consumers get one stream with an SSRC of its own, and a dependency descriptor that is no longer
# true once layers were left out would stop a decoder.
#
# Nothing is here that changes what a picture or a sound means, such as urn:3gpp:video-orientation or a
# colour space: a viewer without it would see the picture lie on its side. Who is not offered it turns
# the picture before sending it (3GPP TS 26.114 section 7.4.5).
_EXTENSIONS = (
    _extension("audio", "mid", 1),
    _extension("video", "mid", 1),
    _extension("video", "rid", 2, "recvonly"),
    _extension("video", "repaired_rid", 3, "recvonly"),
    _extension("audio", "abs_send_time", 4),
    _extension("video", "abs_send_time", 4),
    _extension("audio", "transport_cc", 5),
    _extension("video", "transport_cc", 5),
    _extension("video", "dependency_descriptor", 8, "recvonly"),
    _extension("audio", "audio_level", 10),
)
