"""A connectivity check to one announced address: does a media node answer, and how soon?"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aioice import stun

from rotunda.caller.checks import connectivity_check
from rotunda.caller.errors import NoWay
from rotunda.caller.ways import open_tcp

JsonObject = dict[str, Any]
CHECK_SECONDS = 8.0
CHECK_AGAIN_SECONDS = 0.5
NO_ANSWER, REFUSED = "no answer", "refused"


@dataclass(frozen=True, slots=True)
class Target:
    """An announced address: a candidate of `createWebRtcTransport`."""

    protocol: str
    host: str
    port: int

    @classmethod
    def of(cls, options: JsonObject) -> "list[Target]":
        return [
            cls(str(each["protocol"]).lower(), str(each["address"]), int(each["port"]))
            for each in options["iceCandidates"]
        ]

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Probe:
    """`seconds` of the round trip, where the media node answered, and `seen_as`, our address as it sees it.
    Otherwise `problem`: NO_ANSWER, REFUSED, or what else came in between."""

    target: Target
    seconds: float | None = None
    seen_as: str = ""
    problem: str = ""

    @property
    def answered(self) -> bool:
        return self.seconds is not None


class Check:
    """One request that is sent again until its answer has come; `answered` is what came, as a Probe."""

    def __init__(self, target: Target, options: JsonObject) -> None:
        ice = options["iceParameters"]
        self._target = target
        self._key = str(ice["password"]).encode()
        self._request = connectivity_check(ice, nominate=False)
        self._sent_at = time.monotonic()
        self.answered: asyncio.Future[Probe] = asyncio.get_running_loop().create_future()

    @property
    def datagram(self) -> bytes:
        """To be sent now."""
        self._sent_at = time.monotonic()
        return bytes(self._request)

    def take(self, datagram: bytes) -> None:
        """Something arrived. Only whoever knows the transport's password can answer."""
        if self.answered.done():
            return
        try:
            message = stun.parse_message(datagram)
        except ValueError:
            return
        if message.transaction_id != self._request.transaction_id:
            return
        if message.message_class is not stun.Class.RESPONSE or not message.check_message_integrity(self._key):
            self.fail("answered by something that is not the room's media node")
            return
        host, port = message.attributes.get("XOR-MAPPED-ADDRESS", ("", 0))
        seen_as = str(Target("", host, port)) if host else ""
        self.answered.set_result(Probe(self._target, time.monotonic() - self._sent_at, seen_as))

    def fail(self, problem: str) -> None:
        if not self.answered.done():
            self.answered.set_result(Probe(self._target, problem=problem))


async def probe(target: Target, options: JsonObject) -> Probe:
    """Never raises; takes at most CHECK_SECONDS after the connection."""
    check = Check(target, options)
    return await (_probe_tcp(target, check) if target.protocol == "tcp" else _probe_udp(target, check))


async def until_answered(check: Check, send: Callable[[bytes], None]) -> Probe:
    """Calls `send` with the request again and again."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            while not check.answered.done():
                send(check.datagram)
                await asyncio.wait([check.answered], timeout=CHECK_AGAIN_SECONDS)
    except TimeoutError:
        check.fail(NO_ANSWER)
    return check.answered.result()


async def _probe_udp(target: Target, check: Check) -> Probe:
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Listener(check), remote_addr=(target.host, target.port)
        )
    except OSError as error:
        return Probe(target, problem=str(error))
    try:
        return await until_answered(check, transport.sendto)
    finally:
        transport.close()


async def _probe_tcp(target: Target, check: Check) -> Probe:
    try:
        way = await open_tcp(target.host, target.port)
    except NoWay as error:
        cause = error.__cause__
        problem = REFUSED if isinstance(cause, ConnectionRefusedError) else str(cause or NO_ANSWER)
        return Probe(target, problem=problem)

    async def read() -> None:
        try:
            while True:
                check.take((await way.receive()).content)
        except OSError:
            check.fail("the connection was accepted and closed")

    reading = asyncio.create_task(read())
    try:
        return await until_answered(check, way.send)
    finally:
        reading.cancel()
        await way.close()


class _Listener(asyncio.DatagramProtocol):
    """Of a connected socket: an ICMP message for it arrives as an error."""

    def __init__(self, check: Check) -> None:
        self._check = check

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._check.take(data)

    def error_received(self, exc: Exception) -> None:
        self._check.fail(REFUSED if isinstance(exc, ConnectionRefusedError) else str(exc))
