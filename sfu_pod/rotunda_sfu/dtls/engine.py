"""A session on its own thread's event loop: takes datagrams, shakes hands, moves data.

`Scheduler` gives every session its turn: a bounded number of datagrams each, then the event loop
goes on with timers and with the handshakes that these datagrams continue, then the next turn.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rotunda_base.rates import Rate, TokenBucket
from rotunda_contract.ids import DataConsumerId, DataProducerId
from rotunda_contract.rtp import DtlsParameters, SctpStreamParameters
from rotunda_sfu.data.association import PeerMisbehaved
from rotunda_sfu.data.channels import Backlogs, DataRouter, TransportData
from rotunda_sfu.dtls.certificate import Certificate
from rotunda_sfu.dtls.endpoint import DtlsEndpoint, HandshakeFailed
from rotunda_sfu.dtls.port import DatagramPort
from rotunda_sfu.dtls.settings import SessionLimits, SrtpKeys

_log = logging.getLogger(__name__)
_DEFECT = "a defect of the media node"

SESSIONS_A_TURN = 16
DATAGRAMS_A_SESSION = 4
MESSAGES_A_TURN = 32
REPORT_SECONDS = 1.0

_LEAST_CHARGE_BYTES = 128
"""Small datagrams cost more than their bytes."""
_CPU_SHARE = 0.1
"""A session that keeps the thread busy longer than this share of its time is slowed down too."""


class Scheduler:
    """Turns for the sessions that have something to do. `start` it on the loop that is to run it."""

    def __init__(self) -> None:
        self.router = DataRouter(self._wake)
        self._ready: deque[Engine] = deque()
        self._waiting: set[Engine] = set()
        self._awake = asyncio.Event()

    def ready(self, engine: Engine) -> None:
        """The session has datagrams to take."""
        if engine not in self._waiting:
            self._waiting.add(engine)
            self._ready.append(engine)
            self._awake.set()

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            await self._awake.wait()
            self._awake.clear()
            for _ in range(min(SESSIONS_A_TURN, len(self._ready))):
                engine = self._ready.popleft()
                self._waiting.discard(engine)
                if self._pump(engine):
                    self.ready(engine)
            if await self.router.work(MESSAGES_A_TURN) or self._ready:
                self._awake.set()
            await asyncio.sleep(0)

    def _pump(self, engine: Engine) -> bool:
        try:
            return engine.pump()
        except Exception:
            _log.exception("a session ends by a defect")
            engine.fail()
            return False

    def _wake(self) -> None:
        self._awake.set()


@dataclass(frozen=True, slots=True)
class EngineCallbacks:
    """Called on the session thread. `on_closed` is the last."""

    on_keys: Callable[[SrtpKeys], None]
    on_closed: Callable[[str], None]
    on_data_limited: Callable[[int], None]
    on_data_consumer_closed: Callable[[DataConsumerId, str], None]


class Engine:
    """One session. Its methods run on the session thread only; `cpu_time` is that thread's, in seconds."""

    def __init__(
        self,
        scheduler: Scheduler,
        certificate: Certificate,
        port: DatagramPort,
        limits: SessionLimits,
        callbacks: EngineCallbacks,
        *,
        cpu_time: Callable[[], float] = time.thread_time,
    ) -> None:
        self._scheduler = scheduler
        self._port = port
        self._limits = limits
        self._callbacks = callbacks
        self._cpu_time = cpu_time
        self._endpoint = DtlsEndpoint(
            certificate, send=port.send, on_data=self._on_data, on_closed=self._peer_closed
        )
        self._state: Literal["new", "connecting", "connected", "closed"] = "new"
        self._loop = asyncio.get_running_loop()
        self._bucket = TokenBucket(Rate(limits.data_burst, limits.data_rate), self._loop.time())
        self._refused = _RefusedReport(callbacks.on_data_limited)
        self._handshake: asyncio.Task[None] | None = None
        self._throttle: asyncio.TimerHandle | None = None
        self._slowed = False
        self._data: TransportData | None = None
        self._commands: list[Callable[[TransportData], None]] = []
        self._ending: asyncio.Task[None] | None = None

    def connect(self, remote: DtlsParameters) -> None:
        """Starts the handshake; what came before waits in the port."""
        if self._state == "new":
            self._state = "connecting"
            self._handshake = self._loop.create_task(self._run_handshake(remote))
            self._scheduler.ready(self)

    def readable(self) -> None:
        """The port has something. Before `connect` it stays there."""
        if self._state in ("connecting", "connected"):
            self._scheduler.ready(self)

    def peer_has_keys(self) -> None:
        """It has all of the handshake."""
        self._endpoint.peer_has_keys()

    def pump(self) -> bool:
        """Takes some datagrams within the rate; true when there may be more right now."""
        if self._state not in ("connecting", "connected") or self._throttle is not None:
            return False
        if self._endpoint.backlog:
            return True
        now = self._loop.time()
        if (pause := self._bucket.wait(now)) > 0:
            self._throttle = self._loop.call_later(pause, self._go_on)
            self._slowed = True
            return False
        datagrams = self._port.receive(DATAGRAMS_A_SESSION)
        for datagram in datagrams:
            self._bucket.charge(max(len(datagram), _LEAST_CHARGE_BYTES), now)
            self._endpoint.feed(datagram)
        if self._state == "connected":
            self._refused.update(self._port.dropped(), now, limited=self._slowed)
        more = len(datagrams) == DATAGRAMS_A_SESSION
        self._slowed = self._slowed and more
        return more

    def _with_data(self, command: Callable[[TransportData], None]) -> None:
        """Runs a command on the data channels, as soon as there are any."""
        if self._data is not None:
            command(self._data)
        elif self._state != "closed":
            self._commands.append(command)

    def add_data_producer(self, producer: DataProducerId, stream: int) -> None:
        self._with_data(lambda data: data.add_producer(producer, stream))

    def remove_data_producer(self, producer: DataProducerId) -> None:
        self._with_data(lambda data: data.remove_producer(producer))

    def add_data_consumer(
        self, consumer: DataConsumerId, producer: DataProducerId, stream: SctpStreamParameters
    ) -> None:
        self._with_data(lambda data: data.add_consumer(consumer, producer, stream))

    def remove_data_consumer(self, consumer: DataConsumerId) -> None:
        self._with_data(lambda data: data.remove_consumer(consumer))

    def fail(self) -> None:
        """Something of ours went wrong: ends this session only."""
        self._end_soon(_DEFECT)

    async def close(self) -> None:
        """Ends everything; the peer gets close_notify, no callback is called. Twice is allowed."""
        if self._state == "closed":
            return
        self._state = "closed"
        self._commands.clear()
        self._refused.stop()
        if self._throttle is not None:
            self._throttle.cancel()
        if self._handshake is not None and self._handshake is not asyncio.current_task():
            self._handshake.cancel()
        if self._data is not None:
            await self._data.close()
        await self._endpoint.close()

    async def _run_handshake(self, remote: DtlsParameters) -> None:
        try:
            keys = await self._endpoint.handshake(remote, self._limits.handshake_deadline)
        except HandshakeFailed as failure:
            await self._end(str(failure))
            return
        except Exception:
            _log.exception("a handshake ends by a defect")
            await self._end(_DEFECT)
            return
        self._callbacks.on_keys(keys)
        self._data = TransportData(
            self._endpoint.role,
            self._scheduler.router,
            Backlogs(self._limits.reliable_backlog, self._limits.unreliable_backlog),
            send=self._endpoint.send_data,
            on_consumer_closed=self._callbacks.on_data_consumer_closed,
        )
        await self._data.start()
        self._state = "connected"
        self._refused.start(self._port.dropped(), self._loop.time())
        commands, self._commands = self._commands, []
        for command in commands:
            command(self._data)

    async def _on_data(self, packet: bytes) -> None:
        if self._data is None:
            return
        started = self._cpu_time()
        try:
            await self._data.receive(packet)
        except PeerMisbehaved as reason:
            self._end_soon(f"data channels: {reason}")
        busy = self._cpu_time() - started
        self._bucket.charge(int(busy * self._limits.data_rate / _CPU_SHARE), self._loop.time())

    def _peer_closed(self) -> None:
        self._end_soon("the peer closed the DTLS association")

    def _end_soon(self, reason: str) -> None:
        """Ends the session from within a call of the endpoint, which must return first."""
        if self._ending is None:
            self._ending = self._loop.create_task(self._end(reason))

    async def _end(self, reason: str) -> None:
        if self._state != "closed":
            await self.close()
            self._callbacks.on_closed(reason)

    def _go_on(self) -> None:
        self._throttle = None
        self._scheduler.ready(self)


class _RefusedReport:
    """Reports how many datagrams were lost to the rate limit, at most once a second."""

    def __init__(self, emit: Callable[[int], None]) -> None:
        self._emit = emit
        self._reported = 0
        self._seen = 0
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, dropped: int, now: float) -> None:
        """Begins to count. What was lost during the handshake was not data, and is left out."""
        self._reported = self._seen = dropped
        self._next = now

    def update(self, dropped: int, now: float, *, limited: bool) -> None:
        """`dropped` is the port's count so far. Losses of a short burst below the rate are not reported."""
        if not limited:
            self._reported += dropped - self._seen
        self._seen = dropped
        if self._seen == self._reported or self._timer is not None:
            return
        self._timer = asyncio.get_running_loop().call_later(max(0.0, self._next - now), self._report)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _report(self) -> None:
        self._timer = None
        self._next = asyncio.get_running_loop().time() + REPORT_SECONDS
        refused, self._reported = self._seen - self._reported, self._seen
        self._emit(refused)
