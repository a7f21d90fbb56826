"""One WebRTC transport from its client's side: ICE finds a way, DTLS gives keys, SRTP and SCTP go over it."""

import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from rotunda.caller.data import DataChannels
from rotunda.caller.dtls import Dtls
from rotunda.caller.ice import IceAgent, RemoteIce
from rotunda.caller.patience import USUAL, Patience
from rotunda.caller.rtp import is_rtcp, ssrc_of, wished_key_frames
from rotunda.caller.ways import IceServer, WayKind

JsonObject = dict[str, Any]
OnPacket = Callable[[bytes, int], None]
"""Given a decrypted RTP packet and the time of its arrival: nanoseconds of the real-time clock."""


class Transport:
    """`open` it once. `way` tells people which way is taken."""

    def __init__(
        self,
        options: JsonObject,
        kind: WayKind = "udp",
        servers: Sequence[IceServer] = (),
        *,
        context: ssl.SSLContext | None = None,
        patience: Patience = USUAL,
    ) -> None:
        """`options` is the answer to createWebRtcTransport; `servers` are needed for a relay."""
        self.id = str(options["id"])
        self._options = options
        self._patience = patience
        self._remote = RemoteIce(options["iceParameters"], options["iceCandidates"])
        self._ice = IceAgent(kind, servers, context, self._on_datagram, patience)
        self._dtls = Dtls(self._ice.send)
        self._ice.on_lost = self._dtls.lose
        self._data: DataChannels | None = None
        self._receivers: dict[int, OnPacket] = {}
        self._key_frames: dict[int, Callable[[], None]] = {}

    @property
    def way(self) -> str:
        return self._ice.way.name if self._ice.way is not None else "none yet"

    @property
    def dtls_parameters(self) -> JsonObject:
        """What signaling is told."""
        return self._dtls.parameters

    @property
    def data(self) -> DataChannels:
        """The channels of this transport; the first one to be opened begins an association."""
        if self._data is None:
            self._data = DataChannels(self._dtls.association(), self._options["sctpParameters"])
        return self._data

    async def open(self) -> None:
        """Raises NoWay, which tells of each way that was tried, or HandshakeFailed."""
        await self._ice.connect(self._remote)
        await self._dtls.start(self._options["dtlsParameters"], self.way, self._patience.handshake)

    async def change_way(
        self,
        *,
        ice_parameters: JsonObject | None = None,
        ice_candidates: Sequence[JsonObject] | None = None,
    ) -> None:
        """Other credentials, other candidates or both for the media node's end; what is not given stays.

        DTLS and all keys go on over the new way, which is taken once it was nominated. Raises NoWay: then the
        transport stays on the way that it has.
        """
        remote = RemoteIce(
            self._remote.parameters if ice_parameters is None else ice_parameters,
            self._remote.candidates if ice_candidates is None else ice_candidates,
        )
        await self._ice.connect(remote)
        self._remote = remote

    def receive(self, ssrc: int, on_packet: OnPacket | None) -> None:
        """Who gets the RTP packets of an SSRC, nobody for None; those of others are left out."""
        if on_packet is None:
            self._receivers.pop(ssrc, None)
        else:
            self._receivers[ssrc] = on_packet

    def on_key_frame_wish(self, ssrc: int, wished: Callable[[], None] | None) -> None:
        """Who is told that the media node wishes a key frame of an SSRC that is sent here."""
        if wished is None:
            self._key_frames.pop(ssrc, None)
        else:
            self._key_frames[ssrc] = wished

    def send_rtp(self, packet: bytes) -> int:
        """Encrypts and sends; returns the time just before sending, in nanoseconds of the real-time clock."""
        protected = self._dtls.protect(packet)
        at = time.time_ns()
        self._ice.send(protected)
        return at

    async def send_data(self, data: bytes) -> None:
        """One DTLS record of application data, whatever it is. Raises ConnectionError."""
        await self._dtls.send_data(data)

    async def close(self) -> None:
        if self._data is not None:
            await self._data.close()
        with suppress(ConnectionError):
            await self._dtls.stop()
        self._ice.close()

    def _on_datagram(self, datagram: bytes, at: int) -> None:
        """By the first byte (RFC 7983)."""
        first = datagram[0] if datagram else 0
        if 20 <= first < 64:
            self._dtls.take(datagram)
        elif 128 <= first < 192 and is_rtcp(datagram):
            self._on_rtcp(datagram)
        elif 128 <= first < 192:
            self._on_rtp(datagram, at)

    def _on_rtp(self, datagram: bytes, at: int) -> None:
        receiver = self._receivers.get(ssrc_of(datagram) or 0)
        if receiver is not None and (packet := self._dtls.unprotect(datagram)) is not None:
            receiver(packet, at)

    def _on_rtcp(self, datagram: bytes) -> None:
        if not self._key_frames or (packet := self._dtls.unprotect_rtcp(datagram)) is None:
            return
        for ssrc in wished_key_frames(packet):
            if ssrc in self._key_frames:
                self._key_frames[ssrc]()
