"""How long a client waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that each step may take."""

    connect: float = 20.0
    """From the URL to a Socket.IO connection."""
    answer: float = 60.0
    """Of one request."""
    check: float = 10.0
    """How long a way's connectivity checks may stay without an answer."""
    handshake: float = 30.0
    """Of DTLS: as long as a media node lets one take."""


USUAL = Patience()
