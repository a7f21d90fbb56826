"""What the media worker has to know of a producer's and a consumer's parameters, in plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

from rotunda_contract.rtp import RtpHeaderExtensionParameters
from rotunda_sfu.supported_capabilities import EXTENSION_URIS

CodecName = Literal["opus", "vp8", "h264", "vp9", "av1"]


@dataclass(frozen=True, slots=True)
class ExtensionIds:
    """Header extension ids of one end; None where it does not use the extension."""

    mid: int | None = None
    rid: int | None = None
    repaired_rid: int | None = None
    abs_send_time: int | None = None
    transport_cc: int | None = None
    audio_level: int | None = None
    dependency_descriptor: int | None = None


@dataclass(frozen=True, slots=True)
class CodecMapping:
    """One codec: the producer's payload types and the router's. `clock_rate` in Hz."""

    codec: CodecName
    clock_rate: int
    payload_type: int
    rtx_payload_type: int | None
    router_payload_type: int
    nack: bool


@dataclass(frozen=True, slots=True)
class EncodingMapping:
    """How one encoding is recognised."""

    rid: str | None
    ssrc: int | None
    rtx_ssrc: int | None


@dataclass(frozen=True, slots=True)
class ProducerMapping:
    """How a producer's packets look when they arrive. Encodings from the lowest to the highest."""

    codecs: tuple[CodecMapping, ...]
    extensions: ExtensionIds
    encodings: tuple[EncodingMapping, ...]


@dataclass(frozen=True, slots=True)
class ConsumerPayload:
    """One codec as a consumer's packets carry it."""

    codec: CodecName
    payload_type: int
    rtx_payload_type: int | None


@dataclass(frozen=True, slots=True)
class ConsumerMapping:
    """How a consumer's packets have to look when they leave."""

    payloads: tuple[ConsumerPayload, ...]
    extensions: ExtensionIds


def extension_ids(extensions: Iterable[RtpHeaderExtensionParameters]) -> ExtensionIds:
    """The ids under which an end sends what we know, and can read; others do not matter to us."""
    by_uri = {extension.uri: extension.id for extension in extensions if not extension.encrypt}
    ids = {field.name: by_uri.get(EXTENSION_URIS[field.name]) for field in fields(ExtensionIds)}  # type: ignore[index]
    return ExtensionIds(**ids)
