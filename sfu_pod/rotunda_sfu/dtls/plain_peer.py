"""A client of tests that shares no code with our ends: aiortc's own transports on a port in memory."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCSctpTransport
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    generate_certificate,
)
from aiortc.rtcsctptransport import RTCSctpCapabilities
from cryptography.hazmat.primitives.asymmetric import rsa
from OpenSSL import SSL

from rotunda_contract.rtp import DtlsFingerprint, DtlsParameters, DtlsRole, SctpStreamParameters
from rotunda_sfu.data.association import MAX_MESSAGE_BYTES, PORT
from rotunda_sfu.dtls.loopback import LoopbackEnd
from rotunda_sfu.dtls.port import MemoryPort, link


class PlainPeer:
    """Linked to one of our ends. `role` is its own DTLS role."""

    def __init__(
        self, sfu: LoopbackEnd, role: DtlsRole = "client", certificate: RTCCertificate | None = None
    ) -> None:
        self.port = MemoryPort(queue_datagrams=10_000)
        self.sfu = sfu
        self.role = role
        link(sfu.port, self.port)
        ice = _PlainIce(self.port, "controlling" if role == "server" else "controlled")
        self.dtls = RTCDtlsTransport(cast(Any, ice), [certificate or RTCCertificate.generateCertificate()])
        self.sctp = RTCSctpTransport(self.dtls)

    async def connected(self) -> None:
        """Both ends are through with their handshake."""
        theirs = self.dtls.getLocalParameters().fingerprints[-1]
        announced = DtlsFingerprint(algorithm=theirs.algorithm, value=theirs.value)
        self.sfu.engine.connect(DtlsParameters(role=self.role, fingerprints=(announced,)))
        (ours,) = self.sfu.certificate.parameters.fingerprints
        await self.dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(ours.algorithm, ours.value)]))
        await self.sfu.done.wait()

    async def start_sctp(self) -> None:
        """What a client does once it has a data channel; it sends INIT."""
        await self.sctp.start(RTCSctpCapabilities(maxMessageSize=MAX_MESSAGE_BYTES), PORT)

    def channel(self, stream: SctpStreamParameters) -> tuple[RTCDataChannel, list[str | bytes]]:
        """A negotiated data channel, as mediasoup's clients open it, and what it receives."""
        parameters = RTCDataChannelParameters(
            negotiated=True,
            id=stream.stream_id,
            ordered=stream.ordered is not False,
            maxPacketLifeTime=stream.max_packet_life_time,
            maxRetransmits=stream.max_retransmits,
        )
        channel = RTCDataChannel(self.sctp, parameters)
        received: list[str | bytes] = []
        channel.on("message", received.append)
        return channel, received


class RsaCertificate(RTCCertificate):
    """As some clients have one. As a DTLS server it can take `ciphers` (an OpenSSL list) alone."""

    ciphers = b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA"

    @classmethod
    def generate(cls, bits: int = 2048) -> RsaCertificate:
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        return cls(cast(Any, key), generate_certificate(cast(Any, key)))

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(self.ciphers)
        return context


class _PlainIce:
    """What aiortc's transport takes for ICE, over a port in memory."""

    def __init__(self, port: MemoryPort, role: str) -> None:
        self.role = role
        self._port = port
        self._readable = asyncio.Event()
        port.on_readable = self._readable.set

    async def _recv(self) -> bytes:
        while not (datagrams := self._port.receive(1)):
            self._readable.clear()
            await self._readable.wait()
        return datagrams[0]

    async def _send(self, data: bytes) -> None:
        self._port.send(data)
