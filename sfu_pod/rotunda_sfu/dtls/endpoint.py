"""The seam over aiortc: its RTCDtlsTransport on datagrams of ours. Its private names stay in here.

aiortc's transport wants an ICE transport of which it uses `role`, `_recv` and `_send`; that is
`_DatagramSide`. It keeps SRTP to itself; `_Transport` overrides the one method that would set it up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Literal, cast

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from OpenSSL import SSL

from rotunda_contract.rtp import DtlsParameters
from rotunda_sfu.dtls.certificate import Certificate
from rotunda_sfu.dtls.flight import LastFlight
from rotunda_sfu.dtls.records import APPLICATION_DATA, pack_records, split_records
from rotunda_sfu.dtls.settings import SrtpKeys, SrtpProfileName

# In order of preference: what costs the forwarder least comes first.
_PROFILES: list[tuple[SRTPProtectionProfile, SrtpProfileName]] = [
    (SRTP_AEAD_AES_128_GCM, "AEAD_AES_128_GCM"),
    (SRTP_AEAD_AES_256_GCM, "AEAD_AES_256_GCM"),
    (SRTP_AES128_CM_SHA1_80, "AES128_CM_HMAC_SHA1_80"),
]
_BIO_BYTES = 65536


class HandshakeFailed(Exception):
    """`str(error)` is the reason for people."""


class DtlsEndpoint:
    """One end of a DTLS association. Everything runs on the event loop on which it was made.

    `send` takes a datagram to the peer; `on_data` gets each message of application data.
    `on_closed` is called once when the peer said close_notify after the handshake.
    """

    def __init__(
        self,
        certificate: Certificate,
        *,
        send: Callable[[bytes], None],
        on_data: Callable[[bytes], Awaitable[None]],
        on_closed: Callable[[], None],
    ) -> None:
        self._side = _DatagramSide(self._send_datagram)
        self._transport = _Transport(self._side, certificate, on_data)
        self._send = send
        self._on_closed = on_closed
        self._flight = LastFlight(send)
        self._done = False

    @property
    def role(self) -> Literal["client", "server"]:
        """Ours; known once `handshake` was called."""
        return "server" if self._side.role == "controlling" else "client"

    @property
    def connected(self) -> bool:
        return self._transport.state == "connected"

    @property
    def backlog(self) -> int:
        """Records that were fed and not processed yet."""
        return len(self._side.records)

    async def handshake(self, remote: DtlsParameters, deadline: float) -> SrtpKeys:
        """Runs the handshake as client or server by the peer's own role; `deadline` in seconds.

        Raises HandshakeFailed. Call it once.
        """
        self._side.role = "controlling" if remote.role == "client" else "controlled"
        fingerprints = [RTCDtlsFingerprint(each.algorithm, each.value) for each in remote.fingerprints]
        try:
            async with asyncio.timeout(deadline):
                await self._transport.start(RTCDtlsParameters(fingerprints=fingerprints))
        except TimeoutError:
            await self.close()
            raise HandshakeFailed(f"the DTLS handshake was not done within {deadline:g} s") from None
        keys = self._transport.srtp_keys
        if keys is None or not self.connected:
            self._flight.stop()
            await self._transport.send_alert()
            raise HandshakeFailed(self._transport.failure)
        self._done = True
        if self.role == "server":
            self._flight.complete()
        else:
            self._flight.stop()
        self._transport.on("statechange", self._state_changed)
        return keys

    def feed(self, datagram: bytes) -> None:
        """What came from the peer. Anything that is no DTLS record is ignored."""
        for record in split_records(datagram):
            if self._done and record[0] == APPLICATION_DATA:
                self._flight.stop()
            self._flight.received()
            self._side.deliver(record)

    def peer_has_keys(self) -> None:
        """The peer has the last flight, as something else than application data shows."""
        self._flight.stop()

    async def send_data(self, data: bytes) -> None:
        """Encrypts and sends one message, which must fit a datagram. Lost when not connected."""
        if self.connected:
            await self._transport._send_data(data)

    async def close(self) -> None:
        """Says close_notify and stops. Twice is allowed."""
        self._flight.stop()
        self._transport.remove_all_listeners()
        await self._transport.stop()

    def _send_datagram(self, datagram: bytes) -> None:
        if not self._done:
            self._flight.sent(datagram)
        self._send(datagram)

    def _state_changed(self) -> None:
        if self._transport.state == "closed":
            self._flight.stop()
            self._transport.remove_all_listeners()
            self._on_closed()


class _DatagramSide:
    """What aiortc takes for its ICE transport. The controlling end becomes the DTLS server."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.role = "controlled"
        self.records: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._send_now = send

    def deliver(self, record: bytes) -> None:
        self.records.append(record)
        self._arrived.set()

    async def _recv(self) -> bytes:
        while not self.records:
            self._arrived.clear()
            await self._arrived.wait()
        return self.records.popleft()

    async def _send(self, data: bytes) -> None:
        self._send_now(data)


class _Transport(RTCDtlsTransport):
    """aiortc's transport that hands its keys out instead of handling SRTP itself."""

    _ssl: SSL.Connection

    def __init__(
        self, side: _DatagramSide, certificate: Certificate, on_data: Callable[[bytes], Awaitable[None]]
    ) -> None:
        super().__init__(cast(Any, side), [certificate])
        self._srtp_profiles = [profile for profile, _ in _PROFILES]
        self._register_data_receiver(_Receiver(on_data))
        self.srtp_keys: SrtpKeys | None = None
        self.failure = "the DTLS handshake failed"

    async def send_alert(self) -> None:
        """After a failure: sends the alert, which aiortc leaves in OpenSSL's buffer."""
        if self.failure_is_ours:
            with contextlib.suppress(SSL.Error):
                self._ssl.shutdown()
        await self._write_ssl()

    @property
    def failure_is_ours(self) -> bool:
        """OpenSSL was content with the peer, we were not."""
        return self.encrypted and self._state is State.FAILED

    def _validate_peer_identity(self, remoteParameters: RTCDtlsParameters) -> None:
        super()._validate_peer_identity(remoteParameters)
        if self._state is State.FAILED:
            self.failure = "the certificate is not the one whose fingerprint was announced"

    def _setup_srtp(self) -> None:
        negotiated = self._ssl.get_selected_srtp_profile()
        for profile, name in _PROFILES:
            if profile.openssl_profile == negotiated:
                self.srtp_keys = self._export_keys(profile, name)
                return
        self.failure = "the peer supports none of our SRTP profiles"
        self._set_state(State.FAILED)

    def _export_keys(self, profile: SRTPProtectionProfile, name: SrtpProfileName) -> SrtpKeys:
        length = 2 * (profile.key_length + profile.salt_length)
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", length)
        client, server = (profile.get_key_and_salt(material, index) for index in (0, 1))
        if self._role == "server":
            return SrtpKeys(name, send=server, receive=client)
        return SrtpKeys(name, send=client, receive=server)

    async def _write_ssl(self) -> None:
        """Takes all that OpenSSL wrote; aiortc would take 1500 bytes and cut through records."""
        try:
            written = self._ssl.bio_read(_BIO_BYTES)
        except SSL.Error:
            return
        for datagram in pack_records(written):
            await self.transport._send(datagram)


class _Receiver:
    """aiortc's name for who gets the application data."""

    def __init__(self, on_data: Callable[[bytes], Awaitable[None]]) -> None:
        self._on_data = on_data

    async def _handle_data(self, data: bytes) -> None:
        await self._on_data(data)
