"""Connectivity checks (RFC 8445 section 7.2.2) towards an ICE-lite agent, and the answer to its probes."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aioice import stun

NO_ANSWER = "no answer"
NOT_OURS = "answered by something that is not the room's media node"
ACCEPTED_AND_CLOSED = "the connection was accepted and closed"
CHECK_AGAIN_SECONDS = 0.25
_PRIORITY = 1_853_824_767
_TIE_BREAKER = 7


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a check: `seconds` of the round trip, and `seen_as`, our address as the peer sees it.

    Where `seconds` is None there was no good answer, and `problem` tells why.
    """

    seconds: float | None = None
    seen_as: tuple[str, int] | None = None
    problem: str = ""


class ConnectivityCheck:
    """One binding request, which may be sent many times. `outcome` is known once somebody has answered.

    Only a check that nominates moves the media of its transport to the way that it comes on.
    """

    def __init__(self, ice_parameters: dict[str, Any], *, nominate: bool) -> None:
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._key = str(ice_parameters["password"]).encode()
        self._request = _request(str(ice_parameters["usernameFragment"]), self._key, nominate)
        self._sent_at = time.monotonic()

    @property
    def datagram(self) -> bytes:
        """To be sent now: the round trip counts from here."""
        self._sent_at = time.monotonic()
        return bytes(self._request)

    def take(self, datagram: bytes) -> None:
        """Something arrived. Only whoever knows the transport's password can answer."""
        if self.outcome.done():
            return
        try:
            message = stun.parse_message(datagram)
        except ValueError:
            return
        if message.transaction_id != self._request.transaction_id:
            return
        if message.message_class is not stun.Class.RESPONSE or not message.check_message_integrity(self._key):
            self.fail(NOT_OURS)
            return
        seen_as = message.attributes.get("XOR-MAPPED-ADDRESS")
        self.outcome.set_result(Outcome(time.monotonic() - self._sent_at, seen_as))

    def fail(self, problem: str) -> None:
        """Nothing that comes later counts."""
        if not self.outcome.done():
            self.outcome.set_result(Outcome(problem=problem))


async def until_answered(
    check: ConnectivityCheck,
    send: Callable[[bytes], None],
    seconds: float,
    *,
    again: float = CHECK_AGAIN_SECONDS,
) -> Outcome:
    """Sends the check again and again; without an answer in time its problem is NO_ANSWER."""
    try:
        async with asyncio.timeout(seconds):
            while not check.outcome.done():
                send(check.datagram)
                await asyncio.wait([check.outcome], timeout=again)
    except TimeoutError:
        check.fail(NO_ANSWER)
    return check.outcome.result()


def consent_check(ice_parameters: dict[str, Any]) -> bytes:
    """A check whose answer nobody waits for: it keeps a nominated way open (RFC 7675)."""
    fragment, key = str(ice_parameters["usernameFragment"]), str(ice_parameters["password"]).encode()
    return bytes(_request(fragment, key, nominate=True))


def refusal(datagram: bytes) -> bytes | None:
    """The answer to a binding request without credentials (RFC 8489 section 9.1.3); None for what is none.

    A media node asks so whether what it sends to a new way arrives, and holds back media until it is told.
    """
    try:
        message = stun.parse_message(datagram)
    except ValueError:
        return None
    if message.message_class is not stun.Class.REQUEST:
        return None
    answer = stun.Message(stun.Method.BINDING, stun.Class.ERROR, transaction_id=message.transaction_id)
    answer.attributes["ERROR-CODE"] = (400, "Bad Request")
    return bytes(answer)


def is_stun(datagram: bytes) -> bool:
    """RFC 7983."""
    return bool(datagram) and datagram[0] < 4


def _request(username_fragment: str, key: bytes, nominate: bool) -> stun.Message:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{username_fragment}:caller"
    request.attributes["PRIORITY"] = _PRIORITY
    request.attributes["ICE-CONTROLLING"] = _TIE_BREAKER
    if nominate:
        request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(key)
    request.add_fingerprint()
    return request
