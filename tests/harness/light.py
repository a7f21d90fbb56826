"""A person without a browser: Socket.IO on a bare WebSocket, ICE and DTLS on a bare UDP socket.

Light enough that a crowd of them, or a call whose every packet is timed, costs little beside the server.
"""

import asyncio
import itertools
import json
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from websockets.asyncio.client import ClientConnection, connect

JsonObject = dict[str, Any]
OnMedia = Callable[[bytes, int], None]
"""Given a decrypted RTP packet and the kernel's time of its arrival: nanoseconds, real-time clock."""

CHECK_AGAIN_SECONDS = 0.1
CONSENT_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
MAX_DATAGRAM = 2048
RECEIVE_BUFFER = 1 << 22
SO_TIMESTAMPNS = 35
"""Of Linux; Python's socket module does not name it."""
CERTIFICATE = RTCCertificate.generateCertificate()
"""One for all: making one costs more than the rest of a join."""


class RefusedError(Exception):
    """The server's answer was an error; `code` is the contract's."""

    def __init__(self, name: str, error: JsonObject) -> None:
        super().__init__(f"{name}: {error['code']}: {error['message']}")
        self.code = str(error["code"])


class LightGuest:
    """One person in a room. `events` has every event, in order, as name and payload."""

    def __init__(self, socket: ClientConnection) -> None:
        self.answer: JsonObject = {}
        self.events: list[tuple[str, JsonObject]] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[JsonObject]] = {}
        self._reader = asyncio.create_task(self._read())
        self._transports: list[LightTransport] = []

    @classmethod
    async def enter(cls, url: str, room: str, name: str) -> "LightGuest":
        """Connects and joins. Raises RefusedError with the limit that stood in the way."""
        address = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
        socket = await connect(
            address, max_size=None, compression=None, ping_interval=None, open_timeout=PATIENCE_SECONDS
        )
        await socket.recv()  # Engine.IO's opening packet
        await socket.send("40")
        await socket.recv()  # the namespace's
        guest = cls(socket)
        try:
            guest.answer = await guest.request("join", room=room, displayName=name)
        except RefusedError:
            await guest.disconnect()
            raise
        return guest

    async def request(self, name: str, **payload: Any) -> JsonObject:
        """Sends one request and returns its answer; raises RefusedError."""
        number = next(self._numbers)
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        await self._socket.send(f"42{number}{json.dumps([name, payload])}")
        result = await answer
        if "error" in result:
            raise RefusedError(name, result["error"])
        return result

    async def transport(self, direction: str, on_media: OnMedia | None = None) -> "LightTransport":
        """A transport with ICE and DTLS done."""
        options = await self.request("createWebRtcTransport", direction=direction)
        transport = LightTransport(options, on_media)
        self._transports.append(transport)
        await self.request(
            "connectWebRtcTransport", transportId=transport.id, dtlsParameters=transport.dtls_parameters
        )
        await transport.connect()
        return transport

    async def close(self) -> None:
        """Leaves; the server ends the transports. Raises RefusedError for who is no longer in a room."""
        try:
            await self.request("leave")
        finally:
            for transport in self._transports:
                await transport.close()
            await self.disconnect()

    async def disconnect(self) -> None:
        """Closes the socket; whoever has a seat keeps it."""
        await self._socket.close()
        await self._reader

    async def _read(self) -> None:
        async for text in self._socket:
            await self._take(str(text))
        for waiting in self._waiting.values():
            waiting.cancel()

    async def _take(self, text: str) -> None:
        if text == "2":
            await self._socket.send("3")
        elif text.startswith("43"):
            number, bracket, rest = text[2:].partition("[")
            waiting = self._waiting.pop(int(number))
            if not waiting.done():
                waiting.set_result(json.loads(bracket + rest)[0])
        elif text.startswith("42"):
            name, payload = json.loads(text[2:])
            self.events.append((name, payload))


class LightTransport:
    """One WebRTC transport over one UDP socket, as its client. `connect` it once."""

    def __init__(self, options: JsonObject, on_media: OnMedia | None = None) -> None:
        self.id = str(options["id"])
        self.records: deque[bytes] = deque()
        self.record_arrived = asyncio.Event()
        self._options = options
        self._on_media = on_media
        self._loop = asyncio.get_running_loop()
        self._checked = asyncio.Event()
        self._checking: asyncio.Task[None] | None = None
        self._dtls = RTCDtlsTransport(cast(Any, _Ice(self)), [CERTIFICATE])
        self._socket = _open_socket(options["iceCandidates"])
        self._loop.add_reader(self._socket, self._readable)

    @property
    def dtls_parameters(self) -> JsonObject:
        """What the server is told: the client of DTLS, as browsers are."""
        told = [{"algorithm": each.algorithm, "value": each.value} for each in CERTIFICATE.getFingerprints()]
        return {"role": "client", "fingerprints": told}

    async def connect(self) -> None:
        """A connectivity check, then a handshake. Raises ConnectionError where that fails."""
        self._checking = asyncio.create_task(self._check())
        await self._checked.wait()
        theirs = [
            RTCDtlsFingerprint(each["algorithm"], each["value"])
            for each in self._options["dtlsParameters"]["fingerprints"]
        ]
        await self._dtls.start(RTCDtlsParameters(theirs))
        if self._dtls.state != "connected":
            raise ConnectionError(f"the DTLS handshake ended {self._dtls.state}")

    def send_rtp(self, packet: bytes) -> int:
        """Encrypts and sends; returns the time just before sending, in nanoseconds of the real-time clock."""
        protected = self._dtls._tx_srtp.protect(packet)
        now = time.clock_gettime_ns(time.CLOCK_REALTIME)
        self.send(protected)
        return now

    def send(self, datagram: bytes) -> None:
        """As any network, it may lose it."""
        with suppress(BlockingIOError, ConnectionRefusedError):
            self._socket.send(datagram)

    async def send_data(self, packet: bytes) -> None:
        """One SCTP packet over DTLS."""
        await self._dtls._send_data(packet)

    async def close(self) -> None:
        if self._checking is not None:
            self._checking.cancel()
        await self._dtls.stop()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    async def _check(self) -> None:
        """Asks until there is an answer, then for consent (RFC 7675)."""
        ice = self._options["iceParameters"]
        while True:
            request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            request.attributes["USERNAME"] = f"{ice['usernameFragment']}:light"
            request.attributes["PRIORITY"] = 1853824767
            request.attributes["ICE-CONTROLLING"] = 7
            request.attributes["USE-CANDIDATE"] = None
            request.add_message_integrity(ice["password"].encode())
            self.send(bytes(request))
            await asyncio.sleep(CONSENT_SECONDS if self._checked.is_set() else CHECK_AGAIN_SECONDS)

    def _readable(self) -> None:
        while True:
            try:
                datagram, ancillary, _, _ = self._socket.recvmsg(MAX_DATAGRAM, 64)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if datagram[0] < 4:
                self._checked.set()
            elif datagram[0] < 64:
                self.records.append(datagram)
                self.record_arrived.set()
            elif self._on_media is not None and not 192 <= datagram[1] <= 223:
                seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
                self._on_media(self._dtls._rx_srtp.unprotect(datagram), seconds * 10**9 + nanoseconds)


class _Ice:
    """What aiortc's DTLS asks of its ICE transport."""

    role = "controlled"

    def __init__(self, transport: LightTransport) -> None:
        self._transport = transport

    async def _recv(self) -> bytes:
        while not self._transport.records:
            self._transport.record_arrived.clear()
            await self._transport.record_arrived.wait()
        return self._transport.records.popleft()

    async def _send(self, data: bytes) -> None:
        self._transport.send(data)


def _open_socket(candidates: list[JsonObject]) -> socket.socket:
    """Connected to the server's address on IPv4 loopback."""
    port = next(each["port"] for each in candidates if each["address"] == "127.0.0.1")
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    opened.connect(("127.0.0.1", port))
    return opened
