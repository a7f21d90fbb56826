"""DTLS and data channels of transports, on a thread of their own; aiortc stays behind this package."""

from rotunda_sfu.dtls.port import DatagramPort, MemoryPort, link
from rotunda_sfu.dtls.session import DtlsSession, SessionThread
from rotunda_sfu.dtls.settings import SessionLimits, SessionListener, SrtpKeys, SrtpProfileName

__all__ = [
    "DatagramPort",
    "DtlsSession",
    "MemoryPort",
    "SessionLimits",
    "SessionListener",
    "SessionThread",
    "SrtpKeys",
    "SrtpProfileName",
    "link",
]
