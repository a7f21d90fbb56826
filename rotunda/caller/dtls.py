"""DTLS and SRTP by aiortc's parts, over datagrams that somebody else carries. Its private names stay in here.

aiortc's transport asks three things of an ICE transport: `role`, `_recv` and `_send`; `_Lower` has them.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, cast

import pylibsrtp
from aiortc import RTCSctpTransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from rotunda.caller.errors import HandshakeFailed

JsonObject = dict[str, Any]

RECORDS_BACKLOG = 4096
"""Records that may wait to be read; those beyond are lost, as in a socket's buffer."""
_RECORD_HEADER_BYTES = 13


class Dtls:
    """One association as its client, which browsers are too."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._lower = _Lower(send)
        self._transport = RTCDtlsTransport(cast(Any, self._lower), [_certificate()])

    @property
    def parameters(self) -> JsonObject:
        """What signaling is told."""
        prints = self._transport.getLocalParameters().fingerprints
        told = [{"algorithm": each.algorithm, "value": each.value} for each in prints]
        return {"role": "client", "fingerprints": told}

    async def start(self, remote: JsonObject, over: str, seconds: float) -> None:
        """A handshake with whoever has the certificate that `dtlsParameters` name, in so many seconds.

        `over` tells people which way it takes. Raises HandshakeFailed.
        """
        prints = [RTCDtlsFingerprint(each["algorithm"], each["value"]) for each in remote["fingerprints"]]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._transport.start(RTCDtlsParameters(prints))
        if self._transport.state != "connected":
            raise HandshakeFailed(f"the DTLS handshake over {over} ended {self._transport.state}")

    def take(self, datagram: bytes) -> None:
        """Records of the peer. aiortc would leave all but the first in a datagram until the next comes."""
        for record in split_records(datagram):
            if not self._lower.records.full():
                self._lower.records.put_nowait(record)

    def lose(self) -> None:
        """Nothing will come any more."""
        if self._lower.records.full():
            self._lower.records.get_nowait()
        self._lower.records.put_nowait(None)

    def protect(self, packet: bytes) -> bytes:
        """Seals one RTP packet."""
        return bytes(self._transport._tx_srtp.protect(packet))

    def unprotect(self, packet: bytes) -> bytes | None:
        """Opens one RTP packet; None for what is forged, repeated, or here before the keys are."""
        return self._opened(packet, is_rtcp=False)

    def unprotect_rtcp(self, packet: bytes) -> bytes | None:
        return self._opened(packet, is_rtcp=True)

    async def send_data(self, data: bytes) -> None:
        """One record of application data, whatever it is. Raises ConnectionError."""
        await self._transport._send_data(data)

    def association(self) -> RTCSctpTransport:
        """Of SCTP over this (RFC 8261), to be started. There is one."""
        return RTCSctpTransport(self._transport)

    async def stop(self) -> None:
        """Says goodbye, where there is anybody to say it to."""
        if self._transport.state == "connected":
            await self._transport.stop()

    def _opened(self, packet: bytes, *, is_rtcp: bool) -> bytes | None:
        session = self._transport._rx_srtp
        if session is None:
            return None
        with suppress(pylibsrtp.Error):
            return bytes(session.unprotect_rtcp(packet) if is_rtcp else session.unprotect(packet))
        return None


def split_records(datagram: bytes) -> Iterator[bytes]:
    """RFC 6347 section 4.1: each says how long it is. What is shorter than a header is left out."""
    while len(datagram) > _RECORD_HEADER_BYTES:
        end = _RECORD_HEADER_BYTES + int.from_bytes(datagram[11:13])
        yield datagram[:end]
        datagram = datagram[end:]


class _Lower:
    """What aiortc's DTLS asks of its ICE transport."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.records: asyncio.Queue[bytes | None] = asyncio.Queue(RECORDS_BACKLOG)
        self._carry = send

    async def _recv(self) -> bytes:
        record = await self.records.get()
        if record is None:
            raise ConnectionError("the way was lost")
        return record

    async def _send(self, data: bytes) -> None:
        self._carry(data)


@cache
def _certificate() -> RTCCertificate:
    """One for all of this process: making one costs more than the rest of a join."""
    return RTCCertificate.generateCertificate()
