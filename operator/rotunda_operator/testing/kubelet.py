"""Plays scheduler and kubelet: pods are put on a node and run, and end when they are deleted."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

from rotunda_kube import Conflict, Informer, Key, KubeApi, KubeError, Manifest, NotFound, key_of
from rotunda_kube.api import connect
from rotunda_kube.resource import NODES, PODS

NODE = "worker-1"


class FakeKubelet:
    """Runs in a thread of its own until it is closed."""

    def __init__(self, kubeconfig: Path, namespace: str, *, node: str = NODE) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._node = node
        self._work: asyncio.Queue[Manifest] = asyncio.Queue()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._main, name="kubelet", daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    def close(self) -> None:
        assert self._task is not None
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def _main(self) -> None:
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self) -> None:
        self._task = asyncio.current_task()
        api = await connect(self._kubeconfig)
        try:
            await self._make_node(api)
            informer = Informer(
                api,
                PODS,
                self._namespace,
                on_change=self._work.put_nowait,
                on_delete=lambda _: None,
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(informer.run())
                await informer.synced.wait()
                self._ready.set()
                while True:
                    await self._tend(api, await self._work.get())
        finally:
            await api.close()

    async def _make_node(self, api: KubeApi) -> None:
        labels = {"topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": "eu-1"}
        manifest = {"metadata": {"name": self._node, "labels": labels}, "kind": "Node", "apiVersion": "v1"}
        with suppress(KubeError):
            await api.create(NODES, manifest)
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        await api.patch(NODES, "", self._node, {"status": status}, subresource="status")

    async def _tend(self, api: KubeApi, pod: Manifest) -> None:
        key = key_of(pod)
        with suppress(NotFound, Conflict):
            if "deletionTimestamp" in pod["metadata"]:
                await api.delete(PODS, key.namespace, key.name, grace_seconds=0)
            elif not pod["spec"].get("nodeName"):
                await self._bind(api, key)
            elif pod["status"].get("phase") == "Pending":
                await self._start(api, key)

    async def _bind(self, api: KubeApi, key: Key) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"namespace": key.namespace, "name": key.name},
            "target": {"kind": "Node", "name": self._node},
        }
        await api.create_at(PODS.path(key.namespace, key.name, "binding"), binding)

    async def _start(self, api: KubeApi, key: Key) -> None:
        ready = {"type": "Ready", "status": "True"}
        status = {"phase": "Running", "hostIP": "127.0.0.1", "podIP": "127.0.0.1", "conditions": [ready]}
        await api.patch(PODS, key.namespace, key.name, {"status": status}, subresource="status")
