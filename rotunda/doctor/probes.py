"""A connectivity check to one announced address: does a media node answer, and how soon?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rotunda.caller.checks import ACCEPTED_AND_CLOSED, NO_ANSWER, ConnectivityCheck, until_answered
from rotunda.caller.errors import NoWay
from rotunda.caller.ways import open_tcp, open_udp

JsonObject = dict[str, Any]
CHECK_SECONDS = 8.0
CHECK_AGAIN_SECONDS = 0.5
REFUSED = "refused"


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


def new_check(options: JsonObject) -> ConnectivityCheck:
    """One that moves no media."""
    return ConnectivityCheck(options["iceParameters"], nominate=False)


async def probe(target: Target, options: JsonObject) -> Probe:
    """Never raises; takes at most CHECK_SECONDS after the connection."""
    try:
        way = await (open_tcp if target.protocol == "tcp" else open_udp)(target.host, target.port)
    except NoWay as error:
        cause = error.__cause__
        problem = REFUSED if isinstance(cause, ConnectionRefusedError) else str(cause or NO_ANSWER)
        return Probe(target, problem=problem)
    check = new_check(options)
    way.on_datagram = lambda datagram, at: check.take(datagram)
    way.on_error = lambda error: check.fail(_named(error))
    way.on_lost = lambda: check.fail(ACCEPTED_AND_CLOSED)
    try:
        return await run(check, target, way.send)
    finally:
        way.close()


async def run(check: ConnectivityCheck, target: Target, send: Callable[[bytes], None]) -> Probe:
    """Calls `send` with the check again and again."""
    outcome = await until_answered(check, send, CHECK_SECONDS, again=CHECK_AGAIN_SECONDS)
    seen_as = str(Target("", *outcome.seen_as)) if outcome.seen_as is not None else ""
    return Probe(target, outcome.seconds, seen_as, outcome.problem)


def _named(error: OSError) -> str:
    """What the network says of a datagram: ICMP arrives as an error of the next call."""
    return REFUSED if isinstance(error, ConnectionRefusedError) else str(error)
