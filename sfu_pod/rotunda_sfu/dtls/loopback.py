"""Two sessions joined in memory on the running event loop: the fake network of tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rotunda_contract.ids import DataConsumerId
from rotunda_contract.rtp import DtlsParameters, DtlsRole
from rotunda_sfu.dtls.certificate import Certificate
from rotunda_sfu.dtls.engine import Engine, EngineCallbacks, Scheduler
from rotunda_sfu.dtls.port import MemoryPort, link
from rotunda_sfu.dtls.settings import SessionLimits, SrtpKeys

Loses = Callable[[bytes], bool]


@dataclass
class LoopbackEnd:
    """One end: its engine, its port and what its callbacks got."""

    certificate: Certificate
    port: MemoryPort
    engine: Engine = field(init=False)
    keys: SrtpKeys | None = None
    closed: str | None = None
    refused: list[tuple[float, int]] = field(default_factory=list)
    consumers_closed: dict[DataConsumerId, str] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once there are keys or the session is closed."""

    def parameters(self, role: DtlsRole) -> DtlsParameters:
        """What this end announces to the other."""
        return self.certificate.parameters.model_copy(update={"role": role})

    def attach(
        self, scheduler: Scheduler, limits: SessionLimits, cpu_time: Callable[[], float] = lambda: 0.0
    ) -> None:
        """`cpu_time`: of the session thread, in seconds. By default no work takes any, as in virtual time."""
        self.engine = Engine(
            scheduler, self.certificate, self.port, limits, self._callbacks(), cpu_time=cpu_time
        )
        self.port.on_readable = self.engine.readable

    def _callbacks(self) -> EngineCallbacks:
        def on_keys(keys: SrtpKeys) -> None:
            self.keys = keys
            self.done.set()

        def on_closed(reason: str) -> None:
            self.closed = reason
            self.done.set()

        def on_data_limited(refused: int) -> None:
            self.refused.append((asyncio.get_running_loop().time(), refused))

        return EngineCallbacks(on_keys, on_closed, on_data_limited, self.consumers_closed.__setitem__)


@dataclass
class Loopback:
    """`server` and `client` by their DTLS roles, and the turns that both take."""

    scheduler: Scheduler
    server: LoopbackEnd
    client: LoopbackEnd

    def connect(self) -> None:
        """Both ends learn of each other."""
        self.client.engine.connect(self.server.parameters("server"))
        self.server.engine.connect(self.client.parameters("client"))

    async def connected(self) -> None:
        """Connects and waits until both ends have keys or failed."""
        self.connect()
        await self.finished()

    async def finished(self) -> None:
        """Waits until both ends have keys or failed."""
        await asyncio.gather(self.server.done.wait(), self.client.done.wait())


@asynccontextmanager
async def loopback(
    *,
    limits: SessionLimits | None = None,
    server_loses: Loses | None = None,
    client_loses: Loses | None = None,
) -> AsyncIterator[Loopback]:
    """A pair, not yet connected. `…_loses` is asked for each datagram which that end sends."""
    scheduler = Scheduler()
    server = LoopbackEnd(Certificate.generate(), MemoryPort(loses=server_loses))
    client = LoopbackEnd(Certificate.generate(), MemoryPort(loses=client_loses))
    link(server.port, client.port)
    for end in (server, client):
        end.attach(scheduler, limits or SessionLimits())
    turns = asyncio.get_running_loop().create_task(scheduler.run())
    try:
        yield Loopback(scheduler, server, client)
    finally:
        await server.engine.close()
        await client.engine.close()
        turns.cancel()


@asynccontextmanager
async def sfu_end(
    *,
    scheduler: Scheduler | None = None,
    limits: SessionLimits | None = None,
    loses: Loses | None = None,
    cpu_time: Callable[[], float] = lambda: 0.0,
) -> AsyncIterator[LoopbackEnd]:
    """One end whose port waits to be linked. Ends that exchange data share a running scheduler."""
    turns = None
    if scheduler is None:
        scheduler = Scheduler()
        turns = asyncio.get_running_loop().create_task(scheduler.run())
    end = LoopbackEnd(Certificate.generate(), MemoryPort(loses=loses))
    end.attach(scheduler, limits or SessionLimits(), cpu_time)
    try:
        yield end
    finally:
        await end.engine.close()
        if turns is not None:
            turns.cancel()
