"""What a createWebRtcTransport costs between signaling and a media node: gRPC over loopback TCP.

    python bench/create_transport.py [--calls 3000]

The media node is a process of its own, as in a pod, with its real media worker; the caller is signaling's own
client, with its deadline and its breaker. Each transport is closed by a call that is not measured. Beside it
stands a health check over the same server: what any call costs.
"""

import argparse
import asyncio
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvloop
from grpc_health.v1 import health_pb2
from harness.child import cpu_seconds

from rotunda_base.logs import configure_logs
from rotunda_contract import grpc_client
from rotunda_contract.ids import ProcessId
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb.events_pb2 import RoomEvent
from rotunda_sfu.serve import serve
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.media_node.grpc import GrpcMediaNode, GrpcMediaNodes

PROCESS = ProcessId("bench")
KEY = pb.RoomKey(room="bench", epoch=1, process_id=PROCESS)
WARM_UP = 200
CONCURRENT = 10

Call = Callable[[], Awaitable[float]]
"""Does one thing and returns the seconds of what is measured."""


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of every call, and CPU seconds that both processes took meanwhile, uncounted calls included."""

    title: str
    seconds: list[float]
    node_cpu: float
    caller_cpu: float

    def row(self) -> str:
        cuts = statistics.quantiles(self.seconds, n=100, method="inclusive")
        times = (*(cuts[at] for at in (49, 94, 98)), max(self.seconds))
        milliseconds = " | ".join(f"{each * 1e3:.2f}" for each in times)
        cpu = " | ".join(f"{each / len(self.seconds) * 1e6:.0f}" for each in (self.node_cpu, self.caller_cpu))
        return f"| {self.title} | {milliseconds} | {cpu} |"


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--node", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.node:
        await be_the_node()
        return
    async with media_node() as (pid, address):
        node = GrpcMediaNodes().at_address(address)
        async with room(node, CONCURRENT) as actors:
            creating = [creator(node, actor) for actor in actors]
            checking = health_check(address)
            runs = [
                await measure("one caller", pid, creating[:1], arguments.calls),
                await measure(f"{CONCURRENT} callers at once", pid, creating, arguments.calls),
                await measure("health check, one caller", pid, [checking], arguments.calls),
            ]
        await node.close()
    print(f"| {arguments.calls} calls | p50 ms | p95 ms | p99 ms | max ms | node CPU µs | caller CPU µs |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(run.row() for run in runs))


async def measure(title: str, pid: int, callers: list[Call], calls: int) -> Run:
    """So many calls in all, each caller's one after another, after some that do not count."""
    await asyncio.gather(*(repeat(call, WARM_UP // len(callers)) for call in callers))
    node, caller = cpu_seconds(pid), own_cpu_seconds()
    taken = await asyncio.gather(*(repeat(call, calls // len(callers)) for call in callers))
    seconds = [each for one in taken for each in one]
    return Run(title, seconds, cpu_seconds(pid) - node, own_cpu_seconds() - caller)


async def repeat(call: Call, times: int) -> list[float]:
    return [await call() for _ in range(times)]


def creator(node: GrpcMediaNode, actor: pb.Actor) -> Call:
    async def create() -> float:
        began = time.perf_counter()
        made = await node.create_web_rtc_transport(
            pb.CreateWebRtcTransportRequest(actor=actor, direction="send")
        )
        taken = time.perf_counter() - began
        await node.close_transport(pb.CloseTransportRequest(actor=actor, transport_id=made.id))
        return taken

    return create


def health_check(address: str) -> Call:
    method = grpc_client.open_channel(address).unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )

    async def check() -> float:
        began = time.perf_counter()
        await method(health_pb2.HealthCheckRequest())
        return time.perf_counter() - began

    return check


@asynccontextmanager
async def room(node: GrpcMediaNode, people: int) -> AsyncIterator[list[pb.Actor]]:
    """An open room with so many people, watched as signaling watches it."""
    await node.open_room(pb.OpenRoomRequest(room_key=KEY))
    events = node.watch_room(pb.WatchRoomRequest(room_key=KEY, watcher_id="bench"))
    await anext(events)
    watching = asyncio.create_task(read(events))
    joined = [
        await node.join(
            pb.JoinRequest(
                room_key=KEY, connection_id=f"c{number}", watcher_id="bench", display_name=f"Caller {number}"
            )
        )
        for number in range(people)
    ]
    yield [pb.Actor(room_key=KEY, participant_id=each.participant_id) for each in joined]
    watching.cancel()


async def read(events: AsyncIterator[RoomEvent]) -> None:
    async for _ in events:
        pass


@asynccontextmanager
async def media_node() -> AsyncIterator[tuple[int, str]]:
    """A media node in its own process: its id and its gRPC address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--node"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.pid, (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


async def be_the_node() -> None:
    """Serves until standard input ends; says on standard output where."""
    configure_logs("info", "json")
    settings = NodeSettings.load(
        grpc_address="127.0.0.1:0", media_port=0, workers=1, listen_addresses="127.0.0.1", process_id=PROCESS
    )
    async with serve(settings) as running:
        print(running.grpc_address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def own_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
