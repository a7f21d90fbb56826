"""A scenario with a small fleet and an operator that crashes, checked from the API server's side."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from rotunda_kube import Informer, KubeApi, Manifest, key_of
from rotunda_kube.api import connect
from rotunda_kube.resource import MEDIA_CLUSTERS, MEDIA_NODES, PODS, ROOMS
from rotunda_operator.testing.control_plane import ControlPlane
from rotunda_operator.testing.crashing_operator import CrashingOperator, in_process
from rotunda_operator.testing.faulty_proxy import Fault, FaultyProxy
from rotunda_operator.testing.kubelet import FakeKubelet
from rotunda_operator.testing.ports import free_port
from rotunda_operator.testing.reporter import Reporter

PATIENCE_SECONDS = 240.0
NODES = ("a", "b")
ROOM_NAMES = ("r1", "r2", "r3", "r4")


class Scenario:
    """`run` runs it. Then `failures` says what went wrong; it is empty when nothing did."""

    def __init__(
        self,
        plane: ControlPlane,
        namespace: str,
        faults: Mapping[int, Fault],
        operator: CrashingOperator = in_process,
    ) -> None:
        self.failures: list[str] = []
        self.writes = 0
        self._plane = plane
        self._namespace = namespace
        self._faults = faults
        self._operator = operator
        self._assignments: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._pods: dict[str, set[str]] = defaultdict(set)

    def __str__(self) -> str:
        return f"{self._namespace}, {dict(self._faults)}"

    async def run(self) -> None:
        await asyncio.to_thread(self._plane.kubectl, "create", "namespace", self._namespace)
        account = ("create", "serviceaccount", "default", "-n", self._namespace)
        await asyncio.to_thread(self._plane.kubectl, *account)
        credentials = json.loads(
            (await asyncio.to_thread(self._plane.operator_kubeconfig, self._namespace)).read_text()
        )
        token = credentials["users"][0]["user"]["token"]
        proxy = FaultyProxy(self._plane.url, self._plane.ca, token, self._faults)
        api = await connect(self._plane.kubeconfig)
        port = free_port()
        kubelet = await asyncio.to_thread(FakeKubelet, self._plane.kubeconfig, self._namespace)
        reporter = Reporter(self._namespace, port)
        for node in NODES:
            reporter.report(node)
        try:
            operator = self._operator(proxy, self._namespace, port, self._plane.ca.parent)
            async with self._watched(api), operator:
                await self._run_steps(api)
        finally:
            self.writes = proxy.writes
            await asyncio.to_thread(reporter.close)
            await asyncio.to_thread(kubelet.close)
            await proxy.close()
            await api.close()

    async def _run_steps(self, api: KubeApi) -> None:
        await self._create(api, "MediaCluster", "default", {"mediaNodes": {"min": 0}})
        for node in NODES:
            await self._create(api, "MediaNode", node, {})
        for room in ROOM_NAMES:
            await self._create(api, "Room", room, {"expectedParticipants": 2})
        await self._until("all rooms are placed", lambda: self._placed(api, {"a", "b"}))
        kept = {
            room: assignments[-1]
            for room, assignments in self._assignments.items()
            if assignments[-1][1] == "b"
        }
        # A fault may have delayed node "a" until all rooms were placed on "b".
        await self._until("the node that is to be lost serves", lambda: self._serves(api, "a"))
        victim = await api.get(MEDIA_NODES, self._namespace, "a")
        await api.delete(PODS, self._namespace, victim["status"]["podName"], grace_seconds=0)
        await self._until("all are placed again, and the pod replaced", lambda: self._replaced(api, victim))
        self._check(kept)

    def _check(self, kept: Mapping[str, tuple[int, str]]) -> None:
        for room, assignment in kept.items():
            if self._assignments[room][-1] != assignment:
                self.failures.append(f"{room} moved without need: {self._assignments[room]}")
        for room, assignments in self._assignments.items():
            epochs = [epoch for epoch, _ in assignments]
            if epochs != list(range(1, len(epochs) + 1)) or len(epochs) > 2:
                self.failures.append(f"{room} was assigned {assignments}")
        for node, pods in self._pods.items():
            if len(pods) > (2 if node == "a" else 1):
                self.failures.append(f"{node} got the pods {sorted(pods)}")

    async def _placed(self, api: KubeApi, nodes: set[str]) -> bool:
        """By the list, and also by the watch, which may be behind."""
        rooms = (await api.list(ROOMS, self._namespace)).items
        found = {key_of(room).name: room.get("status", {}).get("assignment") for room in rooms}
        return len(found) == len(ROOM_NAMES) and all(
            assignment is not None
            and assignment["mediaNode"] in nodes
            and self._assignments[name][-1:] == [(assignment["epoch"], assignment["mediaNode"])]
            for name, assignment in found.items()
        )

    async def _serves(self, api: KubeApi, node: str) -> bool:
        found = await api.get(MEDIA_NODES, self._namespace, node)
        return bool(found.get("status", {}).get("phase") == "Ready")

    async def _replaced(self, api: KubeApi, victim: Manifest) -> bool:
        node = await api.get(MEDIA_NODES, self._namespace, "a")
        replaced = node["status"].get("processID") not in (None, victim["status"]["processID"])
        lost = [
            room
            for room, assignments in self._assignments.items()
            if assignments[:1] == [(1, "a")] and len(assignments) < 2
        ]
        return (
            replaced
            and not lost
            and node["status"]["phase"] == "Ready"
            and await self._placed(api, set(NODES))
        )

    async def _until(self, what: str, holds: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not await holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"never came: {what}")
            await asyncio.sleep(0.1)

    async def _create(self, api: KubeApi, kind: str, name: str, spec: Manifest) -> None:
        resource = {"Room": ROOMS, "MediaNode": MEDIA_NODES, "MediaCluster": MEDIA_CLUSTERS}[kind]
        metadata = {"namespace": self._namespace, "name": name}
        manifest = {"apiVersion": resource.api_version, "kind": kind, "metadata": metadata, "spec": spec}
        await api.create(resource, manifest)

    @asynccontextmanager
    async def _watched(self, api: KubeApi) -> AsyncIterator[None]:
        """Records every assignment and every pod that there ever was."""
        informers = [
            Informer(api, ROOMS, self._namespace, on_change=self._on_room, on_delete=lambda _: None),
            Informer(api, PODS, self._namespace, on_change=self._on_pod, on_delete=lambda _: None),
        ]
        tasks = [asyncio.create_task(informer.run()) for informer in informers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    def _on_room(self, room: Manifest) -> None:
        assignment = room.get("status", {}).get("assignment")
        assignments = self._assignments[key_of(room).name]
        if assignment and (
            not assignments or assignments[-1] != (assignment["epoch"], assignment["mediaNode"])
        ):
            assignments.append((assignment["epoch"], assignment["mediaNode"]))

    def _on_pod(self, pod: Manifest) -> None:
        self._pods[pod["metadata"]["labels"]["rotunda.dev/media-node"]].add(pod["metadata"]["uid"])
