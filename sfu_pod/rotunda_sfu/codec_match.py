"""When two descriptions mean the same codec: mediasoup's rules, for either end's wording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rotunda_contract.rtp import FmtpValue


class CodecDescription(Protocol):
    """What capabilities and parameters have in common."""

    @property
    def mime_type(self) -> str: ...
    @property
    def clock_rate(self) -> int: ...
    @property
    def channels(self) -> int | None: ...
    @property
    def parameters(self) -> Mapping[str, FmtpValue]: ...


def is_rtx(codec: CodecDescription) -> bool:
    """Retransmissions of another codec (RFC 4588)."""
    return codec.mime_type.lower().endswith("/rtx")


def same_codec(a: CodecDescription, b: CodecDescription) -> bool:
    """Whether what one end sends as `a` can be taken by the other as `b`.

    Mime type, clock rate and channels (audio; absent means one) must be equal; for H.264 the
    packetization mode and the profile without its level (RFC 6184 section 8.1), for VP9 profile-id,
    for AV1 profile.
    """
    mime_type = a.mime_type.lower()
    if mime_type != b.mime_type.lower() or a.clock_rate != b.clock_rate:
        return False
    if mime_type.startswith("audio/"):
        return (a.channels or 1) == (b.channels or 1)
    if mime_type == "video/h264":
        return _number(a, "packetization-mode") == _number(b, "packetization-mode") and _same_h264_profile(
            a, b
        )
    if mime_type == "video/vp9":
        return _number(a, "profile-id") == _number(b, "profile-id")
    if mime_type == "video/av1":
        return _number(a, "profile") == _number(b, "profile")
    return True


def h264_profile(profile_level_id: str) -> str | None:
    """The profile of six hexadecimal digits (RFC 6184 table 5), or None for one that is none.

    The answer's name is for comparison only: different spellings of one profile give the same.
    """
    if len(profile_level_id) != 6:
        return None
    try:
        profile, constraints, _level = bytes.fromhex(profile_level_id)
    except ValueError:
        return None
    for known_profile, mask, value, name in _H264_PROFILES:
        if profile == known_profile and constraints & mask == value:
            return name
    return None


_DEFAULT_PROFILE_LEVEL_ID = "42e01f"
"""Where the peer says nothing: constrained baseline, as browsers take it."""

# profile_idc, mask and value of the byte with the constraint_set flags, name.
_H264_PROFILES = (
    (0x42, 0b0100_1111, 0b0100_0000, "constrained-baseline"),
    (0x4D, 0b1000_1111, 0b1000_0000, "constrained-baseline"),
    (0x58, 0b1100_1111, 0b1100_0000, "constrained-baseline"),
    (0x42, 0b0100_1111, 0b0000_0000, "baseline"),
    (0x58, 0b1100_1111, 0b1000_0000, "baseline"),
    (0x4D, 0b1010_1111, 0b0000_0000, "main"),
    (0x64, 0b1111_1111, 0b0000_0000, "high"),
    (0x64, 0b1111_1111, 0b0000_1100, "constrained-high"),
    (0xF4, 0b1111_1111, 0b0000_0000, "predictive-high-4:4:4"),
)


def _same_h264_profile(a: CodecDescription, b: CodecDescription) -> bool:
    profile = _h264_profile_of(a)
    return profile is not None and profile == _h264_profile_of(b)


def _h264_profile_of(codec: CodecDescription) -> str | None:
    return h264_profile(str(codec.parameters.get("profile-level-id", _DEFAULT_PROFILE_LEVEL_ID)))


def _number(codec: CodecDescription, name: str) -> int | str:
    """A format parameter that is 0 when absent; clients write digits as text or as a number."""
    value = codec.parameters.get(name, 0)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
