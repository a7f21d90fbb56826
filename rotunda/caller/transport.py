"""One WebRTC transport of a Caller: finds a way that answers, then DTLS and SRTP over it.

ICE is that of a controlling agent towards an ICE-lite one (RFC 8445 section 6.1.1): its checks nominate.
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, cast

from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from rotunda.caller.checks import connectivity_check
from rotunda.caller.errors import HandshakeFailed, NoWay
from rotunda.caller.patience import USUAL, Patience
from rotunda.caller.ways import Datagram, IceServer, Way, WayKind, open_relay, open_tcp, open_udp
from rotunda_base.tasks import cancel_and_wait

JsonObject = dict[str, Any]
OnPacket = Callable[[bytes, int], None]
"""Given a decrypted RTP packet and when it arrived: nanoseconds of the real-time clock."""

CHECK_AGAIN_SECONDS = 0.25
CONSENT_SECONDS = 5.0


class CallerTransport:
    """`open` it once. `way` tells people which one answered."""

    def __init__(
        self,
        options: JsonObject,
        kind: WayKind = "udp",
        servers: Sequence[IceServer] = (),
        *,
        context: ssl.SSLContext | None = None,
        on_packet: OnPacket | None = None,
        patience: Patience = USUAL,
        host: str = "",
    ) -> None:
        """`options` is the answer to createWebRtcTransport; `servers` are needed for a relay.

        With a `host` no other address of the media node is tried.
        """
        self.id = str(options["id"])
        self.records: deque[bytes] = deque()
        self.record_arrived = asyncio.Event()
        self._options = options
        self._kind = kind
        self._servers = servers
        self._context = context
        self._on_packet = on_packet
        self._patience = patience
        self._host = host
        self._dtls = RTCDtlsTransport(cast(Any, _Ice(self)), [_certificate()])
        self._way: Way | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def way(self) -> str:
        return self._way.name if self._way is not None else "none yet"

    @property
    def dtls_parameters(self) -> JsonObject:
        """What signaling is told: the client of DTLS, as browsers are."""
        prints = _certificate().getFingerprints()
        told = [{"algorithm": each.algorithm, "value": each.value} for each in prints]
        return {"role": "client", "fingerprints": told}

    async def open(self) -> None:
        """Raises NoWay, which tells of each way that was tried, or HandshakeFailed."""
        self._way = await self._first_that_answers()
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._keep_consent())]
        theirs = [
            RTCDtlsFingerprint(each["algorithm"], each["value"])
            for each in self._options["dtlsParameters"]["fingerprints"]
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.handshake):
                await self._dtls.start(RTCDtlsParameters(theirs))
        if self._dtls.state != "connected":
            raise HandshakeFailed(f"the DTLS handshake over {self.way} ended {self._dtls.state}")

    def send_rtp(self, packet: bytes) -> int:
        """Encrypts and sends; the time just before it is handed to the kernel, as of `OnPacket`."""
        protected = self._dtls._tx_srtp.protect(packet)
        now = time.time_ns()
        self.send(protected)
        return now

    async def send_data(self, packet: bytes) -> None:
        """One SCTP packet over DTLS."""
        await self._dtls._send_data(packet)

    def send(self, datagram: bytes) -> None:
        assert self._way is not None
        self._way.send(datagram)

    async def close(self) -> None:
        if self._dtls.state == "connected":
            await self._dtls.stop()
        await cancel_and_wait(*self._tasks)
        if self._way is not None:
            await self._way.close()

    async def _first_that_answers(self) -> Way:
        """Tries all at once; the first to answer is taken."""
        trials = [asyncio.create_task(self._try(opening)) for opening in self._openings()]
        if not trials:
            raise NoWay(f"the media node offers no way of the kind {self._kind}")
        complaints: list[str] = []
        try:
            for trial in asyncio.as_completed(trials):
                try:
                    return await trial
                except NoWay as error:
                    complaints.append(str(error))
        finally:
            await cancel_and_wait(*(trial for trial in trials if not trial.done()))
        raise NoWay("; ".join(complaints))

    def _openings(self) -> list[Coroutine[Any, Any, Way]]:
        found: list[Coroutine[Any, Any, Way]] = []
        for each in self._options["iceCandidates"]:
            host, port = str(each["address"]), int(each["port"])
            if self._host not in ("", host):
                continue
            protocol = str(each["protocol"]).lower()
            if self._kind == "udp" and protocol == "udp":
                found.append(open_udp(host, port))
            elif self._kind == "tcp" and protocol == "tcp":
                found.append(open_tcp(host, port))
            elif self._kind == "relay" and protocol == "udp":
                found += [open_relay(server, host, port, self._context) for server in self._servers]
        return found

    async def _try(self, opening: Coroutine[Any, Any, Way]) -> Way:
        """The way once a check over it was answered; closes it where none is."""
        way = await opening
        asking = asyncio.create_task(self._ask_again(way))
        try:
            async with asyncio.timeout(self._patience.check):
                while not _is_stun((await way.receive()).content):
                    pass
            return way
        except (TimeoutError, OSError) as error:
            await way.close()
            raise NoWay(f"{way.name}: no answer to connectivity checks") from error
        except asyncio.CancelledError:
            await way.close()
            raise
        finally:
            asking.cancel()

    async def _ask_again(self, way: Way) -> None:
        while True:
            way.send(self._check())
            await asyncio.sleep(CHECK_AGAIN_SECONDS)

    async def _keep_consent(self) -> None:
        """RFC 7675."""
        while True:
            await asyncio.sleep(CONSENT_SECONDS)
            self.send(self._check())

    def _check(self) -> bytes:
        return bytes(connectivity_check(self._options["iceParameters"]))

    async def _read(self) -> None:
        assert self._way is not None
        with suppress(ConnectionError):
            while True:
                self._sort(await self._way.receive())

    def _sort(self, datagram: Datagram) -> None:
        """By the first byte (RFC 7983), and RTCP by the second (RFC 5761)."""
        content = datagram.content
        if not content or content[0] < 20:
            return
        if content[0] < 64:
            self.records.append(content)
            self.record_arrived.set()
        elif self._on_packet is not None and len(content) > 1 and not 192 <= content[1] <= 223:
            self._on_packet(self._dtls._rx_srtp.unprotect(content), datagram.arrived)


class _Ice:
    """What aiortc's DTLS asks of its ICE transport."""

    role = "controlled"

    def __init__(self, transport: CallerTransport) -> None:
        self._transport = transport

    async def _recv(self) -> bytes:
        while not self._transport.records:
            self._transport.record_arrived.clear()
            await self._transport.record_arrived.wait()
        return self._transport.records.popleft()

    async def _send(self, data: bytes) -> None:
        self._transport.send(data)


@cache
def _certificate() -> RTCCertificate:
    """One for all transports of the process: making one costs more than the rest of a join."""
    return RTCCertificate.generateCertificate()


def _is_stun(datagram: bytes) -> bool:
    return bool(datagram) and datagram[0] < 4
