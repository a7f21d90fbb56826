"""The operator under load: a real API server, a process of its own, media nodes that report, Rooms applied.

Prints a table. The operator is pinned to one core, everything else to the others. Absolute times mean little
on a busy machine; the operator's CPU seconds, writes and imbalance do.
"""

import argparse
import asyncio
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

from rotunda_kube import Informer, Key, KubeApi, Manifest
from rotunda_kube.api import connect
from rotunda_kube.resource import LEASES, MEDIA_CLUSTERS, MEDIA_NODES, ROOMS
from rotunda_operator.testing import ControlPlane, FakeKubelet, OperatorProcess
from rotunda_operator.testing.fleet import Fleet
from rotunda_operator.testing.service import LeaderService

NAMESPACE = "bench"
CREATORS = 16


@dataclass(slots=True)
class Bench:
    """What all measurements share. `assigned` resolves when the watch shows a Room's assignment."""

    api: KubeApi
    fleet: Fleet
    operators: dict[str, OperatorProcess]
    rng: random.Random
    assigned: dict[Key, asyncio.Future[float]]
    made: int = 0

    async def create(self) -> asyncio.Future[float]:
        """A Room; the answer's result is the seconds from the create's return to Assigned."""
        self.made += 1
        name = f"room-{self.made}"
        seen: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.assigned[Key(NAMESPACE, name)] = seen
        people = self.rng.randint(2, 14)
        await self.api.create(ROOMS, manifest("Room", name, {"expectedParticipants": people}))
        created = time.monotonic()
        latency: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        seen.add_done_callback(lambda done: latency.set_result(max(done.result() - created, 0.0)))
        return latency

    def on_room(self, room: Manifest) -> None:
        self.fleet.on_room(room)
        if room.get("status", {}).get("assignment"):
            seen = self.assigned.get(Key(NAMESPACE, room["metadata"]["name"]))
            if seen is not None and not seen.done():
                seen.set_result(time.monotonic())


def manifest(kind: str, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "rotunda.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--rooms", type=int, default=10_000)
    parser.add_argument("--steady-seconds", type=int, default=60)
    options = parser.parse_args()
    others = sorted(os.sched_getaffinity(0))[1:] or [0]
    os.sched_setaffinity(0, others)
    with (
        tempfile.TemporaryDirectory(prefix="rotunda-bench-") as folder,
        ControlPlane(Path(folder) / "plane") as plane,
    ):
        plane.kubectl("create", "namespace", NAMESPACE)
        plane.kubectl("create", "serviceaccount", "default", "-n", NAMESPACE)
        asyncio.run(measure(plane, Path(folder), options))


async def measure(plane: ControlPlane, folder: Path, options: argparse.Namespace) -> None:
    kubeconfig = plane.operator_kubeconfig(NAMESPACE)
    operators = {
        name: OperatorProcess(folder, kubeconfig, NAMESPACE, identity=name, log_level="warning")
        for name in ("one", "two")
    }
    kubelet = FakeKubelet(plane.kubeconfig, NAMESPACE)
    api = await connect(plane.kubeconfig, connections=CREATORS + 16)
    nodes = [f"mn-{index}" for index in range(options.nodes)]
    service = LeaderService({name: op.otlp_port for name, op in operators.items()}, lambda: holder(api))
    fleet = Fleet(NAMESPACE, await service.start(), nodes)
    bench = Bench(api, fleet, operators, random.Random(1), {})
    informer = Informer(api, ROOMS, NAMESPACE, on_change=bench.on_room, on_delete=fleet.on_room_deleted)
    background = [asyncio.create_task(informer.run()), asyncio.create_task(fleet.run())]
    try:
        start(operators["one"])
        await say("nodes Ready", make_fleet(bench, nodes))
        await steady(bench, options.steady_seconds)
        await at_once(bench, options.rooms)
        print(f"{'imbalance, highest against mean':<52} {fleet.imbalance():.3f}", flush=True)
        print(f"{'operator, peak memory':<52} {memory(operators['one']):.0f} MB", flush=True)
        await restart(bench)
        await takeover(bench, "one", "two", "SIGKILL")
        await takeover(bench, "two", "one", "SIGSTOP")
    finally:
        for task in background:
            task.cancel()
        kubelet.close()
        for operator in operators.values():
            operator.kill()
            errors = operator.log.read_text(errors="replace")
            print(f"log: {errors.count(': 429')} answers of 429, {errors.count('defect')} defects")
        await api.close()


async def make_fleet(bench: Bench, nodes: list[str]) -> None:
    spec = {"mediaNodes": {"min": 0, "max": 1000, "network": {"portTo": 49999}}}
    await bench.api.create(MEDIA_CLUSTERS, manifest("MediaCluster", "default", spec))
    for name in nodes:
        await bench.api.create(MEDIA_NODES, manifest("MediaNode", name, {}))
    while True:
        found = await bench.api.list(MEDIA_NODES, NAMESPACE)
        if sum(node.get("status", {}).get("phase") == "Ready" for node in found.items) >= len(nodes):
            return
        await asyncio.sleep(1.0)


async def steady(bench: Bench, seconds: int) -> None:
    """20 new Rooms a second."""
    before, revision = cpu(bench.operators["one"]), await revision_of(bench.api)
    began, made = time.monotonic(), bench.made
    waiting: list[asyncio.Future[float]] = []
    while (now := time.monotonic()) < began + seconds:
        waiting.append(await bench.create())
        await asyncio.sleep(max(began + len(waiting) / 20 - now, 0.0))
    latencies = sorted(await asyncio.gather(*waiting))
    took = time.monotonic() - began
    writes = await revision_of(bench.api) - revision - (bench.made - made)
    for share in (0.5, 0.99):
        value = latencies[int(share * (len(latencies) - 1))] * 1000
        print(
            f"{f'20 Rooms a second: applied → Assigned, p{share * 100:.0f}':<52} {value:.0f} ms", flush=True
        )
    print(f"{'  operator, share of a core':<52} {(cpu(bench.operators['one']) - before) / took:.2f}")
    print(f"{'  writes of the operator and the lease':<52} {writes / took:.1f} /s", flush=True)


async def at_once(bench: Bench, rooms: int) -> None:
    began, before = time.monotonic(), cpu(bench.operators["one"])
    waiting: list[asyncio.Future[float]] = []

    async def creator() -> None:
        while bench.made < rooms:
            waiting.append(await bench.create())

    await asyncio.gather(*(creator() for _ in range(CREATORS)))
    print(f"{f'{len(waiting)} Rooms at once: created':<52} {time.monotonic() - began:.1f} s", flush=True)
    await asyncio.gather(*waiting)
    print(f"{'  all Assigned, since the first create':<52} {time.monotonic() - began:.1f} s")
    print(f"{'  operator, CPU':<52} {cpu(bench.operators['one']) - before:.1f} s", flush=True)


async def restart(bench: Bench) -> None:
    operator = bench.operators["one"]
    await asyncio.to_thread(operator.stop)
    began = time.monotonic()
    start(operator)
    await (await bench.create())
    print(
        f"{f'restart with {bench.made} Rooms: next one Assigned after':<52} {time.monotonic() - began:.1f} s"
    )


async def takeover(bench: Bench, old: str, new: str, how: str) -> None:
    """Rooms that have a node keep node and epoch, also when the one that was stopped wakes up."""
    start(bench.operators[new])
    await asyncio.sleep(15)
    before = dict(bench.fleet.assigned)
    began = time.monotonic()
    if how == "SIGKILL":
        bench.operators[old].kill()
    else:
        bench.operators[old].freeze()
    await (await bench.create())
    print(f"{f'takeover by {how}: next Room Assigned after':<52} {time.monotonic() - began:.1f} s")
    if how == "SIGSTOP":
        bench.operators[old].thaw()
        status = await asyncio.to_thread(bench.operators[old].wait)
        print(f"{'  the stopped one, awake again, ends with status':<52} {status}")
    moved = sum(bench.fleet.assigned.get(key) != was for key, was in before.items())
    print(f"{'  Rooms that moved or got another epoch':<52} {moved}", flush=True)


async def holder(api: KubeApi) -> str:
    lease = await api.get(LEASES, NAMESPACE, "rotunda-operator")
    return str(lease["spec"].get("holderIdentity"))


async def revision_of(api: KubeApi) -> int:
    return int((await api.list(MEDIA_CLUSTERS, NAMESPACE)).resource_version)


async def say(what: str, work: Awaitable[None]) -> None:
    began = time.monotonic()
    await work
    print(f"{what:<52} {time.monotonic() - began:.1f} s", flush=True)


def start(operator: OperatorProcess) -> None:
    operator.start()
    core = min(range(os.cpu_count() or 1))
    subprocess.run(["taskset", "-apc", str(core), str(operator.pid)], check=True, stdout=subprocess.DEVNULL)


def cpu(operator: OperatorProcess) -> float:
    """Seconds so far."""
    fields = Path(f"/proc/{operator.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(operator: OperatorProcess) -> float:
    """The most it ever had, in MB."""
    status = Path(f"/proc/{operator.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
