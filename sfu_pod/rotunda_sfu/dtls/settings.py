"""What one end of a session is made of: limits in numbers, keys, and who listens to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from rotunda_contract.ids import DataConsumerId

SrtpProfileName = Literal["AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_HMAC_SHA1_80"]


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """What a handshake yields (RFC 5764 section 4.2), as `rotunda_media.Worker.set_srtp` takes it.

    `send` and `receive` are key and salt concatenated: 28, 44 or 30 bytes by profile.
    """

    profile: SrtpProfileName
    send: bytes
    receive: bytes


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Times in seconds, sizes in bytes."""

    handshake_deadline: float = 30.0
    data_rate: int = 128 * 1024
    """Received DTLS bytes a second: more wait in the port's queue and are lost when it is full."""
    data_burst: int = 512 * 1024
    reliable_backlog: int = 4 * 1024 * 1024
    """A reliable data consumer with more than this waiting to be sent is closed."""
    unreliable_backlog: int = 256 * 1024
    """An unreliable data consumer with more than this waiting loses messages."""


class SessionListener(Protocol):
    """Called when something happens to a session. Every method is called on the owner's event loop.

    None is called after `DtlsSession.close`.
    """

    def on_keys(self, keys: SrtpKeys) -> None:
        """The handshake is done and the peer's certificate is the announced one."""

    def on_closed(self, reason: str) -> None:
        """The handshake failed or the peer said close_notify. Last call; the session is closed."""

    def on_data_limited(self, refused: int) -> None:
        """`refused` more datagrams were lost since the last call: at most once a second."""

    def on_data_consumer_closed(self, data_consumer: DataConsumerId, reason: str) -> None:
        """The consumer could not go on: too slow for a reliable stream, or its association ended."""
