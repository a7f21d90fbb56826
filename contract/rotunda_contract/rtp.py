"""RTP, ICE, DTLS and SCTP parameters in mediasoup's vocabulary, as clients exchange them in JSON.

The models are frozen; their aliases are mediasoup's camelCase names and equal the proto3 JSON names
of rtp.proto and transport.proto. Clients send these, so every list and string is bounded. `null`
means absent (also as a list's or a map's default) and unknown fields are ignored. A value that does
not fit raises `pydantic.ValidationError` naming the field by its JSON path.

`to_json` gives the JSON form; `model_validate` takes it, `model_validate_json` its text.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Kind = Literal["audio", "video"]
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
DtlsRole = Literal["auto", "client", "server"]

# Clients write each other's words into SDP: a blank, a line end or a semicolon would let one client
# put lines of its own into another's session description.
_TOKEN = r"^[!-:<-~]+$"
_FMTP_TEXT = r"^[ -:<-~]*$"

Name = Annotated[str, Field(pattern=_TOKEN, max_length=64)]
"""A mid, a rid or another short identifier."""
Uri = Annotated[str, Field(pattern=_TOKEN, max_length=256)]
MimeType = Annotated[str, Field(pattern=r"(?i)^(audio|video)/[a-z0-9.+_-]+$", max_length=64)]
PayloadType = Annotated[int, Field(ge=0, le=127)]
ExtensionId = Annotated[int, Field(ge=1, le=255)]
Ssrc = Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
"""0 names nobody: senders that do not know theirs yet write it."""
ClockRate = Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
Channels = Annotated[int, Field(ge=1, le=8)]
ScalabilityMode = Annotated[str, Field(pattern=r"^[LS][1-9]\d{0,2}T[1-9]\d{0,2}(_KEY(_SHIFT)?|h)?$")]

FmtpText = Annotated[str, Field(pattern=_FMTP_TEXT, max_length=1024)]
FmtpNumber = Annotated[int, Field(ge=-(2**53), le=2**53)]
FmtpValue = FmtpText | FmtpNumber
"""A format parameter; a float that is integral becomes an int."""


class ContractModel(BaseModel):
    """Base of all models here: frozen, camelCase aliases, null means absent, unknown ignored."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _null_means_absent(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item is not None}
        return value

    def to_json(self) -> dict[str, Any]:
        """The JSON object that clients exchange, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class FmtpModel(ContractModel):
    """Base of the models that carry format parameters (`parameters`)."""

    parameters: dict[Name, FmtpValue] = Field(default_factory=dict, max_length=64)

    @model_validator(mode="before")
    @classmethod
    def _null_parameters_are_absent(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("parameters"), dict):
            present = {key: item for key, item in value["parameters"].items() if item is not None}
            return {**value, "parameters": present}
        return value


class RtcpFeedback(ContractModel):
    """One feedback message that a codec may use, such as `nack pli` (RFC 4585)."""

    type: Name
    parameter: Annotated[str, Field(pattern=_FMTP_TEXT, max_length=64)] = ""


class RtpCodecCapability(FmtpModel):
    """A codec that an end can send or receive. `clock_rate` in Hz."""

    kind: Kind
    mime_type: MimeType
    preferred_payload_type: PayloadType
    clock_rate: ClockRate
    channels: Channels | None = None
    rtcp_feedback: Annotated[tuple[RtcpFeedback, ...], Field(max_length=32)] = ()


class RtpHeaderExtensionCapability(ContractModel):
    """A header extension (RFC 8285) that an end can use; `direction` is the owner's own view."""

    kind: Kind
    uri: Uri
    preferred_id: ExtensionId
    preferred_encrypt: bool = False
    direction: Direction = "sendrecv"


class RtpCapabilities(ContractModel):
    """All that an end can send or receive."""

    codecs: Annotated[tuple[RtpCodecCapability, ...], Field(max_length=128)] = ()
    header_extensions: Annotated[tuple[RtpHeaderExtensionCapability, ...], Field(max_length=128)] = ()


class RtpCodecParameters(FmtpModel):
    """A codec in use. `clock_rate` in Hz."""

    mime_type: MimeType
    payload_type: PayloadType
    clock_rate: ClockRate
    channels: Channels | None = None
    rtcp_feedback: Annotated[tuple[RtcpFeedback, ...], Field(max_length=32)] = ()


class RtpHeaderExtensionParameters(FmtpModel):
    """A header extension in use."""

    uri: Uri
    id: ExtensionId
    encrypt: bool = False


class RtxEncoding(ContractModel):
    """Where an encoding's retransmissions are sent (RFC 4588)."""

    ssrc: Ssrc


class RtpEncodingParameters(ContractModel):
    """One stream of a producer or consumer. `max_bitrate` in bit/s."""

    ssrc: Ssrc | None = None
    rid: Name | None = None
    codec_payload_type: PayloadType | None = None
    rtx: RtxEncoding | None = None
    dtx: bool | None = None
    scalability_mode: ScalabilityMode | None = None
    scale_resolution_down_by: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    max_bitrate: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] | None = None


class RtcpParameters(ContractModel):
    """RTCP of one producer or consumer (RFC 3550 section 6.5.1, RFC 5506)."""

    cname: Annotated[str, Field(pattern=_FMTP_TEXT, max_length=255)] | None = None
    reduced_size: bool | None = None


class RtpParameters(ContractModel):
    """What one producer sends or one consumer receives."""

    mid: Name | None = None
    codecs: Annotated[tuple[RtpCodecParameters, ...], Field(max_length=64)]
    header_extensions: Annotated[tuple[RtpHeaderExtensionParameters, ...], Field(max_length=64)] = ()
    encodings: Annotated[tuple[RtpEncodingParameters, ...], Field(max_length=8)] = ()
    rtcp: RtcpParameters = RtcpParameters()


class SctpStreamParameters(ContractModel):
    """A data channel's stream (RFC 8832). `max_packet_life_time` in ms.

    Absent `ordered` means ordered; unreliable where one of the other two is given, never both.
    """

    stream_id: Annotated[int, Field(ge=0, le=65534)]
    ordered: bool | None = None
    max_packet_life_time: Annotated[int, Field(ge=0, le=65535)] | None = None
    max_retransmits: Annotated[int, Field(ge=0, le=65535)] | None = None

    @model_validator(mode="after")
    def _one_limit_at_most(self) -> SctpStreamParameters:
        if self.max_packet_life_time is not None and self.max_retransmits is not None:
            raise ValueError("maxPacketLifeTime and maxRetransmits exclude each other")
        return self


class IceParameters(ContractModel):
    """Credentials of one ICE agent (RFC 8445 section 5.3)."""

    username_fragment: Annotated[str, Field(min_length=4, max_length=256)]
    password: Annotated[str, Field(min_length=22, max_length=256)]
    ice_lite: bool = False


class IceCandidate(ContractModel):
    """One address to send to. `ip` and `address` are equal: clients differ in which they read."""

    foundation: Annotated[str, Field(min_length=1, max_length=32)]
    priority: Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
    ip: Annotated[str, Field(max_length=255)]
    address: Annotated[str, Field(max_length=255)]
    protocol: Literal["udp", "tcp"]
    port: Annotated[int, Field(ge=0, le=65535)]
    type: Literal["host", "srflx", "prflx", "relay"] = "host"
    tcp_type: Literal["active", "passive", "so"] | None = None


_HASH_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}


class DtlsFingerprint(ContractModel):
    """A certificate's hash (RFC 8122 section 5): `sha-256` and hex pairs joined by colons.

    A value too short or too long for its algorithm is refused: no certificate could ever match it.
    """

    algorithm: Annotated[str, Field(min_length=1, max_length=16)]
    value: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*$", max_length=192)]

    @model_validator(mode="after")
    def _as_long_as_its_hash(self) -> DtlsFingerprint:
        wanted = _HASH_BYTES.get(self.algorithm.lower())
        given = len(self.value.split(":"))
        if wanted is not None and given != wanted:
            raise ValueError(f"a {self.algorithm} fingerprint has {wanted} bytes, not {given}")
        return self


class DtlsParameters(ContractModel):
    """`role` is the speaker's own (RFC 5763 section 5); `auto` leaves it to the other end."""

    role: DtlsRole = "auto"
    fingerprints: Annotated[tuple[DtlsFingerprint, ...], Field(min_length=1, max_length=16)]


class SctpParameters(ContractModel):
    """An SCTP association (RFC 8831): streams outgoing and incoming, message sizes in bytes."""

    port: Annotated[int, Field(ge=0, le=65535)]
    os: Annotated[int, Field(ge=1, le=65535, alias="OS")]
    mis: Annotated[int, Field(ge=1, le=65535, alias="MIS")]
    max_message_size: Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
    max_send_message_size: Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
    max_receive_message_size: Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
