"""TURN servers (RFC 8656), each as a client uses it: a relay, leave to send to a media node, a check."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aioice import stun, turn

from rotunda.caller import IceServer
from rotunda.caller.checks import ConnectivityCheck
from rotunda.doctor.findings import Finding, failed, ok, skipped, warning
from rotunda.doctor.patient import is_loopback
from rotunda.doctor.probes import JsonObject, Probe, Target, new_check, run
from rotunda.doctor.ways import Surroundings

OPEN_SECONDS = 10.0
_LIFETIME = 600
_STEP = "turn"
_DENIED = "denied"
_OTHER_FAMILY = "of the other IP version than the relay"
_LEAVE_REFUSED = {403: _DENIED, 443: _OTHER_FAMILY}
_REFUSALS = {
    401: "does not take the credentials",
    403: "forbids relays",
    437: "answers of another relay of this port",
    441: "does not take the credentials",
    486: "has given all the relays that one user may have",
    508: "has no relay left",
}


@dataclass(frozen=True, slots=True)
class Relayed:
    """What came of one TURN URL. `reached`: hosts of media nodes that answered through it."""

    finding: Finding
    reached: frozenset[str] = frozenset()


class _Unusable(Exception):
    """What was seen, and what to do."""

    def __init__(self, saw: str, advice: str) -> None:
        super().__init__(saw)
        self.advice = advice


async def check_relay(
    server: IceServer, options: JsonObject, context: ssl.SSLContext | None, server_time: float
) -> Relayed:
    """`server_time`: signaling's clock, in seconds since 1970. Takes half a minute at most."""
    targets = [target for target in Target.of(options) if target.protocol == "udp"]
    try:
        protocol, transport = await _open(server, context, server_time)
    except _Unusable as error:
        return Relayed(failed(_STEP, f"{server.url}: {error}", error.advice))
    try:
        inbox = _Inbox()
        protocol.receiver = inbox
        probes = await asyncio.gather(
            *(_check_through(protocol, inbox, target, options) for target in targets)
        )
    finally:
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(OPEN_SECONDS):
                await protocol.delete()
        transport.close()
    reached = frozenset(probe.target.host for probe in probes if probe.answered)
    return Relayed(_explain(server, probes), reached)


def no_relays(around: Surroundings) -> Finding:
    if around.local:
        return skipped(_STEP, "no TURN server is told to clients, and none needed on this machine")
    advice = "people behind strict firewalls need one: docs/turn.md, ROTUNDA_TURN_URLS or spec.turn"
    return warning(_STEP, "no TURN server is told to clients", advice)


async def _open(
    server: IceServer, context: ssl.SSLContext | None, server_time: float
) -> tuple[turn.TurnClientProtocol, asyncio.BaseTransport]:
    """A relay. Raises _Unusable."""
    protocol, transport = await _connect(server, context)
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            allocating = asyncio.create_task(protocol.connect())
            lost = asyncio.create_task(_lost(protocol))
            try:
                await asyncio.wait([allocating, lost], return_when=asyncio.FIRST_COMPLETED)
                if not allocating.done():
                    raise _Unusable("refused: nothing listens there", _advice_down(server))
                await allocating
            finally:
                allocating.cancel()
                lost.cancel()
    except stun.TransactionFailed as error:
        transport.close()
        raise _refusal(server, error.response.error_code, server_time) from None
    except (TimeoutError, stun.TransactionError, ConnectionError):
        transport.close()
        raise _Unusable("no answer", _advice_down(server)) from None
    except BaseException:
        transport.close()
        raise
    return protocol, transport


async def _connect(
    server: IceServer, context: ssl.SSLContext | None
) -> tuple["_Udp | _Tcp", asyncio.BaseTransport]:
    loop = asyncio.get_running_loop()
    host, port = server.address
    common = (
        server.address,
        server.username,
        server.credential,
        _LIFETIME,
        turn.DEFAULT_CHANNEL_REFRESH_TIME,
    )
    transport: asyncio.BaseTransport
    protocol: _Udp | _Tcp
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            if server.over_tcp:
                tls = (context or ssl.create_default_context()) if server.is_secure else None
                transport, protocol = await loop.create_connection(lambda: _Tcp(*common), host, port, ssl=tls)
            else:
                transport, protocol = await loop.create_datagram_endpoint(
                    lambda: _Udp(*common), remote_addr=(host, port)
                )
    except ssl.SSLCertVerificationError as error:
        advice = (
            "clients must believe it: renew it, or name the host that it is for in the URL (spec.turn.host)"
        )
        raise _Unusable(f"its certificate is not valid: {error.verify_message}", advice) from None
    except TimeoutError:
        raise _Unusable("no answer", _advice_down(server)) from None
    except ConnectionRefusedError:
        raise _Unusable("refused: nothing listens there", _advice_down(server)) from None
    except OSError as error:
        raise _Unusable(str(error), _advice_down(server)) from None
    return protocol, transport


async def _lost(protocol: "_Udp | _Tcp") -> None:
    await protocol.lost.wait()


async def _check_through(
    protocol: turn.TurnClientProtocol, inbox: "_Inbox", target: Target, options: JsonObject
) -> Probe:
    peer = (target.host, target.port)
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            check = new_check(options)
            inbox.checks.append(check)
            await protocol.send_data(check.datagram, peer)  # binds a channel, which gives leave
    except stun.TransactionFailed as error:
        code = error.response.error_code
        return Probe(target, problem=_LEAVE_REFUSED.get(code or 0, f"refused with {code}"))
    except (TimeoutError, stun.TransactionError, ConnectionError, OSError):
        return Probe(target, problem="no answer to the request for leave")
    sending: set[asyncio.Task[None]] = set()

    def send(datagram: bytes) -> None:
        sending.add(asyncio.create_task(protocol.send_data(datagram, peer)))

    try:
        return await run(check, target, send)
    finally:
        await asyncio.gather(*sending, return_exceptions=True)


def _explain(server: IceServer, probes: Sequence[Probe]) -> Finding:
    answered = [probe for probe in probes if probe.answered]
    told = f"{server.url}: opens a relay"
    if answered:
        best = min(answered, key=lambda probe: probe.seconds or 0.0)
        return ok(
            _STEP, f"{told}, which {best.target} answers through in {1000 * (best.seconds or 0):.1f} ms"
        )
    foreign = [probe for probe in probes if not is_loopback(probe.target.host)] or list(probes)
    tried = ", ".join(str(probe.target) for probe in foreign)
    if not foreign:
        return skipped(_STEP, f"{told}; no media address to try it with")
    if {probe.problem for probe in foreign} - {_OTHER_FAMILY} == {_DENIED}:
        advice = (
            "let it relay to the media nodes' addresses (allowed-peer-ip; in a cluster the operator does)"
        )
        return failed(_STEP, f"{told}, but may not send to the media node ({tried})", advice)
    advice = (
        "the TURN server's machine must reach the media nodes' UDP ports, and they its relay ports "
        "(49152 to 65535 UDP); and the announced address must be right"
    )
    return failed(_STEP, f"{told}, but the media node does not answer through it ({tried})", advice)


def _refusal(server: IceServer, code: int | None, server_time: float) -> _Unusable:
    saw = f"{_REFUSALS.get(code or 0, 'refuses')} ({code})"
    if code not in (401, 441):
        return _Unusable(saw, "see the TURN server's log and limits (user-quota, total-quota)")
    expiry = server.username.partition(":")[0]
    if expiry.isdecimal() and int(expiry) <= server_time:
        return _Unusable(
            f"{saw}: they have ended", "let the clocks of signaling and of the TURN server follow NTP"
        )
    return _Unusable(
        saw,
        "signaling's ROTUNDA_TURN_SECRET_FILE must hold the secret that the TURN server has "
        "(static-auth-secret), and both clocks be right",
    )


def _advice_down(server: IceServer) -> str:
    port = f"{'TCP' if server.over_tcp else 'UDP'} port {server.address[1]}"
    return (
        f"is the TURN server up? Start it, open {port} to clients, or take the URL out of ROTUNDA_TURN_URLS"
    )


class _Udp(turn.TurnClientUdpProtocol):
    """Notices ICMP's word that nobody is there."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.lost = asyncio.Event()

    def error_received(self, exc: Exception) -> None:
        self.lost.set()


class _Tcp(turn.TurnClientTcpProtocol):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
        super().connection_lost(exc)


class _Inbox(asyncio.DatagramProtocol):
    """What media nodes send back through the relay; each check knows its own answer."""

    def __init__(self) -> None:
        self.checks: list[ConnectivityCheck] = []

    def datagram_received(self, data: bytes, addr: Any) -> None:
        for check in self.checks:
            check.take(data)
