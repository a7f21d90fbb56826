"""A thousand fake media nodes. Each reports the load of the Rooms that are assigned to it."""

import asyncio
from collections import defaultdict
from contextlib import suppress

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as rpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from rotunda_kube import Key, Manifest, key_of
from rotunda_operator.placement import consumers_of
from rotunda_operator.testing.reporter import ReportedLoad, add_resource

REPORT_SECONDS = 2.0
CHANNELS = 8
COST = 0.0003
"""Utilization for each consumer."""
_OPTIONS = (("grpc.max_reconnect_backoff_ms", 1000), ("grpc.initial_reconnect_backoff_ms", 200))


class Fleet:
    """Learns of Rooms by `on_room` and `on_room_deleted`. `run` reports for all nodes until cancelled."""

    def __init__(self, namespace: str, port: int, nodes: list[str]) -> None:
        self.assigned: dict[Key, tuple[str, int]] = {}
        """By Room: node and epoch."""
        self._namespace = namespace
        self._target = f"127.0.0.1:{port}"
        self._nodes = nodes
        self._people: dict[Key, int] = {}
        self._rooms: dict[str, set[Key]] = defaultdict(set)

    def on_room(self, manifest: Manifest) -> None:
        key = key_of(manifest)
        self._people[key] = manifest["spec"].get("expectedParticipants", 10)
        self._unassign(key)
        assignment = manifest.get("status", {}).get("assignment")
        if assignment:
            self.assigned[key] = (assignment["mediaNode"], assignment["epoch"])
            self._rooms[assignment["mediaNode"]].add(key)

    def on_room_deleted(self, key: Key) -> None:
        self._unassign(key)
        self._people.pop(key, None)

    def load(self, node: str) -> float:
        """Utilization, 0 to 1."""
        return self._consumers(node) * COST

    def imbalance(self) -> float:
        """The highest load of a node, divided by the mean load."""
        loads = [self.load(node) for node in self._nodes]
        return max(loads) * len(loads) / sum(loads)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for index in range(CHANNELS):
                group.create_task(self._report(self._nodes[index::CHANNELS]))

    async def _report(self, nodes: list[str]) -> None:
        async with grpc.aio.insecure_channel(self._target, options=_OPTIONS) as channel:
            stub = rpc.MetricsServiceStub(channel)  # type: ignore[no-untyped-call]  # generated
            loop = asyncio.get_running_loop()
            due = loop.time()
            while True:
                for node in nodes:
                    due = max(due + REPORT_SECONDS / len(nodes), loop.time() - 1.0)
                    await asyncio.sleep(due - loop.time())
                    with suppress(grpc.RpcError):
                        await stub.Export(self._request(node), timeout=1.0)

    def _request(self, node: str) -> ExportMetricsServiceRequest:
        request = ExportMetricsServiceRequest()
        rooms = {key.name: self._people[key] for key in self._rooms.get(node, ())}
        load = ReportedLoad(self.load(node), self._consumers(node), rooms)
        add_resource(request, self._namespace, node, load)
        return request

    def _consumers(self, node: str) -> int:
        return sum(consumers_of(self._people[key]) for key in self._rooms.get(node, ()))

    def _unassign(self, key: Key) -> None:
        before = self.assigned.pop(key, None)
        if before is not None:
            self._rooms[before[0]].discard(key)
