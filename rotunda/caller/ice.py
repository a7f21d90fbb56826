"""ICE as the controlling agent towards an ICE-lite one (RFC 8445 section 6.1.1): which way datagrams take."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rotunda.caller.checks import (
    ACCEPTED_AND_CLOSED,
    ConnectivityCheck,
    Outcome,
    consent_check,
    is_stun,
    refusal,
    until_answered,
)
from rotunda.caller.errors import NoWay
from rotunda.caller.patience import USUAL, Patience
from rotunda.caller.ways import IceServer, OnDatagram, Way, WayKind, open_relay, open_tcp, open_udp

PACE_SECONDS = 0.05
"""Between the first checks of two candidates (RFC 8445 section 14.2)."""
CONSENT_SECONDS = 5.0
LINGER_SECONDS = 2.0
"""How long a way that another one has replaced is still read: what was sent over it is under way."""
_Open = Callable[[], Awaitable[Way]]


@dataclass(frozen=True, slots=True)
class RemoteIce:
    """What signaling tells of the media node's end: `iceParameters` and `iceCandidates` of a transport."""

    parameters: dict[str, Any]
    candidates: Sequence[dict[str, Any]]


class IceAgent:
    """Connects along ways of one kind. `on_datagram` gets all that is no STUN.

    `connect` may be called again with other candidates or credentials: the way in use stays until a new one
    is nominated, so that nothing is lost in between. `on_lost` is called once nothing can be sent any more.
    """

    def __init__(
        self,
        kind: WayKind,
        servers: Sequence[IceServer],
        context: ssl.SSLContext | None,
        on_datagram: OnDatagram,
        patience: Patience = USUAL,
    ) -> None:
        """`servers` are needed for a relay; `context` checks their certificates."""
        self.way: Way | None = None
        self.on_lost: Callable[[], None] = lambda: None
        self._kind = kind
        self._servers = servers
        self._context = context
        self._on_datagram = on_datagram
        self._patience = patience
        self._replaced: set[Way] = set()
        self._consent: asyncio.Task[None] | None = None

    async def connect(self, remote: RemoteIce) -> None:
        """Takes the first way that answers. Raises NoWay, which tells of each that was tried."""
        way = await self._first_that_answers(remote)
        try:
            outcome = await self._check(way, remote, nominate=True)
        except BaseException:
            way.close()
            raise
        if outcome.problem:
            way.close()
            raise NoWay(_told(way, outcome))
        before, self.way = self.way, way
        way.on_lost = self.on_lost
        if before is not None:
            self._linger(before)
        if self._consent is not None:
            self._consent.cancel()
        self._consent = asyncio.create_task(self._keep_consent(way, remote))

    def send(self, datagram: bytes) -> None:
        """Only once there is a way; as any network, it may lose it."""
        if self.way is not None:
            self.way.send(datagram)

    def close(self) -> None:
        if self._consent is not None:
            self._consent.cancel()
        for way in (*self._replaced, *([self.way] if self.way is not None else [])):
            way.close()
        self._replaced.clear()
        self.way = None

    async def _first_that_answers(self, remote: RemoteIce) -> Way:
        """Begins with the candidate of the highest priority, and with the next where no answer came by then.

        Nominates none: media stays where it is until one has been chosen.
        """
        openings = self._openings(remote)
        if not openings:
            raise NoWay(f"the media node offers no way of the kind {self._kind}")
        found: asyncio.Future[Way] = asyncio.get_running_loop().create_future()
        trials = [
            asyncio.create_task(self._try(opening, remote, found, PACE_SECONDS * number))
            for number, opening in enumerate(openings)
        ]
        pending = set(trials)
        try:
            while pending and not found.done():
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            if found.done():
                found.result().close()
            raise
        finally:
            for trial in pending:
                trial.cancel()
        if found.done():
            return found.result()
        raise NoWay("; ".join(trial.result() for trial in trials))

    async def _try(
        self, opening: _Open, remote: RemoteIce, found: "asyncio.Future[Way]", delay: float
    ) -> str:
        """Gives `found` this way if it is the first to answer; else closes it and returns what was wrong."""
        await asyncio.sleep(delay)
        try:
            way = await opening()
        except NoWay as error:
            return str(error)
        try:
            outcome = await self._check(way, remote, nominate=False)
            if not outcome.problem and not found.done():
                found.set_result(way)
            return _told(way, outcome)
        finally:
            if not found.done() or found.result() is not way:
                way.close()

    async def _check(self, way: Way, remote: RemoteIce, *, nominate: bool) -> Outcome:
        check = ConnectivityCheck(remote.parameters, nominate=nominate)
        way.on_datagram = partial(self._arrived, way, check)
        way.on_lost = partial(check.fail, ACCEPTED_AND_CLOSED)
        return await until_answered(check, way.send, self._patience.check)

    def _arrived(self, way: Way, check: ConnectivityCheck, datagram: bytes, at: int) -> None:
        if not is_stun(datagram):
            self._on_datagram(datagram, at)
        elif (answer := refusal(datagram)) is not None:
            way.send(answer)
        else:
            check.take(datagram)

    def _linger(self, way: Way) -> None:
        def end() -> None:
            self._replaced.discard(way)
            way.close()

        self._replaced.add(way)
        way.on_lost = lambda: None
        asyncio.get_running_loop().call_later(LINGER_SECONDS, end)

    async def _keep_consent(self, way: Way, remote: RemoteIce) -> None:
        while True:
            await asyncio.sleep(CONSENT_SECONDS)
            way.send(consent_check(remote.parameters))

    def _openings(self, remote: RemoteIce) -> list[_Open]:
        found: list[_Open] = []
        for each in sorted(remote.candidates, key=lambda each: -int(each["priority"])):
            host, port = str(each["address"]), int(each["port"])
            protocol = str(each["protocol"]).lower()
            if self._kind == "udp" and protocol == "udp":
                found.append(partial(open_udp, host, port))
            elif self._kind == "tcp" and protocol == "tcp":
                found.append(partial(open_tcp, host, port))
            elif self._kind == "relay" and protocol == "udp":
                found += [partial(open_relay, server, host, port, self._context) for server in self._servers]
        return found


def _told(way: Way, outcome: Outcome) -> str:
    return f"{way.name}: connectivity checks: {outcome.problem}"
