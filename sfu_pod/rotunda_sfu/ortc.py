"""Capability negotiation, mediasoup's rules as pure functions (ORTC, W3C ortc draft section 9).

A producer's parameters come in its own numbering of payload types and extension ids. Three steps
bring them to a consumer:

    producer parameters ──producer_mapping──▶ ProducerMapping     what the media worker has to know
                        ──consumable_parameters──▶ RtpParameters  the same in the router's numbering
    consumable + a client's capabilities ──consumer_parameters──▶ RtpParameters  what that client gets

Every function leaves its arguments alone. What a client sent wrongly raises BadRequest with the field,
what the two ends do not share raises Unsupported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rotunda_contract.errors import Unsupported
from rotunda_contract.rtp import (
    Kind,
    RtcpFeedback,
    RtcpParameters,
    RtpCapabilities,
    RtpCodecCapability,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpParameters,
    RtxEncoding,
)
from rotunda_sfu.codec_match import is_rtx, same_codec
from rotunda_sfu.producer_validation import validate_producer_parameters
from rotunda_sfu.rtp_mapping import (
    CodecMapping,
    CodecName,
    ConsumerMapping,
    ConsumerPayload,
    EncodingMapping,
    ExtensionIds,
    ProducerMapping,
    extension_ids,
)
from rotunda_sfu.scalability import Layers, layers_of
from rotunda_sfu.supported_capabilities import EXTENSION_URIS, VideoCodecName, router_capabilities

__all__ = [
    "CodecMapping",
    "CodecName",
    "ConsumerMapping",
    "ConsumerPayload",
    "EncodingMapping",
    "ExtensionIds",
    "ProducerMapping",
    "ProducerType",
    "VideoCodecName",
    "can_consume",
    "consumable_parameters",
    "consumer_mapping",
    "consumer_parameters",
    "producer_mapping",
    "producer_type",
    "router_capabilities",
    "validate_producer_parameters",
]

ProducerType = Literal["simple", "simulcast", "svc"]


def producer_mapping(params: RtpParameters, router_caps: RtpCapabilities) -> ProducerMapping:
    """Maps valid producer parameters to the router's numbering.

    Raises Unsupported for a codec that the router does not have, naming it.
    """
    codecs = []
    for codec in params.codecs:
        if is_rtx(codec):
            continue
        rtx = _rtx_of(codec.payload_type, params.codecs)
        codecs.append(
            CodecMapping(
                codec=_codec_name(codec),
                clock_rate=codec.clock_rate,
                payload_type=codec.payload_type,
                rtx_payload_type=rtx.payload_type if rtx else None,
                router_payload_type=_router_codec(codec, router_caps).preferred_payload_type,
                nack=RtcpFeedback(type="nack") in codec.rtcp_feedback,
            )
        )
    encodings = tuple(
        EncodingMapping(encoding.rid, encoding.ssrc, encoding.rtx.ssrc if encoding.rtx else None)
        for encoding in params.encodings
    )
    return ProducerMapping(tuple(codecs), extension_ids(params.header_extensions), encodings)


def consumable_parameters(
    kind: Kind, params: RtpParameters, router_caps: RtpCapabilities, mapping: ProducerMapping
) -> RtpParameters:
    """The producer in the router's numbering: what every consumer's parameters are cut from.

    Format parameters stay the producer's. Encodings keep their order and scalability but nothing by
    which they would be recognised.
    """
    router_types = {codec.payload_type: codec.router_payload_type for codec in mapping.codecs}
    codecs: list[RtpCodecParameters] = []
    for codec in params.codecs:
        if codec.payload_type not in router_types:
            continue
        ours = _by_payload_type(router_types[codec.payload_type], router_caps)
        codecs.append(_as_parameters(ours).model_copy(update={"parameters": codec.parameters}))
        codecs += [_as_parameters(rtx) for rtx in _rtx_capabilities(ours, router_caps)]
    extensions = tuple(
        RtpHeaderExtensionParameters(uri=ours.uri, id=ours.preferred_id, encrypt=ours.preferred_encrypt)
        for ours in router_caps.header_extensions
        if ours.kind == kind and ours.direction in ("sendrecv", "sendonly")
    )
    encodings = tuple(
        RtpEncodingParameters(
            dtx=encoding.dtx, scalability_mode=encoding.scalability_mode, max_bitrate=encoding.max_bitrate
        )
        for encoding in params.encodings
    )
    rtcp = RtcpParameters(cname=params.rtcp.cname, reduced_size=True)
    return RtpParameters(codecs=tuple(codecs), header_extensions=extensions, encodings=encodings, rtcp=rtcp)


def can_consume(consumable: RtpParameters, caps: RtpCapabilities) -> bool:
    """Whether a client with these capabilities can take the producer at all."""
    return any(_matching(codec, caps) for codec in consumable.codecs if not is_rtx(codec))


def consumer_parameters(
    consumable: RtpParameters,
    remote_caps: RtpCapabilities,
    *,
    mid: str,
    ssrc: int,
    rtx_ssrc: int | None,
    cname: str,
) -> RtpParameters:
    """What one client receives: the codecs and extensions it shares, in the router's numbering.

    One encoding; its `rtx` is there where `rtx_ssrc` is given and the client can take RTX, its
    `scalabilityMode` is `LxTy` for video. Raises Unsupported where the two share no codec.
    """
    extensions = _shared_extensions(consumable, remote_caps)
    codecs: list[RtpCodecParameters] = []
    for codec in consumable.codecs:
        theirs = None if is_rtx(codec) else _matching(codec, remote_caps)
        if theirs is None:
            continue
        feedback = _shared_feedback(codec, theirs, extensions)
        codecs.append(codec.model_copy(update={"rtcp_feedback": feedback}))
        rtx = _rtx_of(codec.payload_type, consumable.codecs)
        if rtx is not None and rtx_ssrc is not None and _rtx_capabilities(theirs, remote_caps):
            codecs.append(rtx)
    if not codecs:
        offered = ", ".join(codec.mime_type for codec in consumable.codecs if not is_rtx(codec))
        raise Unsupported(f"rtpCapabilities: no codec that this producer sends, which is {offered}")
    with_rtx = rtx_ssrc is not None and any(is_rtx(codec) for codec in codecs)
    encoding = RtpEncodingParameters(
        ssrc=ssrc,
        rtx=RtxEncoding(ssrc=rtx_ssrc) if with_rtx and rtx_ssrc is not None else None,
        scalability_mode=_consumer_scalability(consumable),
        max_bitrate=max((each.max_bitrate or 0 for each in consumable.encodings), default=0) or None,
    )
    return RtpParameters(
        mid=mid,
        codecs=tuple(codecs),
        header_extensions=extensions,
        encodings=(encoding,),
        rtcp=RtcpParameters(cname=cname, reduced_size=True),
    )


def consumer_mapping(params: RtpParameters) -> ConsumerMapping:
    """What the media worker has to know of a consumer's parameters."""
    payloads = []
    for codec in params.codecs:
        if not is_rtx(codec):
            rtx = _rtx_of(codec.payload_type, params.codecs)
            payloads.append(
                ConsumerPayload(_codec_name(codec), codec.payload_type, rtx.payload_type if rtx else None)
            )
    return ConsumerMapping(tuple(payloads), extension_ids(params.header_extensions))


def producer_type(params: RtpParameters) -> ProducerType:
    """Several encodings are simulcast; one with several spatial layers is svc."""
    if len(params.encodings) > 1:
        return "simulcast"
    return "svc" if layers_of(params.encodings[0].scalability_mode).spatial > 1 else "simple"


def _codec_name(codec: RtpCodecParameters) -> CodecName:
    names: dict[str, CodecName] = {
        "audio/opus": "opus",
        "video/vp8": "vp8",
        "video/h264": "h264",
        "video/vp9": "vp9",
        "video/av1": "av1",
    }
    name = names.get(codec.mime_type.lower())
    if name is None:
        raise Unsupported(f"rtpParameters.codecs: {codec.mime_type} is not supported")
    return name


def _router_codec(codec: RtpCodecParameters, caps: RtpCapabilities) -> RtpCodecCapability:
    match = _matching(codec, caps)
    if match is None:
        known = ", ".join(ours.mime_type for ours in caps.codecs if not is_rtx(ours))
        details = f" with {codec.parameters}" if codec.parameters else ""
        raise Unsupported(
            f"rtpParameters.codecs: {codec.mime_type}{details} is not supported, this room takes {known}"
        )
    return match


def _matching(codec: RtpCodecParameters, caps: RtpCapabilities) -> RtpCodecCapability | None:
    return next((theirs for theirs in caps.codecs if same_codec(codec, theirs)), None)


def _by_payload_type(payload_type: int, caps: RtpCapabilities) -> RtpCodecCapability:
    return next(codec for codec in caps.codecs if codec.preferred_payload_type == payload_type)


def _rtx_of(payload_type: int, codecs: Sequence[RtpCodecParameters]) -> RtpCodecParameters | None:
    return next(
        (codec for codec in codecs if is_rtx(codec) and codec.parameters.get("apt") == payload_type), None
    )


def _rtx_capabilities(media: RtpCodecCapability, caps: RtpCapabilities) -> list[RtpCodecCapability]:
    """The RTX codec that goes with a media codec: one or none."""
    apt = media.preferred_payload_type
    return [codec for codec in caps.codecs if is_rtx(codec) and codec.parameters.get("apt") == apt][:1]


def _as_parameters(capability: RtpCodecCapability) -> RtpCodecParameters:
    return RtpCodecParameters(
        mime_type=capability.mime_type,
        payload_type=capability.preferred_payload_type,
        clock_rate=capability.clock_rate,
        channels=capability.channels,
        parameters=capability.parameters,
        rtcp_feedback=capability.rtcp_feedback,
    )


def _shared_extensions(
    consumable: RtpParameters, caps: RtpCapabilities
) -> tuple[RtpHeaderExtensionParameters, ...]:
    """What the client receives too. Its `kind` is no criterion: browsers list a URI under one kind only."""
    received = {
        theirs.uri for theirs in caps.header_extensions if theirs.direction in ("sendrecv", "recvonly")
    }
    return tuple(ours for ours in consumable.header_extensions if ours.uri in received)


def _shared_feedback(
    codec: RtpCodecParameters,
    theirs: RtpCodecCapability,
    extensions: Sequence[RtpHeaderExtensionParameters],
) -> tuple[RtcpFeedback, ...]:
    """What both know, with one way to estimate bandwidth: transport-wide where possible, else REMB."""
    uris = {extension.uri for extension in extensions}
    unused = {"transport-cc", "goog-remb"}
    if EXTENSION_URIS["transport_cc"] in uris:
        unused = {"goog-remb"}
    elif EXTENSION_URIS["abs_send_time"] in uris:
        unused = {"transport-cc"}
    return tuple(
        feedback
        for feedback in codec.rtcp_feedback
        if feedback in theirs.rtcp_feedback and feedback.type not in unused
    )


def _consumer_scalability(consumable: RtpParameters) -> str | None:
    """`LxTy` over all encodings of a video producer.

    Browsers make three temporal layers of VP8 simulcast where nobody asked for a mode.
    """
    codec = consumable.codecs[0].mime_type.lower()
    if not codec.startswith("video/"):
        return None
    encodings = consumable.encodings
    mode = next((encoding.scalability_mode for encoding in encodings if encoding.scalability_mode), None)
    layers = layers_of(mode)
    if len(encodings) > 1:
        unasked = mode is None and codec == "video/vp8"
        layers = Layers(len(encodings), 3 if unasked else layers.temporal)
    return f"L{layers.spatial}T{layers.temporal}"
