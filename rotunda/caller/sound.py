"""Sound without a microphone: Opus frames of silence (RFC 6716), each with its number."""

from rotunda.caller.rtp import JsonObject, Kind, rtp_packet, rtp_parameters
from rotunda.caller.trace import numbered

_SAMPLES = 960
_PAYLOAD_BYTES = 100
"""As much as speech takes."""
_SILENCE = b"\xf8\xff\xfe"
"""A 20 ms frame of CELT without any energy; what follows it is never decoded."""
_OPUS = {"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}


class NumberedSilence:
    """A Source. `first` is the first packet's number."""

    kind: Kind = "audio"
    interval = 0.02

    def __init__(self, ssrc: int = 0x0CA11E12, *, first: int = 0) -> None:
        self.ssrc = ssrc
        self._first = first

    @property
    def rtp_parameters(self) -> JsonObject:
        return rtp_parameters(_OPUS, self.ssrc, mid="0")

    def packets(self, count: int) -> list[bytes]:
        packet = rtp_packet(
            ssrc=self.ssrc,
            payload_type=111,
            sequence=count,
            timestamp=count * _SAMPLES,
            payload=(_SILENCE + numbered(self._first + count)).ljust(_PAYLOAD_BYTES, b"\0"),
        )
        return [packet]

    def request_key_frame(self) -> None:
        """Sound has none."""
