"""What a producer's parameters must be before anything else is asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rotunda_contract.errors import BadRequest
from rotunda_contract.rtp import Kind, RtpCodecParameters, RtpParameters
from rotunda_sfu.codec_match import is_rtx
from rotunda_sfu.rtp_mapping import extension_ids

MAX_ENCODINGS = 4
_RESERVED_EXTENSION_ID = 15
"""Ends the elements of a packet (RFC 8285 section 4.2)."""


def validate_producer_parameters(kind: Kind, params: RtpParameters) -> None:
    """Raises BadRequest for parameters that contradict themselves, whatever the router supports."""
    _validate_codecs(kind, params.codecs)
    for index, extension in enumerate(params.header_extensions):
        if extension.id == _RESERVED_EXTENSION_ID:
            raise BadRequest("15 is reserved", field=f"rtpParameters.headerExtensions.{index}.id")
    _unique(params.header_extensions, "id", "rtpParameters.headerExtensions")
    _unique(params.header_extensions, "uri", "rtpParameters.headerExtensions")
    _validate_encodings(kind, params)


def _validate_codecs(kind: Kind, codecs: Sequence[RtpCodecParameters]) -> None:
    field = "rtpParameters.codecs"
    if not codecs or is_rtx(codecs[0]):
        raise BadRequest("the first codec must be a media codec", field=field)
    _unique(codecs, "payload_type", field)
    media = {codec.payload_type for codec in codecs if not is_rtx(codec)}
    for index, codec in enumerate(codecs):
        if not codec.mime_type.lower().startswith(f"{kind}/"):
            raise BadRequest(f"{codec.mime_type} is no {kind} codec", field=f"{field}.{index}.mimeType")
        if is_rtx(codec) and codec.parameters.get("apt") not in media:
            message = "must be the payload type of a media codec in this list"
            raise BadRequest(message, field=f"{field}.{index}.parameters.apt")


def _validate_encodings(kind: Kind, params: RtpParameters) -> None:
    field = "rtpParameters.encodings"
    limit = MAX_ENCODINGS if kind == "video" else 1
    if not 1 <= len(params.encodings) <= limit:
        raise BadRequest(f"{kind} takes 1 to {limit}, got {len(params.encodings)}", field=field)
    mid_is_sent = params.mid is not None and extension_ids(params.header_extensions).mid is not None
    payload_types = {codec.payload_type for codec in params.codecs}
    for index, encoding in enumerate(params.encodings):
        named = encoding.ssrc is not None or encoding.rid is not None
        if not named and (len(params.encodings) > 1 or not mid_is_sent):
            raise BadRequest("needs an ssrc or a rid", field=f"{field}.{index}")
        if encoding.codec_payload_type is not None and encoding.codec_payload_type not in payload_types:
            raise BadRequest("is not among the codecs", field=f"{field}.{index}.codecPayloadType")
    _unique(params.encodings, "rid", field)
    ssrcs = [encoding.ssrc for encoding in params.encodings]
    ssrcs += [encoding.rtx.ssrc for encoding in params.encodings if encoding.rtx]
    _unique_values((ssrc for ssrc in ssrcs if ssrc is not None), "ssrc", field)


def _unique(items: Iterable[object], attribute: str, field: str) -> None:
    values = (getattr(item, attribute) for item in items)
    _unique_values((value for value in values if value is not None), attribute, field)


def _unique_values(values: Iterable[object], what: str, field: str) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise BadRequest(f"{what} {value} is there twice", field=field)
        seen.add(value)
